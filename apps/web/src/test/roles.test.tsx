import { screen } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import { accessibilityViolations, loaded, mockServers, openAt } from './app.tsx';
import { looksOf } from './mock/looks.ts';
import { ids, orgSlug } from './mock/world.ts';

mockServers();

const { connection, event, deadLetter, quarantined, plan, incident } = ids;
const looks = looksOf(orgSlug, { connection, event, deadLetter, quarantined, plan, incident });

/** Everything that changes something of an org, by the names of its buttons and links. */
const commands =
  /^(Add a (connection|channel|project)|Pause|Resume|Rotate|Delete.*|Save.*|Send (a )?test.*|Create.*|Replay this|Retry|Redrive.*|Discard.*|Purge.*|More actions|Re-verify.*|New plan|Plan \d+ deliver.*|Approve|Run|Cancel the plan|Acknowledge|Resolve|Change(?! your password).*|Remove.*|Withdraw.*|Rename.*|New (data|hash) key|Place a hold|Release|Erase a person)$/;

/** Looks that have no command for any role. */
const readOnly = new Set([
  'overview',
  'events',
  'event-canonical',
  'event-properties',
  'dead-letters-operations',
  'pipeline',
  'installation',
  'connection-activity',
  'connection-fields',
]);

const offered = () =>
  [...screen.queryAllByRole('button'), ...screen.queryAllByRole('link')]
    .map((one) => one.getAttribute('aria-label') ?? one.textContent ?? '')
    .filter((name) => commands.test(name));
const reasons = () => screen.queryAllByRole('note').map((one) => one.getAttribute('aria-label') ?? one.textContent ?? '');

describe.each(looks)('$name', ({ name, path }) => {
  it('offers an analyst nothing that changes the org, and says why', async () => {
    await openAt(path, { world: { role: 'analyst' } });
    await loaded();
    expect(offered()).toEqual([]);
    expect(screen.queryAllByRole('switch')).toEqual([]);
    if (!readOnly.has(name)) expect(reasons().join('\n')).toMatch(/[Oo]nly (an )?owners? (or|and) admins?|Your role is analyst/i);
    expect(await accessibilityViolations()).toEqual([]);
  });
});

it.each([
  ['connections', 'Add a connection'],
  ['connection-setup', 'Rotate'],
  ['replays', 'New plan'],
  ['alerts-channels', 'Add a channel'],
  ['settings-privacy', 'New data key'],
])('offers an owner on %s the command “%s”, which an analyst does not get', async (name, command) => {
  await openAt(looks.find((one) => one.name === name)?.path ?? '');
  await loaded();
  expect(offered()).toContain(command);
});

it('tells an analyst in Portuguese that only an owner or admin can add the first connection', async () => {
  await openAt(`/o/${orgSlug}/overview`, { world: { role: 'analyst', filled: false }, language: 'pt-BR' });
  await loaded();
  expect(screen.getByRole('heading', { name: 'Nada chegou ainda' })).toBeTruthy();
  expect(reasons().join()).toContain('Só um proprietário ou administrador desta organização pode fazer isto. Seu papel é analista.');
  expect(screen.queryByRole('link', { name: 'Adicionar uma conexão' })).toBeNull();
});
