import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliStack, deliverPurchase, startCliStack, until } from './test/stack.ts';

let stack: CliStack;

beforeAll(async () => {
  stack = await startCliStack();
}, 60_000);
afterAll(() => stack?.close());

describe('tributary send', () => {
  it('lists the sources and their samples as a table and as JSON', async () => {
    const all = await stack.json('tributary', ['send']);
    expect(all.map(({ type }: { type: string }) => type)).toEqual(expect.arrayContaining(['hotmart', 'meta', 'stripe', 'webhook']));
    const { code, stdout, stderr } = await stack.run('tributary', ['send', 'hotmart']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [head, ...rows] = stdout.trimEnd().split('\n');
    expect(head).toMatch(/^type +sample +description$/);
    const hotmart = all.find(({ type }: { type: string }) => type === 'hotmart');
    expect(rows.map((row) => row.split(/ {2,}/)[1])).toEqual(hotmart.samples.map(({ name }: { name: string }) => name));
  });

  it('sends signed samples through the real endpoint', async () => {
    for (const [type, sample] of [
      ['hotmart', 'PURCHASE_APPROVED'],
      ['stripe', 'checkout.session.completed'],
    ] as const) {
      const sent = await stack.json('tributary', ['send', type, sample]);
      expect(sent).toMatchObject({
        connectionId: stack.connections[type]?.id,
        sample,
        response: { status: 200, body: { status: 'accepted' } },
      });
      const [event] = await stack.sql<{ source_type: string; is_test: boolean }>(
        'select source_type, is_test from public.canonical_events where id = $1',
        [sent.response.body.records[0].eventId],
      );
      expect(event).toEqual({ source_type: type, is_test: true });
    }
    const again = await stack.run('tributary', ['send', 'stripe', 'invoice.paid', '--connection', 'demo stripe', '--org', 'Demo']);
    expect(again.code).toBe(0);
    expect(again.stdout).toMatch(/^connection +Demo Stripe$/m);
    expect(again.stdout).toMatch(/^outcome +accepted$/m);
    expect(again.stdout).toMatch(/^record +status +event or dead letter +code\n +1 +accepted +[0-9a-f-]{36} /m);
  });

  it('exits with 1 for a refused sample and an unknown connection, and with 2 for an unknown source or sample', async () => {
    await stack.sql('update public.source_connections set is_active = false where id = $1', [stack.connections.meta?.id]);
    const meta = await stack.json('tributary', ['send', 'meta']);
    await until(
      async () => (await stack.run('tributary', ['send', 'meta', meta[0].samples[0].name])).code === 1,
      'the inactive connection refuses',
    );
    const refused = await stack.run('tributary', ['send', 'meta', meta[0].samples[0].name]);
    expect(refused.stdout).toMatch(/^answer +403 in /m);
    expect(refused.stderr).toBe('The sample was refused with 403.\n');
    for (const [args, sentence] of [
      [['myspace'], /There is no source myspace\. The sources are hotmart, /],
      [['hotmart', 'NOPE'], /hotmart has no sample NOPE\. Its samples are PURCHASE_APPROVED, /],
    ] as const) {
      const wrong = await stack.run('tributary', ['send', ...args]);
      expect({ code: wrong.code, stdout: wrong.stdout }).toEqual({ code: 2, stdout: '' });
      expect(wrong.stderr).toMatch(sentence);
    }
    const nowhere = await stack.run('tributary', ['send', 'hotmart', 'PURCHASE_APPROVED', '--connection', 'nope']);
    expect(nowhere).toMatchObject({ code: 1, stderr: 'There is no hotmart connection called nope, or this user may not see it.\n' });
  });
});

describe('tributary listen', () => {
  const lines = (text: string) => text.split('\n').filter(Boolean);

  it('shows each delivery once and in order, also across a restart of the API, and exits with 0 on Ctrl-C', async () => {
    await deliverPurchase(stack);
    const tail = stack.start('tributary', ['listen', '--json', '--last', '1']);
    await until(() => lines(tail.stdout).length === 1, 'the newest delivery is shown');
    const sent: string[] = [];
    const deliver = async () => {
      const { body } = await deliverPurchase(stack);
      sent.push(body.records?.[0]?.eventId ?? '');
    };
    for (let n = 0; n < 5; n++) await deliver();
    await until(() => lines(tail.stdout).length === 6, 'five more are shown');
    await stack.stopApi();
    await until(() => tail.stderr.includes('cannot be reached'), 'the API is reported as unreachable');
    await stack.startApi();
    for (let n = 0; n < 5; n++) await deliver();
    await until(() => lines(tail.stdout).length === 11, 'the deliveries that arrived meanwhile are shown');
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    tail.interrupt();
    const { code, stdout, stderr } = await tail.ended;
    expect(code).toBe(0);
    expect(stderr).toMatch(/^http:\S+ cannot be reached \(\w+\)\. Trying again; press Ctrl-C to stop\.\nConnected again\.\n$/);
    const entries = lines(stdout).map((line) => JSON.parse(line));
    const stored = await stack.sql<{ id: string; journal_id: string }>(
      'select id, journal_id from public.canonical_events where id = any ($1)',
      [sent],
    );
    const journalOf = new Map(stored.map(({ id, journal_id }) => [id, journal_id]));
    expect(entries.slice(1).map(({ id }) => id)).toEqual(sent.map((id) => journalOf.get(id)));
    expect(entries[1]).toMatchObject({
      orgId: stack.orgId,
      connectionName: 'Demo Hotmart',
      outcome: 'accepted',
      recordCount: 1,
      isTest: false,
    });
  }, 60_000);

  it('shows the deliveries of one connection with --connection, one on each line', async () => {
    await stack.run('tributary', ['send', 'stripe', 'invoice.paid']);
    const tail = stack.start('tributary', ['listen', '--connection', 'Demo Stripe', '--last', '200']);
    await until(() => lines(tail.stdout).length > 0, 'old deliveries are shown');
    await deliverPurchase(stack);
    await stack.run('tributary', ['send', 'stripe', 'charge.refunded']);
    await until(() => tail.stdout.includes('refund'), 'the delivery of that connection is shown');
    tail.interrupt();
    const { code, stdout } = await tail.ended;
    expect(code).toBe(0);
    for (const line of lines(stdout))
      expect(line).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}\w+ +stripe +\d+ .* Demo Stripe .*[0-9a-f]{12}$/);
  });

  it.each([[['--last', '201']], [['--last', 'many']]])('refuses %o', async (args) => {
    expect(await stack.run('tributary', ['listen', ...args])).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('tributary health', () => {
  it('says whether the server is ready, and shows the operator its buffers', async () => {
    const health = await stack.json('tributary', ['health']);
    expect(health).toMatchObject({ url: stack.info.apiUrl, alive: true, ready: true, detail: { status: expect.any(String) } });
    const { code, stdout } = await stack.run('tributary', ['health']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ready +yes$/m);
    expect(stdout).toMatch(/^buffer\.records +0$/m);
    const stranger = await stack.json('tributary', ['health', '--url', stack.info.apiUrl], { bare: true });
    expect(stranger).not.toHaveProperty('detail');
  });

  it('exits with 1 and one sentence for a wrong operator token and for an unreachable server', async () => {
    const wrong = await stack.run('tributary', ['health', '--operator-token', 'wrong']);
    expect(wrong).toMatchObject({ code: 1, stdout: '' });
    expect(wrong.stderr).toMatch(/^.+ Check the operator token\. \(401, unauthorized, request [0-9a-f-]{36}\)\n$/);
    const away = await stack.run('tributary', ['health', '--url', 'http://127.0.0.1:2']);
    expect(away).toMatchObject({ code: 1, stdout: '', stderr: 'http://127.0.0.1:2 cannot be reached (ECONNREFUSED).\n' });
    const json = await stack.run('tributary', ['health', '--url', 'http://127.0.0.1:2', '--json']);
    expect({ ...json, stderr: JSON.parse(json.stderr) }).toEqual({
      code: 1,
      stdout: '',
      stderr: { error: { message: 'http://127.0.0.1:2 cannot be reached (ECONNREFUSED).' } },
    });
  });
});

describe('the operators', () => {
  it('create accounts with a token, which name them in the journal, and revoke them', async () => {
    const { token } = await stack.json('tributary', ['operators', '--create', 'ana']);
    const env = { TRIBUTARY_OPERATOR_TOKEN: token };
    const org = await stack.json('tributary', ['org', stack.orgId], { env });
    expect(org).toMatchObject({ id: stack.orgId, suspendedAt: null });
    const found = await stack.json('tributary', ['orgs', '--search', org.slug], { env });
    expect(found.orgs).toMatchObject([{ id: stack.orgId }]);

    expect((await stack.json('tributary', ['suspend', org.slug, '--reason', 'a test'], { env })).suspendedReason).toBe('a test');
    const refused = await stack.run('tributary', ['send', 'hotmart', 'PURCHASE_APPROVED'], { env: stack.demo });
    expect(refused.stdout + refused.stderr).toContain('An operator has suspended the org');
    expect((await stack.json('tributary', ['reactivate', org.slug], { env })).suspendedAt).toBeNull();

    const capped = await stack.json('tributary', ['cap', org.slug, 'connections=7', 'projects=8', '--reason', 'a trial'], { env });
    expect(capped.quotas).toContainEqual(expect.objectContaining({ name: 'connections', value: 7 }));
    const own = await stack.run('tributary', ['quotas'], { env: stack.demo });
    expect(own.stdout).toMatch(/^connections +\d+ +7 +200$/m);
    const { quotas } = await stack.json('tributary', ['cap', org.slug, 'connections=default', 'projects=default'], { env });
    expect(quotas).toContainEqual(expect.objectContaining({ name: 'connections', value: 200 }));

    const { acts } = await stack.json('tributary', ['acts', '--limit', '5']);
    expect(acts.map((act: { operator: string; action: string }) => `${act.operator} ${act.action}`)).toEqual([
      'ana set_quotas',
      'ana set_quotas',
      'ana reactivate_org',
      'ana suspend_org',
      'bootstrap create_operator',
    ]);
    await stack.run('tributary', ['operators', '--revoke', 'ana']);
    await expect
      .poll(async () => (await stack.run('tributary', ['acts'], { env })).stderr, { timeout: 5_000 })
      .toMatch(/Check the operator token/);
  });

  it('are told what is wrong with a quota and with an org', async () => {
    expect((await stack.run('tributary', ['cap', 'x', 'connections=many'])).code).toBe(2);
    const kiwis = await stack.run('tributary', ['cap', 'default', 'kiwis=1']);
    expect(kiwis).toMatchObject({ code: 1, stderr: expect.stringContaining('is not a quota of this server') });
    const unknown = await stack.run('tributary', ['org', 'no-such-org']);
    expect(unknown.stderr).toBe('There is no org with the slug no-such-org: `tributary orgs --search` finds orgs by their name.\n');
  });
});

describe('an org', () => {
  it('shows and changes how long it keeps its data', async () => {
    const { rules } = await stack.json('tributary', ['retention', '--events', '90', '--dead-letters', '7']);
    expect(rules.map(({ kind, chosenDays }: { kind: string; chosenDays: number | null }) => [kind, chosenDays])).toEqual([
      ['events', 90],
      ['deliveries', null],
      ['dead_letters', 7],
      ['activity', null],
    ]);
    const { code, stdout } = await stack.run('tributary', ['retention', '--events', 'max']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^events +400 +400/m);
    expect(await stack.run('tributary', ['retention', '--events', '0'])).toMatchObject({ code: 2, stdout: '' });
    expect((await stack.run('tributary', ['retention', '--deliveries', '91'])).code).toBe(1);
  });

  it('is deleted by its name only, and the deletion is cancelled', async () => {
    const [{ name }] = (await stack.sql<{ name: string }>('select name from public.orgs where id = $1', [stack.orgId])) as [
      { name: string },
    ];
    expect((await stack.run('tributary', ['deletion', '--request', 'another name', '--yes'])).code).toBe(1);
    expect(await stack.json('tributary', ['deletion', '--request', name, '--yes'])).toMatchObject({ status: 'scheduled' });
    expect((await stack.run('tributary', ['deletion'])).stdout).toMatch(/^deletion +scheduled$/m);
    expect(await stack.json('tributary', ['deletion', '--cancel'])).toMatchObject({ status: 'none' });
  });
});

describe('events', () => {
  it('are exported as NDJSON and imported again, once', async () => {
    await deliverPurchase(stack);
    const exported = await stack.run('tributary', ['events', 'export', '--from', '2000-01-01'], { env: stack.demo });
    expect(exported.code).toBe(0);
    const lines = exported.stdout.trim().split('\n');
    const file = join(stack.home, 'events.ndjson');
    writeFileSync(file, exported.stdout);
    const hotmart = lines.map((line) => JSON.parse(line)).filter((event) => event.source_type === 'hotmart');
    writeFileSync(file, `${hotmart.map((event) => JSON.stringify(event)).join('\n')}\n\n`);
    const into = ['--connection', stack.connections.hotmart?.id ?? '', '--file', file];
    expect(await stack.json('tributary', ['events', 'import', ...into], { env: stack.demo })).toEqual({
      stored: 0,
      restored: 0,
      duplicates: hotmart.length,
    });
    writeFileSync(file, `${lines[0]}\nnot an event\n`);
    const broken = await stack.run('tributary', ['events', 'import', ...into], { env: stack.demo });
    expect(broken).toMatchObject({ code: 2, stderr: 'Line 2 is not JSON: import a file that was exported as NDJSON.\n' });
    const missing = await stack.run('tributary', ['events', 'import', ...into.slice(0, 3), `${file}.gone`], { env: stack.demo });
    expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining('cannot be read') });
  });
});

describe('the operator', () => {
  const operate = (...args: string[]) => stack.json('tributary', args);

  it('drains, pauses, browns out and resumes every instance', async () => {
    const drained = await operate('drain', '--wait', '--reason', 'a test of the CLI');
    expect(drained).toMatchObject({
      mode: 'drain',
      operatorMode: 'drain',
      reason: 'a test of the CLI',
      changedBy: 'operator',
      drained: true,
    });
    expect((await deliverPurchase(stack)).status).toBe(503);
    const health = await stack.run('tributary', ['health']);
    expect(health.code).toBe(1);
    expect(health.stdout).toMatch(/^ready +no: draining$/m);
    expect(health.stdout).toMatch(/^backpressure\.reason +a test of the CLI$/m);
    expect(health.stderr).toBe(`${stack.info.apiUrl} is not ready.\n`);

    expect(await operate('brownout', '--rate', '0.1')).toMatchObject({ mode: 'brownout', brownoutRate: 0.1 });
    expect(await operate('pause')).toMatchObject({ mode: 'paused', operatorMode: 'paused' });
    const resumed = await stack.run('tributary', ['resume']);
    expect(resumed.code).toBe(0);
    expect(resumed.stdout).toMatch(/^mode +normal$/m);
    expect(resumed.stdout).toMatch(/^instances\nid +startedAt +/m);
    await until(async () => (await deliverPurchase(stack)).status === 200, 'deliveries are taken again');
    expect(await operate('flush')).toMatchObject({ flushed: true });
  });

  it('needs the operator token: the token of a user is refused', async () => {
    const { code, stderr } = await stack.run('tributary', ['drain', '--url', stack.info.apiUrl], { bare: true, env: stack.demo });
    expect(code).toBe(1);
    expect(stderr).toBe('The operator token is needed: give --operator-token or set TRIBUTARY_OPERATOR_TOKEN.\n');
    const env = { TRIBUTARY_OPERATOR_TOKEN: stack.demo.TRIBUTARY_TOKEN };
    const refused = await stack.run('tributary', ['drain'], { env });
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/Check the operator token\. \(401, unauthorized, /);
  });
});
