import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { alertKinds } from '@tributary/shared/alert-kinds.ts';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../test/api.ts';

const root = resolve(import.meta.dirname, '../../../..');
const page = readFileSync(join(root, 'docs/runbook.md'), 'utf8');
/** Each query begins with a comment that is its title. */
const queries = [...page.matchAll(/^```sql\n-- (.+)\n([\s\S]+?)^```$/gm)].map(([, title = '', sql = '']) => ({ title, sql }));
const hottok = 'hottok-of-the-runbook';

type Row = Record<string, unknown>;
/** Rows that must be among the answer of each query on the seeded database. */
const answers: Record<string, (() => Row[]) | 'nothing'> = {
  'Records of the last hour': () => [{ received: '8', accepted: '4', duplicates: '2', dead_lettered: '1', rejected: '1' }],
  'Records of the last hour, by source': () => [
    { type: 'hotmart', received: '7', accepted: '3', duplicates: '2', dead_lettered: '1', rejected: '1' },
    { type: 'webhook', received: '1', accepted: '1' },
  ],
  'The newest events': () => [{ connection: 'Test hotmart', type: 'order.paid', source_event_type: 'PURCHASE_APPROVED' }],
  'Minutes of the last hour': () => [{ bucket: expect.any(Date), received: expect.any(String) }],
  'Who waits for whom': () => [{ application_name: 'tributary blocked', blocked_by: [expect.any(Number)] }],
  'Connections by program': () => [{ application_name: 'tributary ingest', usename: 'tributary_api', connections: expect.any(String) }],
  'Size of the tables, partitions together': () => [
    { table_name: 'canonical_events', size: expect.stringMatching(/kB|MB/) },
    { table_name: 'private.event_keys', parts: '1' },
  ],
  'Tables that wait for vacuum': () => [{ relname: 'source_connections' }],
  'Changes of the mode': () => [
    { from_mode: 'normal', to_mode: 'brownout', changed_by: 'operator', cause: expect.stringContaining('a drill') },
  ],
  Instances: () => [{ obeyed_mode: expect.any(String), in_flight: 0 }],
  'Notifications that fail': () => [{ type: 'webhook', channel: 'On call', notifications: '1', attempts: 3, last_error: 'answered 500' }],
  'Lag by connection': () => [{ connection: 'Test hotmart', accepted: '3', mean_lag_seconds: expect.stringMatching(/^1[0-9]{2}\./) }],
  'Silent connections': () => [{ connection: 'Gone silent', id: silentId, silent_for: expect.anything() }],
  'Open incidents': () => [{ kind: 'ConnectionSilent', level: 'critical', connection: 'Gone silent', message: 'Nothing for 2 hours' }],
  'Patterns of dead letters': () => [{ error_class: 'DUPLICATE_EVENT', type: 'hotmart', entries: '1', connections: '1' }],
  'Dead letters by status and age': () => [
    { status: 'pending', entries: '2' },
    { status: 'exhausted', entries: '1' },
  ],
  'Retry exhausted dead letters (changes rows)': 'nothing',
  'Duplicates by connection': () => [{ connection: 'Test hotmart', duplicates: '2', percent: '33.3' }],
  'Events stored twice (must return no row)': 'nothing',
  'Use of the indexes': () => [{ table_name: 'event_keys', index_name: 'unique_event_per_source', is_unique: true }],
  'Tables that are read from end to end': () => [{ relname: expect.any(String), seq_scan: expect.any(String) }],
  'Pending lists of the search indexes': () => [{ pages: expect.any(String) }],
  'Jobs by task': () => [{ task_identifier: 'runbook.job', jobs: '1', running: '0', last_error: 'it broke' }],
  'Schedule of the timed tasks': () => [{ task: 'runbook.clock', started_at: expect.any(Date) }],
  'Rejected deliveries by connection': () => [{ connection: 'Test hotmart', rejected: '1', accepted: '3', quarantined: '1' }],
  'Rejected deliveries by reason': () => [{ connection: 'Test hotmart', code: 'invalid_hottok', rejected: '1' }],
  'Events of an order': () => [{ type: 'order.paid', amount_minor: '19750', currency: 'BRL', revision: 1 }],
  'The newest deliveries': () => [{ connection: 'Test hotmart', outcome: 'duplicate' }],
  'Legal holds': () => [{ connection: null, reason: 'Lawsuit 4711' }],
  'Deletions of orgs': () => [{ status: 'done', step: 'public.orgs' }],
  'Expired partitions whose held rows are being moved aside': () => [
    { partition_name: 'canonical_events_y2001m01', state: 'copying', copied: '0' },
  ],
  Partitions: () => [{ table_name: 'canonical_events', bound: 'DEFAULT' }],
  'Who did what': () => [{ action: 'source_connections.insert', email: expect.stringContaining('@example.com') }],
};

let api: TestApi;
let hotmart: { id: string; url: string };
let silentId: string;
const sessions: pg.Client[] = [];

beforeAll(async () => {
  api = await startTestApi();
  await seed();
});
afterAll(async () => {
  await Promise.all(sessions.map((client) => client.end()));
  await api?.close();
});

describe('the queries of the runbook', () => {
  it('all have an expected answer here', () => {
    expect(queries.map(({ title }) => title)).toEqual(Object.keys(answers).toSorted(byPage));
    expect(page.match(/```sql/g)).toHaveLength(queries.length);
  });

  it.each(queries)('$title', async ({ title, sql }) => {
    const expected = answers[title];
    const rows = await asPostgres(sql, title.includes('changes rows') ? 'read write' : 'read only');
    if (expected === 'nothing') expect(rows).toEqual([]);
    else for (const row of expected?.() ?? [{ title }]) expect(rows).toContainEqual(expect.objectContaining(row));
  });

  it('that retries by SQL makes dead letters due', async () => {
    const [retry] = queries.filter(({ title }) => title.includes('changes rows'));
    const client = new pg.Client({ connectionString: api.adminUrl });
    await client.connect();
    try {
      await client.query('begin');
      const { rowCount } = await client.query(retry?.sql.replace('00000000-0000-0000-0000-000000000000', hotmart.id) ?? '');
      expect(rowCount).toBe(1);
      const { rows } = await client.query(`select from public.dlq_events where status = 'pending' and next_retry_at <= now()`);
      expect(rows).toHaveLength(1);
    } finally {
      await client.end();
    }
  });
});

describe('the runbook names', () => {
  it('every alert of tenants', () => {
    const headings = [...page.matchAll(/^### (.+)$/gm)].map(([, heading]) => heading);
    expect(alertKinds.filter((kind) => !headings.includes(kind))).toEqual([]);
  });

  it('only metrics that exist', () => {
    const named = [...page.matchAll(/`((?:ingest|dlq|replay|worker|alert|nodejs|process)_\w+)`/g)].map(([, name = '']) => name);
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((name) => !api.metrics.registry.getSingleMetric(name))).toEqual([]);
  });

  it('only URLs that the API answers', () => {
    const curls = [...page.matchAll(/curl ([^`\n]*)"\$API(\/[^"?]*)/g)].map(([, options = '', path = '']) => ({
      method: /-X (\w+)/.exec(options)?.[1] ?? 'GET',
      path,
    }));
    const others = [...page.matchAll(/`(GET|POST|PATCH|DELETE) (\/[^`?]*)`/g)].map(([, method = '', path = '']) => ({ method, path }));
    const answers = ({ method, path }: { method: string; path: string }) =>
      api.app.routes.some(
        (route) => route.method === method && new RegExp(`^${route.path.replace(/:\w+(\{[^}]*\})?/g, '[^/]+')}$`).test(path),
      );
    expect(curls.length).toBeGreaterThan(8);
    expect([...curls, ...others].filter((one) => !answers(one))).toEqual([]);
  });

  it('only commands and options that the CLI has', async () => {
    const shell = [...page.matchAll(/^```sh\n([\s\S]+?)^```$/gm)].flatMap(([, text = '']) => text.split('\n'));
    const inline = [...page.matchAll(/`([^`\n]+)`/g)].map(([, text = '']) => text.replace(/^npx /, ''));
    const lines = [...shell, ...inline].filter((line) => /^(tributary|replayctl|dlqtriage) ./.test(line));
    expect(lines.length).toBeGreaterThan(20);
    const helps = await readHelps();
    for (const line of lines) {
      const [program = '', command = ''] = line.split(' ');
      const key = command.startsWith('-') ? program : `${program} ${command}`;
      const help = helps[key];
      expect(help, line).toContain(`Usage: ${key}`);
      for (const [option] of line.matchAll(/--[\w-]+/g)) expect(help, line).toContain(option);
    }
  });
});

/** Sorts by the place of the title on the page; a title that is not on the page comes last. */
function byPage(a: string, b: string): number {
  const at = (title: string) => (page.indexOf(`-- ${title}\n`) + 1 || page.length + 1) - 1;
  return at(a) - at(b);
}

/** The help texts of the programs of the CLI and of each of their commands, written by one process. */
async function readHelps(): Promise<Record<string, string>> {
  const script = `
    const programs = await import(${JSON.stringify(pathToFileURL(join(root, 'apps/cli/src/programs.ts')).href)});
    const helps = {};
    for (const program of Object.values(programs).map((create) => create())) {
      helps[program.name()] = program.helpInformation();
      for (const command of program.commands) helps[program.name() + ' ' + command.name()] = command.helpInformation();
    }
    console.log(JSON.stringify(helps));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
  return JSON.parse(stdout) as Record<string, string>;
}

/** Runs a query as an operator does, as the owner of the tables, in a transaction that is rolled back. */
async function asPostgres(sql: string, mode: 'read only' | 'read write'): Promise<Row[]> {
  const client = new pg.Client({ connectionString: api.adminUrl });
  await client.connect();
  try {
    await client.query(`begin transaction ${mode}`);
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

async function seed(): Promise<void> {
  const org = await api.makeOrg();
  hotmart = await api.connect(org, 'hotmart', { hottok });
  const webhook = await api.connect(
    org,
    'webhook',
    { secret: 'a-good-key' },
    { verification: { scheme: 'api-key', in: 'header', name: 'x-api-key' } },
  );
  silentId = await api.makeConnection(org, { name: 'Gone silent' });
  const purchase = (id: string, value = 197.5) =>
    JSON.stringify({
      id,
      creation_date: Date.now() - 120_000,
      event: 'PURCHASE_APPROVED',
      version: '2.0.0',
      data: {
        product: { id: 4711, name: 'Curso' },
        buyer: { email: 'ana.souza@example.com', name: 'Ana Souza' },
        purchase: { transaction: 'HP1234567890', status: 'APPROVED', price: { value, currency_value: 'BRL' } },
      },
    });
  const sale = purchase('one');
  const send = async (body: string, status: string) => {
    expect((await api.send(hotmart.url, body, { 'x-hotmart-hottok': hottok })).body.status).toBe(status);
  };
  await send(sale, 'accepted');
  for (const id of ['two', 'three']) await send(purchase(id), 'accepted');
  for (let times = 0; times < 2; times++) await send(sale, 'duplicate');
  await send(purchase('one', 1), 'dead_lettered');
  await api.send(hotmart.url, purchase('four'), { 'x-hotmart-hottok': 'wrong' });
  await api.send(webhook.url, JSON.stringify({ id: randomUUID() }), { 'x-api-key': 'a-good-key' });
  await api.quarantine.drain();

  const values = [org.id, org.projectId, hotmart.id];
  await api.admin(
    `insert into public.dlq_events (id, org_id, project_id, source_connection_id, journal_id, error_class, last_error_message, status, attempts)
     values (gen_random_uuid(), $1, $2, $3, gen_random_uuid(), 'MISSING_FIELD', 'data.purchase is missing', 'exhausted', 8)`,
    values,
  );
  await api.admin(
    `insert into public.org_deletions (org_id, starts_at, status, started_at, completed_at, step) values (gen_random_uuid(), now(), 'done', now(), now(), 'public.orgs')`,
  );
  await api.admin(
    `insert into private.held_moves (partition_name, parent, held_name, lower_bound, upper_bound)
     values ('canonical_events_y2001m01', 'public.canonical_events', 'canonical_events_y2001m01_held', '2001-01-01', '2001-02-01')`,
  );
  await api.admin(`insert into public.legal_holds (org_id, reason) values ($1, 'Lawsuit 4711')`, [org.id]);
  await api.admin(
    `with incident as (
       insert into public.alert_incidents (org_id, kind, source_connection_id, level, peak_level, value, threshold, message, opened_at, last_seen_at, last_notified_at)
       values ($1, 'ConnectionSilent', $2, 'critical', 'critical', 7200, 900, 'Nothing for 2 hours', now(), now(), now()) returning id
     ), channel as (
       insert into public.alert_channels (id, org_id, type, name, target) values (gen_random_uuid(), $1, 'webhook', 'On call', 'https://hooks.example.com') returning id
     )
     insert into public.alert_notifications (org_id, incident_id, channel_id, kind, round, level, value, threshold, message, attempts, next_attempt_at, last_error, created_at)
     select $1, incident.id, channel.id, 'opened', 0, 'critical', 7200, 900, 'Nothing for 2 hours', 3, now(), 'answered 500', now() from incident, channel`,
    [org.id, silentId],
  );
  await api.admin(`select graphile_worker.add_job('runbook.job', payload => '{}')`);
  await api.admin(
    `update graphile_worker._private_jobs set last_error = 'it broke' where id in (select id from graphile_worker.jobs where task_identifier = 'runbook.job')`,
  );
  await api.admin(`insert into private.schedule (task, started_at) values ('runbook.clock', now())`);
  for (const command of ['brownout?rate=0.1', 'resume']) {
    const response = await api.app.request(`/api/admin/${command}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${api.config.operatorToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ reason: 'a drill' }),
    });
    expect(response.status).toBe(200);
  }
  await blockOneSession();
  await reportFigures();
}

/** Leaves a dead row and a scan behind, in a session that reports its statistics at once; other sessions report a second later. */
async function reportFigures(): Promise<void> {
  const client = new pg.Client({ connectionString: api.adminUrl });
  await client.connect();
  await client.query(`update public.source_connections set last_event_at = now() - interval '2 hours' where id = $1`, [silentId]);
  await client.query('select count(*) from public.event_journal');
  await client.query('select pg_stat_force_next_flush()');
  await client.end();
}

/** Opens two sessions: one holds a lock, the other waits for it. */
async function blockOneSession(): Promise<void> {
  for (const name of ['tributary blocking', 'tributary blocked']) {
    const client = new pg.Client({ connectionString: api.adminUrl, application_name: name });
    await client.connect();
    sessions.push(client);
  }
  const [blocking, blocked] = sessions;
  await blocking?.query('select pg_advisory_lock(4711)');
  blocked?.query('select pg_advisory_lock(4711)').catch(() => {});
  const isWaiting = async () =>
    (await api.admin(`select from pg_stat_activity where application_name = 'tributary blocked' and wait_event_type = 'Lock'`)).length > 0;
  while (!(await isWaiting())) await sleep(20);
}
