import { act, fireEvent, screen } from '@testing-library/react';
import { expect, it } from 'vitest';
import { accessibilityViolations, loaded, mockServers, openAt, until } from './app.tsx';
import { guestLooks, looksOf, personalLooks } from './mock/looks.ts';
import { longNames, orgSlug } from './mock/world.ts';

mockServers();

const press = (role: 'button' | 'link', name: string) =>
  act(async () => fireEvent.click(screen.getAllByRole(role, { name }).at(-1) as HTMLElement));
const heading = (name: string) => until(() => expect(screen.getAllByRole('heading', { name })).not.toEqual([]));

it.each([...personalLooks, ...looksOf(orgSlug, {})])(
  '$name of an empty org has a heading, reports no failure and finishes loading',
  async ({ path }) => {
    await openAt(path, { world: { filled: false } });
    await loaded();
    expect(screen.queryAllByText('This could not be loaded')).toEqual([]);
    expect(screen.getAllByRole('heading', { level: 1 })[0]?.textContent).not.toBe('');
  },
);

it.each(guestLooks)('$name opens for a guest', async ({ path }) => {
  await openAt(path, { guest: true });
  await loaded();
  expect(await accessibilityViolations()).toEqual([]);
});

it('says that nothing matches and clears the filters, and leads from a time without events to the latest', async () => {
  await openAt(`/o/${orgSlug}/events?order=HPNOTHING`);
  await heading('No event matches');
  expect(await accessibilityViolations()).toEqual([]);
  await press('button', 'Clear filters');
  await until(() => expect(screen.getAllByText('HP000001')).not.toEqual([]));
  expect(window.location.search).toBe('');
});

it('leads from a time without events to the latest ones', async () => {
  await openAt(`/o/${orgSlug}/events?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z`);
  await heading('No event in this time');
  await press('button', 'Show the latest');
  await until(() => expect(screen.getAllByText('HP000001')).not.toEqual([]));
});

it('leads from an org without events to its connections', async () => {
  await openAt(`/o/${orgSlug}/events`, { world: { filled: false } });
  await heading('No event yet');
  await press('link', 'Go to connections');
  await heading('Connections');
});

it('shows the first step instead of figures to the owner of an org without deliveries', async () => {
  await openAt(`/o/${orgSlug}/overview`, { world: { filled: false } });
  await heading('Nothing has arrived yet');
  expect(screen.getByRole('link', { name: 'Add a connection' })).toBeTruthy();
  expect(screen.queryByRole('region', { name: 'From arrival to storage' })).toBeNull();
});

it('says in Portuguese that no incident is open and how many rules watch the connections', async () => {
  await openAt(`/o/${orgSlug}/alerts`, { world: { filled: false }, language: 'pt-BR' });
  await heading('Nenhum incidente: tudo em ordem');
  await until(() => expect(screen.getByText(/[67] regras vigiam todas as conexões\./)).toBeTruthy());
});

it('shows the audit log in Portuguese sentences', async () => {
  await openAt(`/o/${orgSlug}/settings?tab=audit`, { language: 'pt-BR' });
  await until(() => expect(screen.getAllByRole('button', { name: 'ana@example.com entrou como proprietário' })).not.toEqual([]));
});

it('renders only a part of thousands of events, and loads the next page before the reader reaches the end', async () => {
  await openAt(`/o/${orgSlug}/events`, { world: { rows: 1_000 } });
  await loaded();
  await until(() => expect(screen.getAllByText('HP000001')).not.toEqual([]));
  expect(document.querySelectorAll('tbody tr[aria-rowindex]').length).toBeLessThan(200);
});

it('lists fifty dead letters and the next fifty on demand', async () => {
  await openAt(`/o/${orgSlug}/dead-letters?tab=entries`, { world: { rows: 70, ...longNames } });
  await loaded();
  const entries = () => screen.getByRole('list', { name: 'Entries' }).querySelectorAll(':scope > li');
  await until(() => expect(entries()).toHaveLength(50));
  await act(async () => fireEvent.click(screen.getByRole('button', { name: /[Mm]ore$|^Load/ })));
  await until(() => expect(entries()).toHaveLength(70));
});
