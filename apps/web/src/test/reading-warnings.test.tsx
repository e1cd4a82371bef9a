import { screen, within } from '@testing-library/react';
import { Connection } from '@tributary/shared/api.ts';
import { DlqAnalysis } from '@tributary/shared/dlq.ts';
import { http } from 'msw';
import { expect, it } from 'vitest';
import { accessibilityViolations, loaded, mockServers, openAt, until } from './app.tsx';
import { answer } from './mock/answers.ts';
import { ago, ids, orgSlug } from './mock/world.ts';

mockServers();

const page = (id: string) => `/o/${orgSlug}/connections/${id}`;
const warning = (title: string) => screen.getByText(title).closest('[role=status]') as HTMLElement;

/** Answers the analysis of dead letters with one cluster. */
const cluster = (errorClass: string, connectionId: string, fieldPath: string | null = null) =>
  http.get('*/api/dlq/analyze', () =>
    answer(DlqAnalysis, {
      clusters: [
        {
          errorClass,
          fieldPath,
          sourceEventType: null,
          sourceType: 'webhook',
          connectionId,
          connectionName: 'Backend',
          count: 3,
          firstSeenAt: ago(60),
          lastSeenAt: ago(1),
          exampleId: ids.deadLetter,
          cause: 'A cause.',
          fix: 'A fix.',
          remedy: 'discard',
        },
      ],
    }),
  );

const genericConnection: Connection = {
  id: ids.webhook,
  orgId: ids.org,
  projectId: ids.project,
  type: 'webhook',
  name: 'Backend',
  isActive: true,
  verdict: { state: 'ok', reason: null, level: null, since: null },
  allowedIps: null,
  suspendedReason: null,
  rateLimitPerSecond: null,
  priority: 'normal',
  config: {},
  webhookUrl: `https://tributary.example/api/webhooks/webhook/${ids.webhook}`,
  secrets: [],
  missingSecrets: [],
  createdAt: ago(50_000),
  updatedAt: ago(900),
  lastEventAt: ago(3),
};

it('warns when different bodies arrived under one key, and offers the settings that mend it and the entries', async () => {
  await openAt(page(ids.webhook), { instead: [cluster('DUPLICATE_EVENT', ids.webhook)] });
  await loaded();
  await until(() => expect(warning('Different bodies arrived under one key').textContent).toContain('3 records have the key'));
  const shown = warning('Different bodies arrived under one key');
  for (const setting of ['(Fields › Id)', '(Volatile)', '(Fields › Type)']) expect(shown.textContent).toContain(setting);
  expect(within(shown).getByRole('link', { name: 'Change the settings' }).getAttribute('href')).toContain('tab=settings');
  expect(within(shown).getByRole('link', { name: 'See the entries' }).getAttribute('href')).toContain('DUPLICATE_EVENT');
  expect(await accessibilityViolations()).toEqual([]);
});

it('names the platform as the cause where no setting can mend it', async () => {
  await openAt(page(ids.connection), { instead: [cluster('DUPLICATE_EVENT', ids.connection)] });
  await loaded();
  await until(() =>
    expect(warning('Different bodies arrived under one key').textContent).toContain('The platform sent two different bodies'),
  );
  expect(within(warning('Different bodies arrived under one key')).queryByRole('link', { name: 'Change the settings' })).toBeNull();
});

it('says which time could not be read, in which form it is, and that the time of arrival counts', async () => {
  await openAt(page(ids.webhook));
  await loaded();
  await until(() => expect(warning('The time of events was not read from every record')).toBeTruthy());
  const shown = warning('The time of events was not read from every record');
  expect(shown.textContent).toContain('The field occurred_at holds no time that can be read. It has the form aaaaa aa 00a.');
  expect(shown.textContent).toContain('the time of arrival is the time of the event');
  expect(within(shown).getByRole('link', { name: 'Change the settings' })).toBeTruthy();
});

it.each([
  ['placed.at', true],
  ['another.field', false],
])('with the time of the settings in placed.at, records that fail at %s are counted as unread times: %s', async (failed, isTold) => {
  const handler = http.get('*/api/connections/:id', () =>
    answer(Connection, { ...genericConnection, config: { fields: { time: { path: 'placed.at' } } } }),
  );
  await openAt(page(ids.webhook), { instead: [handler, cluster('MISSING_FIELD', ids.webhook, failed)] });
  await loaded();
  await until(() => expect(warning('The time of events was not read from every record')).toBeTruthy());
  const said = '3 records wait as dead letters because their time in placed.at is missing or cannot be read.';
  const shown = warning('The time of events was not read from every record');
  expect(shown.textContent?.includes(said)).toBe(isTold);
  expect(within(shown).queryAllByRole('link', { name: 'See the entries' })).toHaveLength(isTold ? 1 : 0);
});

it('says nothing on a connection whose keys and times are well', async () => {
  await openAt(page(ids.connection));
  await loaded();
  expect(screen.queryByText('Different bodies arrived under one key')).toBeNull();
  expect(screen.queryByText('The time of events was not read from every record')).toBeNull();
});
