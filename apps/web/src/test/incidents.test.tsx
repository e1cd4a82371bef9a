import { fireEvent, screen, within } from '@testing-library/react';
import { expect, it } from 'vitest';
import { asked, loaded, mockServers, openAt, until } from './app.tsx';
import { ids, orgSlug } from './mock/world.ts';

mockServers();

const rows = () => within(screen.getByRole('list', { name: 'Active' })).getAllByRole('listitem');
const buttonsOf = (row: HTMLElement | undefined) => within(row as HTMLElement).getAllByRole('button');
const press = (within_: HTMLElement | undefined, name: string) =>
  fireEvent.click(within(within_ as HTMLElement).getByRole('button', { name }));
const open = async () => {
  await openAt(`/o/${orgSlug}/alerts?tab=incidents`);
  await loaded();
  await until(() => expect(rows()).toHaveLength(2));
};

it('keeps every button and row at its place after an incident is acknowledged', async () => {
  await open();
  const before = rows().map((row) => buttonsOf(row).length);
  const order = rows().map((row) => row.textContent?.slice(0, 30));
  press(rows()[0], 'Acknowledge');
  await until(() => expect(buttonsOf(rows()[0])[0]?.textContent).toBe('Acknowledged'));
  expect(buttonsOf(rows()[0])[0]).toHaveProperty('disabled', true);
  expect(rows().map((row) => buttonsOf(row).length)).toEqual(before);
  expect(rows().map((row) => row.textContent?.slice(0, 30))).toEqual(order);
});

it('asks before an incident is resolved, and leaves the row of a resolved incident at its place', async () => {
  await open();
  press(rows()[0], 'Resolve');
  await until(() => expect(screen.getByRole('dialog').textContent).toContain('Nothing is repaired by this'));
  press(screen.getByRole('dialog'), 'Cancel');
  await until(() => expect(screen.queryByRole('dialog')).toBeNull());
  expect(asked.filter((question) => question.endsWith('/resolve'))).toEqual([]);

  press(rows()[0], 'Resolve');
  await until(() => press(screen.getByRole('dialog'), 'Resolve'));
  await until(() => expect(rows()[0]?.textContent).toContain('Resolved'));
  expect(asked).toContain(`POST /api/alerts/incidents/${ids.incident}/resolve`);
  expect(rows()).toHaveLength(2);
});

it('shows an incident of several connections once, with a list of its connections', async () => {
  await openAt(`/o/${orgSlug}/alerts?tab=incidents&incident=${ids.incident}`);
  await until(() => expect(screen.getByRole('region', { name: 'Connections' }).textContent).toContain('Backend'));
  expect(screen.getByRole('dialog').textContent).toContain('and 1 more connection');
});
