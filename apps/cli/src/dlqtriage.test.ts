import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliStack, deliverPurchase, startCliStack, until } from './test/stack.ts';

let stack: CliStack;
let hook: { id: string; webhookUrl: string; secret: string };
let stranger: { TRIBUTARY_TOKEN: string };
let analyst: { TRIBUTARY_TOKEN: string };

const verification = { scheme: 'api-key', in: 'header', name: 'x-api-key' };
const wrongHottok = 'a hottok that the connection does not know yet';

beforeAll(async () => {
  stack = await startCliStack();
  hook = await stack.api('POST', '/api/connections', {
    projectId: (await stack.sql<{ id: string }>('select id from public.projects where org_id = $1', [stack.orgId]))[0]?.id,
    type: 'webhook',
    name: 'Till',
    config: { verification, fields: { id: 'number' } },
  });
  const [one, two] = [await stack.makeUser('stranger@example.com'), await stack.makeUser('analyst@example.com')];
  await stack.sql(`insert into public.org_members (org_id, user_id, role) values ($1, $2, 'analyst')`, [stack.orgId, two.id]);
  [stranger, analyst] = [{ TRIBUTARY_TOKEN: one.token }, { TRIBUTARY_TOKEN: two.token }];
  for (const order of ['A-1', 'A-2', 'A-3']) await send({ order, type: 'order.paid', email: 'ana@example.com' });
  for (const total of [1, 2]) await send({ number: 'B-1', total });
  for (let n = 0; n < 2; n++) expect((await deliverPurchase(stack, { hottok: wrongHottok })).status).toBe(401);
  await until(async () => (await triage('summary')).total === 6, 'all six dead letters are there');
}, 90_000);
afterAll(() => stack?.close());

async function send(body: object): Promise<void> {
  const headers = { 'content-type': 'application/json', 'x-api-key': hook.secret };
  expect((await fetch(hook.webhookUrl, { method: 'POST', headers, body: JSON.stringify(body) })).status).toBe(200);
}

const triage = (...args: string[]) => stack.json('dlqtriage', args, { env: stack.demo });
const run = (...args: string[]) => stack.run('dlqtriage', args, { env: stack.demo });
const columns = (line = '') => line.trim().split(/ {2,}/);

describe('the commands that only read', () => {
  it('count dead letters by reason, source and connection', async () => {
    const { groups } = await triage('summary', '--org', 'demo');
    const counted = groups.map((group: Record<string, unknown>) => [group.errorClass, group.sourceType, group.connectionName, group.count]);
    expect(counted.sort()).toEqual([
      ['DUPLICATE_EVENT', 'webhook', 'Till', 1],
      ['INVALID_HOTTOK', 'hotmart', 'Demo Hotmart', 2],
      ['MISSING_FIELD', 'webhook', 'Till', 3],
    ]);
    const { code, stdout, stderr } = await run('summary', '--source', 'webhook');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [head, ...rows] = stdout.trimEnd().split('\n');
    expect(columns(head)).toEqual([
      'reason',
      'source',
      'connection',
      'count',
      'times sent',
      'pending',
      'exhausted',
      'last 24 hours',
      'first (UTC)',
      'last (UTC)',
      'retryable',
      'what to do',
    ]);
    expect(rows.map((row) => columns(row).slice(0, 4)).sort()).toEqual(
      [['4 together.'], [''], ['DUPLICATE_EVENT', 'webhook', 'Till', '1'], ['MISSING_FIELD', 'webhook', 'Till', '3']].sort(),
    );
    expect(stdout).toMatch(/ ·{23}█ /);
  });

  it('show samples redacted, and the original delivery to owners and admins only', async () => {
    const redacted = await run('sample', '--reason', 'MISSING_FIELD', '--limit', '2');
    expect(redacted.code).toBe(0);
    expect(redacted.stdout.match(/^reason +MISSING_FIELD$/gm)).toHaveLength(2);
    expect(redacted.stdout).toMatch(/^field +number$/m);
    expect(redacted.stdout).not.toContain('ana@example.com');
    const [full] = await triage('sample', '--reason', 'MISSING_FIELD', '--limit', '1', '--full');
    expect(full.payload.body).toContain('ana@example.com');
    expect((await run('sample', '--reason', 'MISSING_FIELD', '--full')).stdout).toContain('"email":"ana@example.com"');
    const refused = await stack.run('dlqtriage', ['sample', '--full', '--org', 'demo'], { env: analyst });
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/\(403, forbidden, request [0-9a-f-]{36}\)\n$/);
  });

  it('name the likely cause and the fix of each cluster', async () => {
    const clusters = await triage('analyze', '--reason', 'MISSING_FIELD,INVALID_HOTTOK');
    expect(clusters.map((one: Record<string, unknown>) => [one.errorClass, one.fieldPath, one.count]).sort()).toEqual([
      ['INVALID_HOTTOK', null, 2],
      ['MISSING_FIELD', 'number', 3],
    ]);
    const { stdout } = await run('analyze', '--field', 'number');
    const [cluster] = clusters.filter((one: Record<string, unknown>) => one.fieldPath === 'number');
    expect(stdout).toMatch(/^3 × MISSING_FIELD$/m);
    expect(stdout).toContain(`cause       ${cluster.cause}`);
    expect(stdout).toContain(`fix         ${cluster.fix}`);
  });

  it('list dead letters page by page, and show a single one', async () => {
    const first = await triage('list', '--limit', '4');
    const rest = await triage('list', '--limit', '4', '--cursor', first.nextCursor);
    expect(rest.nextCursor).toBeNull();
    const ids = [...first.entries, ...rest.entries].map(({ id }: { id: string }) => id);
    expect(new Set(ids).size).toBe(6);
    const page = await run('list', '--limit', '4');
    expect(
      page.stdout
        .trimEnd()
        .split('\n')
        .slice(1)
        .map((row) => columns(row)[0]),
    ).toEqual(ids.slice(0, 4));
    expect(page.stderr).toBe(`More dead letters follow: --cursor ${first.nextCursor}\n`);
    expect((await run('list', '--quarantine', '--connection', 'Demo Hotmart')).stdout.trimEnd().split('\n')).toHaveLength(3);
    expect((await run('list', '--no-quarantine', '--to', '1h')).stdout).toBe('No dead letters match.\n');
    expect(await triage('show', ids[0] ?? '')).toEqual({ ...first.entries[0], history: [] });
  });

  it('neither show nor change dead letters of another org', async () => {
    const id = (await triage('list', '--limit', '1')).entries[0].id;
    for (const args of [
      ['show', id],
      ['retry', id],
      ['show', 'no-id'],
    ]) {
      const { code, stdout, stderr } = await stack.run('dlqtriage', args, { env: stranger });
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(/\(404, not_found, request /);
    }
    const foreign = await stack.run('dlqtriage', ['purge', '--id', id, '--yes', '--json'], { env: stranger });
    expect(JSON.parse(foreign.stdout)).toEqual({ operation: null, count: 0 });
    expect((await triage('show', id)).id).toBe(id);
  });
});

describe('the commands that change something', () => {
  it('only count with --dry-run, ask for confirmation on a terminal, and require --yes without one', async () => {
    expect(await triage('redrive', '--reason', 'MISSING_FIELD', '--dry-run')).toMatchObject({
      dryRun: true,
      count: 3,
      trial: { tried: 3, succeeded: 0, failures: [{ reason: 'MISSING_FIELD', count: 3 }] },
    });
    const preview = await run('redrive', '--reason', 'MISSING_FIELD', '--dry-run');
    expect(preview.stdout).toContain('All of them were run now without storing anything: 0 of 3 would become events.');
    expect(preview.stdout).toMatch(/3 would fail: MISSING_FIELD, .*number.* Change the settings or the mapping of the connection first\./);
    expect((await run('purge', '--older-than', '7', '--reason', 'OLDER_REVISION', '--dry-run')).stdout).toBe(
      '0 dead letters would be changed. Nothing was changed.\n',
    );
    expect(await run('redrive', '--reason', 'MISSING_FIELD')).toEqual({
      code: 2,
      stdout: '',
      stderr: 'This terminal is not interactive: give --yes to go ahead, or --dry-run to count only.\n',
    });
    const no = await stack.run('dlqtriage', ['redrive', '--reason', 'MISSING_FIELD'], { env: stack.demo, terminal: true, stdin: 'n\n' });
    expect(no).toMatchObject({ code: 1, stdout: '' });
    expect(no.stderr).toContain('0 of 3 would become events');
    expect(no.stderr).toContain(`Redrive 3 dead letters at ${stack.info.apiUrl}? [y/N]`);
    expect(no.stderr).toMatch(/Nothing was done\.\n$/);
    expect((await triage('operations')).length).toBe(0);
    const forbidden = await stack.run('dlqtriage', ['redrive', '--yes', '--org', 'demo'], { env: analyst });
    expect(forbidden).toMatchObject({ code: 1, stdout: '' });
  });

  it('redrive the records that a new mapping can read, with a progress bar on a terminal', async () => {
    await stack.api('PATCH', `/api/connections/${hook.id}`, { config: { verification, fields: { id: 'order' } } });
    const args = ['redrive', '--reason', 'MISSING_FIELD', '--connection', 'Till'];
    const { code, stdout, stderr } = await stack.run('dlqtriage', args, { env: stack.demo, terminal: true, stdin: 'y\n' });
    expect(code).toBe(0);
    expect(stderr).toMatch(/100%.* 3\/3 .*3 succeeded, 0 failed/);
    expect(stdout).toMatch(/^status +done$/m);
    expect(stdout).toMatch(/^done +3 of 3$/m);
    const keys = await stack.sql<{ idempotency_key: string }>(
      'select idempotency_key from public.canonical_events where source_connection_id = $1 order by 1',
      [hook.id],
    );
    expect(keys.map((row) => row.idempotency_key)).toEqual(['A-1', 'A-2', 'A-3', 'B-1']);
    const [operation] = await triage('operations');
    expect(operation).toMatchObject({ kind: 'redrive', status: 'done', total: 3, succeeded: 3, failed: 0 });
    expect(await triage('operation', operation.id)).toEqual(operation);
    expect(await triage('cancel', operation.id)).toEqual(operation);
    expect((await run('operations')).stdout).toMatch(new RegExp(`^${operation.id} +redrive +done +3 +3 +3 +0 `, 'm'));
    expect(await run('redrive', '--reason', 'MISSING_FIELD', '--yes')).toMatchObject({
      code: 0,
      stdout: 'No dead letters match; nothing was done.\n',
    });
  });

  it('verify the quarantine again after the secret was corrected', async () => {
    await stack.api('POST', `/api/connections/${stack.connections.hotmart?.id}/secret`, { secret: wrongHottok });
    const ended = await triage('reverify', '--source', 'hotmart', '--yes');
    expect(ended).toMatchObject({ kind: 'reverify', status: 'done', total: 2, succeeded: 2 });
    const [{ count } = { count: 0 }] = await stack.sql<{ count: number }>(
      `select count(*)::int as count from public.canonical_events where source_type = 'hotmart'`,
    );
    expect(count).toBe(2);
  });

  it('retry, discard and purge, and leave the work to the server with --detach', async () => {
    const [{ id }] = await triage('sample', '--reason', 'DUPLICATE_EVENT', '--limit', '1');
    expect((await run('retry', id)).stdout).toMatch(new RegExp(`^${id} is pending: it is retried within seconds\\.`));
    await until(async () => (await triage('show', id)).history.length === 1, 'the entry was tried');
    expect((await run('show', id)).stdout).toMatch(/attempts, the newest first\n {2}\S+ \S+ {2}person {2}failed {2}[A-Z_]+/);
    const failed = await run('redrive', '--id', id, '--yes');
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining('0 of 1 became events: ') });
    const detached = await triage('discard', '--id', id, '--yes', '--detach');
    expect(detached).toMatchObject({ kind: 'discard', total: 1 });
    await until(async () => (await triage('operation', detached.id)).status === 'done', 'the entry is discarded');
    expect((await triage('show', id)).status).toBe('discarded');
    expect(await triage('purge', '--older-than', '0', '--status', 'discarded', '--yes')).toMatchObject({ status: 'done', succeeded: 1 });
    expect(await run('show', id)).toMatchObject({ code: 1, stdout: '' });
  });

  it('let the work continue after Ctrl-C, and say how to follow it', async () => {
    await stack.api('PATCH', `/api/connections/${hook.id}`, { config: { verification, fields: { id: 'missing' } } });
    await Promise.all(Array.from({ length: 40 }, (_, n) => send({ order: `C-${n}` })));
    await stack.api('PATCH', `/api/connections/${hook.id}`, { config: { verification, fields: { id: 'order' } } });
    // No dead letter is done before the test says so.
    await stack.sql(`
      create table private.held as select;
      create function private.wait_while_held() returns trigger language plpgsql volatile security definer as $$
      begin
        while exists (select from private.held) loop perform pg_sleep(0.02); end loop;
        return new;
      end $$;
      create trigger held before update on public.dlq_events for each row execute function private.wait_while_held();`);
    const running = stack.start('dlqtriage', ['redrive', '--connection', 'Till', '--yes'], { env: stack.demo, terminal: true });
    await until(() => running.stderr.includes('0/40'), 'the progress is shown');
    running.interrupt();
    const { code, stderr } = await running.ended;
    const [{ id }] = await triage('operations');
    expect(code).toBe(1);
    expect(stderr).toContain(
      `The operation continues on the server: dlqtriage operation ${id} shows its progress, dlqtriage cancel ${id} stops it.\n`,
    );
    await stack.sql('delete from private.held');
    await until(async () => (await triage('operation', id)).status === 'done', 'the redrive is done');
    expect((await triage('operation', id)).succeeded).toBe(40);
  });
});
