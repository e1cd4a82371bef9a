import { fireEvent, screen, within } from '@testing-library/react';
import { connectionVerdicts } from '@tributary/shared/verdicts.ts';
import { HttpResponse, http } from 'msw';
import { expect, it } from 'vitest';
import { accessibilityViolations, asked, loaded, mockServers, openAt, until } from './app.tsx';
import { ago, ids, orgSlug } from './mock/world.ts';

mockServers();

const reasons = {
  ok: null,
  needs_secret: 'hottok',
  paused: 'by_person',
  failing: 'RejectedRateHigh',
  silent: 'ConnectionSilent',
  late: 'ConnectionLag',
  waiting: 'first_event',
} as const;
const words = {
  en: ['OK', 'Needs its secret', 'Paused', 'Failing', 'Silent', 'Late', 'Waiting for the first event'],
  'pt-BR': ['OK', 'Falta o segredo', 'Pausada', 'Com falhas', 'Em silêncio', 'Atrasada', 'Aguardando o primeiro evento'],
};

/** A connection for each verdict, as the database answers. */
const oneOfEach = http.post('*/rest/v1/rpc/connection_health', () =>
  HttpResponse.json(
    connectionVerdicts.map((verdict, index) => ({
      source_connection_id: `33333333-0000-4000-8000-00000000000${index + 1}`,
      name: `Shop ${index + 1}`,
      type: 'hotmart',
      is_active: verdict !== 'paused',
      verdict,
      verdict_reason: reasons[verdict],
      verdict_level: 'critical',
      verdict_since: ago(60),
      received: 10,
      accepted: 10,
      duplicates: 0,
      dead_lettered: 0,
      rejected: 0,
      replayed: 0,
      replayed_accepted: 0,
      dlq_rate: 0,
      lag_p50_seconds: 1,
      lag_p95_seconds: 2,
      // A shop that is closed at night: old, and within its rhythm.
      freshness_seconds: verdict === 'waiting' ? null : 30_000,
      last_event_at: verdict === 'waiting' ? null : ago(500),
    })),
  ),
);
const noIncidents = http.get('*/rest/v1/alert_incidents', () => HttpResponse.json([]));

it.each(['en', 'pt-BR'] as const)('shows the verdict of every connection in the list: %s', async (language) => {
  await openAt(`/o/${orgSlug}/connections`, { language, instead: [oneOfEach] });
  await loaded();
  await until(() => expect(screen.getAllByRole('row').length).toBe(8));
  const shown = screen
    .getAllByRole('row')
    .slice(1)
    .map((row) => within(row).getAllByRole('cell')[1]?.textContent);
  expect(shown).toEqual(words[language]);
});

it('says on the overview which connections are not OK, and claims nothing about limits', async () => {
  await openAt(`/o/${orgSlug}/overview`, { instead: [oneOfEach, noIncidents] });
  await loaded();
  const incidents = screen.getByRole('region', { name: 'Open incidents' });
  await until(() => expect(incidents.textContent).toContain('6 connections are not OK: Needs its secret, Paused'));
  expect(incidents.textContent).not.toContain('Everything is within its limits');
  const freshness = within(screen.getByRole('region', { name: 'Freshness' })).getAllByRole('listitem');
  expect(freshness.map((row) => row.textContent?.slice(0, 6))).toEqual([
    'Shop 2',
    'Shop 4',
    'Shop 5',
    'Shop 6',
    'Shop 1',
    'Shop 7',
    'Shop 3',
  ]);
  expect(freshness[0]?.textContent).toContain('Needs its secret');
  // The age of an OK connection is no warning, however high it is.
  expect(freshness[4]?.innerHTML).toContain('teal');
});

it.each(['activity', 'setup', 'test', 'settings'])('a paused connection says so on its tab %s', async (tab) => {
  await openAt(`/o/${orgSlug}/connections/${ids.webhook}?tab=${tab}`);
  await loaded();
  await until(() =>
    expect(screen.getByText('Every delivery is answered with 403 and is not stored, until somebody resumes the connection.')).toBeTruthy(),
  );
});

it('asks before a pause, with what it will do to how many records a day', async () => {
  await openAt(`/o/${orgSlug}/connections/${ids.connection}`);
  await loaded();
  fireEvent.click(screen.getByRole('button', { name: 'Pause' }));
  const dialog = await until(() => screen.getByRole('dialog', { name: 'Pause Hotmart shop?' }));
  await until(() => expect(dialog.textContent).toMatch(/this concerns about \d+ records a day/));
  expect(dialog.textContent).toContain('Every delivery is answered with 403');
  expect(await accessibilityViolations()).toEqual([]);
  fireEvent.click(within(dialog).getByRole('button', { name: 'Cancel' }));
  expect(asked.filter((question) => question.startsWith('PATCH'))).toEqual([]);
  await until(() => expect(screen.queryByRole('dialog')).toBeNull());
  fireEvent.click(screen.getByRole('button', { name: 'Pause' }));
  fireEvent.click(await until(() => screen.getByRole('button', { name: 'Pause and refuse deliveries' })));
  await until(() => expect(asked).toContain(`PATCH /api/connections/${ids.connection}`));
});

it('asks before settings are saved that refuse what arrives, and saves others at once', async () => {
  await openAt(`/o/${orgSlug}/connections/${ids.connection}?tab=settings`);
  await loaded();
  fireEvent.change(await until(() => screen.getByLabelText('Name')), { target: { value: 'Another name' } });
  fireEvent.click(screen.getByRole('button', { name: 'Save' }));
  await until(() => expect(asked).toContain(`PATCH /api/connections/${ids.connection}`));
  expect(screen.queryByRole('dialog')).toBeNull();
  asked.length = 0;
  fireEvent.change(screen.getByLabelText('Addresses that may send'), { target: { value: '203.0.113.0/24' } });
  fireEvent.click(screen.getByRole('button', { name: 'Save' }));
  await until(() =>
    expect(screen.getByRole('dialog').textContent).toContain(
      'Deliveries from other addresses than these are answered with 403: 203.0.113.0/24.',
    ),
  );
  expect(asked.filter((question) => question.startsWith('PATCH'))).toEqual([]);
});

it('warns before a secret is rotated without grace', async () => {
  await openAt(`/o/${orgSlug}/connections/${ids.connection}?tab=setup`);
  await loaded();
  fireEvent.click(await until(() => screen.getByRole('button', { name: 'Rotate' })));
  const dialog = await until(() => screen.getByRole('dialog'));
  expect(dialog.textContent).not.toContain('stops working at once');
  fireEvent.click(within(dialog).getByRole('combobox', { name: 'The old one stays valid for' }));
  fireEvent.click(await until(() => screen.getByRole('option', { name: 'not at all' })));
  await until(() => expect(dialog.textContent).toContain('The old secret stops working at once'));
  expect(within(dialog).getByRole('button', { name: 'Rotate and reject the old secret' })).toBeTruthy();
});
