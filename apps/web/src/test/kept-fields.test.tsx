import { act, fireEvent, screen, within } from '@testing-library/react';
import { UpdateConnection } from '@tributary/shared/api.ts';
import { ConnectionFields, FieldReason } from '@tributary/shared/kept.ts';
import { http } from 'msw';
import { expect, it } from 'vitest';
import { accessibilityViolations, loaded, mockServers, openAt, until } from './app.tsx';
import { answer } from './mock/answers.ts';
import { ids, orgSlug } from './mock/world.ts';

mockServers();

const page = (tab: string, id: string = ids.webhook) => `/o/${orgSlug}/connections/${id}?tab=${tab}`;
const table = () => screen.getByRole('table', { name: 'What is stored of a delivery' });
const row = (path: string) => within(table()).getByText(path, { exact: true }).closest('tr') as HTMLElement;
const press = (name: string) => act(async () => fireEvent.click(screen.getByRole('button', { name })));

/** Records the settings that the page saves. */
function savedConfigs() {
  const saved: unknown[] = [];
  const handler = http.patch('*/api/connections/:id', async ({ request }) => {
    saved.push(UpdateConnection.parse(await request.clone().json()).config);
    return undefined;
  });
  return { saved, handler };
}

it('the page of a connection says of each field what is stored of it, and why in a sentence', async () => {
  await openAt(page('fields'));
  await loaded();
  expect(row('points').textContent).toContain('KeptIt is a number');
  expect(row('customer').textContent).toContain('DroppedIt is about a person');
  expect(row('customer.email').textContent).toContain('HashedIt is or contains an identifier');
  expect(screen.getByText(/1 record of the delivery received 3 min/)).toBeTruthy();
  expect(await accessibilityViolations()).toEqual([]);
});

it('an admin keeps a text, drops a field and undoes both, and is led to the reprocessing of what was received', async () => {
  const { saved, handler } = savedConfigs();
  await openAt(page('fields'), { instead: [handler] });
  await loaded();
  expect(screen.queryByRole('button', { name: /customer/ })).toBeNull();
  await press('Keep course.summary as text');
  await until(() => expect(row('course.summary').textContent).toContain('Kept'));
  await press('Drop points');
  await until(() => expect(row('points').textContent).toContain('Dropped'));
  await press('Undo: keep course.summary as text');
  await until(() => expect(row('course.summary').textContent).toContain('Dropped'));
  expect(saved).toEqual([{ keep: ['course.summary'] }, { keep: ['course.summary'], personal: ['points'] }, { personal: ['points'] }]);
  const link = screen.getByRole('link', { name: 'Plan the reprocessing' });
  const search = new URL(link.getAttribute('href') ?? '', location.origin).searchParams;
  expect(link.getAttribute('href')).toContain(`/o/${orgSlug}/replays?`);
  expect([search.get('mode'), search.get('connections')]).toEqual(['reprocess', expect.stringContaining(ids.webhook)]);
  expect(await accessibilityViolations()).toEqual([]);
});

it('an analyst reads the fields and is told who may change what is stored', async () => {
  await openAt(page('fields'), { world: { role: 'analyst' } });
  await loaded();
  expect(within(table()).queryAllByRole('button')).toEqual([]);
  expect(
    screen
      .getAllByRole('note')
      .map((note) => note.textContent)
      .join(),
  ).toMatch(/owners? (or|and) admins?/);
});

it('a platform whose source decides what is kept offers nothing to change', async () => {
  await openAt(page('fields', ids.connection));
  await loaded();
  expect(row('data.buyer').textContent).toContain('Dropped');
  expect(within(table()).queryAllByRole('button')).toEqual([]);
});

it('shows the fields of one fate, and says when none has it', async () => {
  await openAt(`${page('fields')}&fate=hashed`);
  await loaded();
  expect(within(table()).getAllByRole('row')).toHaveLength(2);
  await act(async () => fireEvent.click(screen.getByRole('radio', { name: 'Digested' })));
  await until(() => expect(screen.getByText('No field has this fate')).toBeTruthy());
  await press('Clear filters');
  await until(() => expect(within(table()).getAllByRole('row')).toHaveLength(7));
});

it('says that no delivery can be shown yet, with the next step', async () => {
  const nothing = { journalId: null, receivedAt: null, records: 0, fields: [], notes: [], isCut: false };
  const handler = http.get('*/api/connections/:id/fields', () => answer(ConnectionFields, nothing));
  await openAt(page('fields'), { instead: [handler] });
  await loaded();
  expect(screen.getByText('No delivery can be shown yet')).toBeTruthy();
  expect(screen.getByRole('link', { name: 'Send a test event' })).toBeTruthy();
});

it.each(['en', 'pt-BR'] as const)('has a sentence for every reason, in %s', async (language) => {
  const fields = FieldReason.options.map((reason) => ({ path: `f.${reason}`, fate: 'kept' as const, reason }));
  const found = { journalId: ids.event, receivedAt: new Date().toISOString(), records: 1, fields, notes: [], isCut: true };
  const handler = http.get('*/api/connections/:id/fields', () => answer(ConnectionFields, found));
  await openAt(page('fields', ids.connection), { language, instead: [handler] });
  await loaded();
  const sentences = screen
    .getAllByRole('row')
    .slice(1)
    .map((one) => one.querySelector('td:nth-child(3)')?.textContent ?? '');
  expect(new Set(sentences).size).toBe(FieldReason.options.length);
  for (const sentence of sentences) expect(sentence).toMatch(/^\p{Lu}.+\.$/u);
});
