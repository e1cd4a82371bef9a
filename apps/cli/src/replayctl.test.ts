import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliStack, deliverPurchase, startCliStack, until } from './test/stack.ts';

let stack: CliStack;
let stranger: { TRIBUTARY_TOKEN: string };
const deliveries = 6;

beforeAll(async () => {
  stack = await startCliStack();
  stranger = { TRIBUTARY_TOKEN: (await stack.makeUser('stranger@example.com')).token };
  for (let n = 0; n < deliveries; n++) expect((await deliverPurchase(stack)).body.status).toBe('accepted');
  // The API dates arrivals by its estimate of the database's clock, which may be a moment ahead; a plan ends now.
  const isPast = async () =>
    (await stack.sql<{ past: boolean }>('select max(received_at) < now() as past from public.event_journal'))[0]?.past;
  await until(async () => (await isPast()) === true, 'all deliveries are in the past');
}, 90_000);
afterAll(() => stack?.close());

const ctl = (...args: string[]) => stack.json('replayctl', args, { env: stack.demo });
const run = (...args: string[]) => stack.run('replayctl', args, { env: stack.demo });
const makePlan = async (...args: string[]): Promise<string> => (await ctl('plan', '--org', 'demo', '--from', '1h', ...args)).id;

describe('a plan', () => {
  it('counts the matching deliveries with --dry-run and is not created', async () => {
    const counted = await ctl('plan', '--from', '1h', '--sources', 'hotmart,stripe', '--types', 'order.paid', '--dry-run');
    expect(counted).toMatchObject({ dryRun: true, count: deliveries, needsSecondApproval: false });
    const said = await run('plan', '--from', '1h', '--throttle', '2', '--dry-run');
    expect(said).toMatchObject({ code: 0, stderr: '' });
    expect(said.stdout).toContain(`${deliveries} deliveries match`);
    expect(await ctl('list', '--org', 'demo')).toEqual([]);
    expect(await ctl('plan', '--from', '1h', '--sources', 'stripe', '--dry-run')).toMatchObject({ count: 0 });
  });

  it('is refused for a source that does not exist, by the command and by the API', async () => {
    const refused = await run('plan', '--from', '1h', '--sources', 'hotmart,hotmrt');
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain('There is no source hotmrt. The sources are hotmart, ');
    const filter = { from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z', sources: ['hotmrt'] };
    await expect(stack.api('POST', '/api/replays', { orgId: stack.orgId, filter })).rejects.toThrow(
      /answered 400: .*"path":"filter\.sources","message":"hotmrt is not a source of this server; its sources are hotmart, /,
    );
  });

  it('takes the org as --tenant too, but not both', async () => {
    expect(await ctl('plan', '--tenant', 'demo', '--from', '1h', '--dry-run')).toMatchObject({ count: deliveries });
    expect((await run('list', '--tenant', 'nobody')).code).not.toBe(0);
    expect(await run('list', '--tenant', 'demo', '--org', 'demo')).toMatchObject({ code: 2, stdout: '' });
  });

  it('is approved and run with a progress report, and replays the deliveries that it counted', async () => {
    const made = await run('plan', '--org', 'demo', '--from', '1h', '--throttle', '100', '--name', 'Once more');
    expect(made.code).toBe(0);
    const id = /replayctl approve ([0-9a-f-]{36})/.exec(made.stderr)?.[1] ?? '';
    expect((await run('run', '--plan', id)).code).toBe(1);
    expect(await ctl('approve', id, '--rfa', 'RFA-1234')).toMatchObject({ status: 'approved', reference: 'RFA-1234' });
    expect(await ctl('run', '--plan', id)).toMatchObject({ status: 'completed', processed: deliveries, duplicates: deliveries, failed: 0 });
    const { code, stdout } = await run('status', id);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^status +completed/m);
    expect(stdout).toContain('Once more');
    // The demo user, by the address and never by the id.
    const { email } = stack.info.demo;
    expect(stdout).toMatch(new RegExp(`^approval +by ${email} at `, 'm'));
    expect(stdout.split('\n').filter((line) => line.includes(email)).length).toBeGreaterThan(2);
    expect(await ctl('status', id)).toMatchObject({
      createdByEmail: email,
      approvedByEmail: email,
      audit: [{ actorEmail: email }, {}, {}, {}],
    });
    const [listed] = await ctl('list', '--org', 'demo');
    expect(listed).toMatchObject({ id, status: 'completed' });
    expect((await run('list')).stdout).toContain(id);
  });

  it('shows a progress bar on a terminal, continues after Ctrl-C, and is paused, resumed and canceled', async () => {
    const id = await makePlan('--throttle', '1');
    await ctl('approve', id);
    const watching = stack.start('replayctl', ['run', '--plan', id], { env: stack.demo, terminal: true });
    await until(() => /\d+%|\d+ ?\/ ?\d+/.test(watching.stderr), 'the bar is drawn');
    watching.interrupt();
    const left = await watching.ended;
    expect(left.stderr).toContain(id);
    expect(await ctl('pause', id)).toMatchObject({ status: 'paused' });
    expect(await ctl('resume', id)).toMatchObject({ status: 'running' });
    expect(await ctl('cancel', id)).toMatchObject({ status: 'canceled' });
    const again = await run('resume', id);
    expect(again).toMatchObject({ code: 1, stdout: '' });
    expect(again.stderr).toMatch(/\(409, [a-z_]+, request [0-9a-f-]{36}\)\n$/);
  });

  it('continues without the command when it is started with --detach', async () => {
    const id = await makePlan('--mode', 'reprocess');
    await ctl('approve', id);
    await ctl('run', '--plan', id, '--detach');
    await until(async () => (await ctl('status', id)).status === 'completed', 'the plan is completed');
    const [event] = await stack.sql<{ revision: number }>('select max(revision) as revision from public.canonical_events');
    expect(event?.revision).toBe(2);
  });

  it('of another org is not found', async () => {
    const id = await makePlan();
    for (const args of [
      ['status', id],
      ['approve', id],
      ['cancel', id],
    ]) {
      const refused = await stack.run('replayctl', args, { env: stranger });
      expect(refused).toMatchObject({ code: 1, stdout: '' });
      expect(refused.stderr).toMatch(/\(404, not_found, /);
    }
    expect(await stack.json('replayctl', ['list'], { env: stranger })).toEqual([]);
  });
});

it('replays one delivery, and rewrites its event with --reprocess', async () => {
  const [entry] = await stack.sql<{ id: string }>(
    'select id from public.event_journal where replay_of is null order by received_at limit 1',
  );
  expect(await ctl('replay', entry?.id ?? '')).toMatchObject({ replayOf: entry?.id, mode: 'replay', status: 'duplicate' });
  const rewritten = await ctl('replay', entry?.id ?? '', '--reprocess');
  expect(rewritten).toMatchObject({ mode: 'reprocess', status: 'accepted' });
  expect(rewritten.records[0].revision).toBeGreaterThan(1);
});

it.each([
  [['plan']],
  [['plan', '--from', 'yesterday-ish']],
  [['plan', '--from', '1h', '--throttle', '0']],
  [['plan', '--from', '1h', '--to', '2h']],
  [['run']],
  [['approve']],
])('exits with 2 for %j', async (args) => {
  const refused = await run(...args);
  expect(refused).toMatchObject({ code: 2, stdout: '' });
  expect(refused.stderr).not.toContain('    at ');
});
