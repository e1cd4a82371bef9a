import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createCircuits } from '../platform/breaker.ts';
import { startJobs } from '../platform/jobs.ts';
import { createMetrics } from '../platform/metrics.ts';
import { createOutbound, type Outbound } from '../platform/outbound.ts';
import { loadOrgKeys } from '../tenancy/org-keys.ts';
import { makeWorld, type TestOrg, type World } from '../test/make.ts';
import { startMailServer, startReceiver } from '../test/receiver.ts';
import { type Destination, maskDestination, sealDestination } from './destination.ts';
import { alertTasks } from './jobs.ts';
import { createNotifier, type Notifier, testMessage } from './notifier.ts';
import { claimNotifications, createChannel, recordChannelResult } from './store.ts';

let world: World;
let receiver: Awaited<ReturnType<typeof startReceiver>>;
let mailServer: Awaited<ReturnType<typeof startMailServer>>;
let outbound: Outbound;
let notifier: Notifier;
let circuits: ReturnType<typeof createCircuits>;
const metrics = createMetrics();

beforeAll(async () => {
  world = await makeWorld();
  receiver = await startReceiver();
  mailServer = await startMailServer();
  outbound = createOutbound({ allowPrivate: true });
  circuits = createCircuits({ metrics, log: world.log, now: Date.now });
  notifier = createNotifier({
    outbound,
    circuits,
    now: Date.now,
    smtp: { url: mailServer.url, from: 'Tributary <alerts@example.com>' },
    pagerDutyUrl: `${receiver.url}/v2/enqueue`,
  });
});
beforeEach(async () => {
  await world.admin('delete from public.alert_notifications');
  receiver.received.length = 0;
  mailServer.mails.length = 0;
  Object.assign(receiver, { status: 200, text: 'ok', headers: {} });
});
afterAll(async () => {
  notifier?.close();
  await Promise.all([outbound?.close(), receiver?.close(), mailServer?.close()]);
  await world?.close();
});

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const routingKey = 'R'.repeat(32);

async function addChannel(org: TestOrg, destination: Destination): Promise<string> {
  const id = crypto.randomUUID();
  const sealed = sealDestination(await loadOrgKeys(world.db, world.masterKeys, org.id, world.log), org.id, id, destination);
  await world.db.as(org.owner.claims, (sql) =>
    createChannel(sql, {
      id,
      orgId: org.id,
      type: destination.type,
      name: 'On call',
      target: maskDestination(destination),
      minLevel: 'info',
      sealed,
    }),
  );
  if (destination.type === 'email') await confirm(org, id, destination.recipients);
  return id;
}

/** As if the owners of the addresses had confirmed them. */
async function confirm(org: TestOrg, channel: string, addresses: readonly string[]): Promise<void> {
  await world.admin(
    `insert into private.alert_recipients (org_id, digest, channel_id, confirmed_at) select $1, private.mail_digest(a), $2, now() from unnest($3::text[]) a`,
    [org.id, channel, addresses],
  );
}

/** An org with a connection that has an open incident without notifications. */
async function makeIncident() {
  const org = await world.makeOrg();
  const connection = await world.makeConnection(org, { name: 'Shop <!channel> & *Co*' });
  const [row] = await world.admin<{ id: string }>(
    `insert into public.alert_incidents (org_id, kind, source_connection_id, level, peak_level, value, threshold, message, opened_at, last_seen_at, last_notified_at)
     values ($1, 'ConnectionSilent', $2, 'critical', 'critical', 1000, 900, 'Shop <!channel> has sent nothing.', now(), now(), now()) returning id`,
    [org.id, connection],
  );
  const id = row?.id ?? '';
  return { org, connection, id, queue: (kind: string) => queue(id, kind) };
}

async function queue(incidentId: string, kind: string): Promise<void> {
  await world.admin('select private.queue_alert_notifications(array[$1::uuid], $2, clock_timestamp())', [incidentId, kind]);
}

async function change(org: TestOrg, incidentId: string, status: string): Promise<void> {
  await world.db.as(org.owner.claims, (sql) => sql('select private.change_alert_incident($1, $2)', [incidentId, status]));
}

/** One run of the task, as the queue would start it. With `again`, every pending notification is made due first. */
async function notify({ again = false, by = notifier } = {}): Promise<void> {
  if (again) await world.admin(`update public.alert_notifications set next_attempt_at = now() where status = 'pending'`);
  const task = alertTasks({ db: world.db, masterKeys: world.masterKeys, notifier: by, metrics, publicUrl: 'https://tributary.example' })[
    'alerts.notify'
  ];
  await task?.run({}, { signal: new AbortController().signal, log: world.log });
}

interface Row {
  kind: string;
  status: string;
  attempts: number;
  last_error: string | null;
  waits: number;
}
const rows = (channel: string) =>
  world.admin<Row>(
    `select kind, status, attempts, last_error, extract(epoch from next_attempt_at - now())::float as waits
     from public.alert_notifications where channel_id = $1 order by seq`,
    [channel],
  );

describe('each kind of channel', () => {
  it('Slack gets a message in its format, in which the name of a connection can neither mention people nor link', async () => {
    const { org, queue } = await makeIncident();
    const channel = await addChannel(org, { type: 'slack', url: `${receiver.url}/services/T/B/token` });
    await queue('opened');
    await notify();
    expect(receiver.received).toHaveLength(1);
    const { path, headers, body } = receiver.received[0] ?? { path: '', headers: {}, body: '{}' };
    expect([path, headers['content-type']]).toEqual(['/services/T/B/token', 'application/json']);
    const message = JSON.parse(body);
    expect(message.text).toContain('[critical] ConnectionSilent: Shop &lt;!channel&gt; &amp; *Co*');
    expect(message.blocks.map((block: { type: string }) => block.type)).toEqual(['header', 'section', 'context']);
    expect(body).not.toContain('mrkdwn');
    expect(await rows(channel)).toMatchObject([{ kind: 'opened', status: 'sent', attempts: 1, last_error: null }]);
  });

  it('PagerDuty gets trigger, acknowledge and resolve with one dedup_key', async () => {
    Object.assign(receiver, { status: 202, text: '{"status":"success"}' });
    const { org, id, queue } = await makeIncident();
    await addChannel(org, { type: 'pagerduty', routingKey });
    await queue('opened');
    await change(org, id, 'acknowledged');
    await change(org, id, 'resolved');
    await notify();
    const events = receiver.received.map(({ body }) => JSON.parse(body));
    expect(receiver.received.every(({ path }) => path === '/v2/enqueue')).toBe(true);
    expect(events.map((event) => event.event_action)).toEqual(['trigger', 'acknowledge', 'resolve']);
    expect(new Set(events.map((event) => `${event.routing_key} ${event.dedup_key}`))).toEqual(new Set([`${routingKey} tributary-${id}`]));
    expect(events[0].payload).toMatchObject({
      severity: 'critical',
      class: 'ConnectionSilent',
      source: 'Shop <!channel> & *Co*',
      custom_details: { value: 1000, threshold: 900 },
    });
    expect(events[0].payload.summary.length).toBeLessThanOrEqual(1024);
  });

  it('a webhook gets a body that Standard Webhooks verifies, with the same id at every attempt', async () => {
    const { org, id, connection, queue } = await makeIncident();
    const channel = await addChannel(org, { type: 'webhook', url: `${receiver.url}/hook?key=1`, secret });
    await queue('opened');
    receiver.status = 500;
    await notify();
    receiver.status = 204;
    await notify({ again: true });
    expect(receiver.received).toHaveLength(2);
    for (const { body, headers } of receiver.received) {
      expect(new Webhook(secret).verify(body, headers)).toMatchObject({
        type: 'alert.opened',
        data: { incidentId: id, orgId: org.id, connectionId: connection, rule: 'ConnectionSilent', level: 'critical', value: 1000 },
      });
      expect(() => new Webhook(`whsec_${Buffer.alloc(32).toString('base64')}`).verify(body, headers)).toThrow();
    }
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(await rows(channel)).toMatchObject([{ status: 'sent', attempts: 2 }]);
  });

  it('e-mail gets one thread per incident, from the sender that the operator named', async () => {
    const { org, id, queue } = await makeIncident();
    await addChannel(org, { type: 'email', recipients: ['oncall@example.com', 'second@example.com'] });
    await queue('opened');
    await change(org, id, 'resolved');
    await notify();
    expect(mailServer.mails.map(({ from, to }) => [from, to.join()]).toSorted()).toEqual([
      ['alerts@example.com', 'oncall@example.com'],
      ['alerts@example.com', 'oncall@example.com'],
      ['alerts@example.com', 'second@example.com'],
      ['alerts@example.com', 'second@example.com'],
    ]);
    const [opened, resolved] = mailServer.mails.filter(({ to }) => to[0] === 'oncall@example.com').map(({ text }) => text);
    expect(opened).toContain(`Message-ID: <incident-${id}@tributary>`);
    expect(resolved).toContain(`In-Reply-To: <incident-${id}@tributary>`);
    expect(opened).toContain('Subject: [critical] ConnectionSilent: Shop <!channel> & *Co*');
    expect(resolved).toMatch(/Subject: Resolved by\s+user-/);
  });
});

describe('a receiver that fails', () => {
  it('gets every notification once and in order after it was down', async () => {
    const { org, id, queue } = await makeIncident();
    const channel = await addChannel(org, { type: 'webhook', url: receiver.url, secret });
    await queue('opened');
    await receiver.down();
    await notify();
    await change(org, id, 'resolved');
    await notify({ again: true });
    const waiting = await rows(channel);
    expect(waiting).toMatchObject([
      { kind: 'opened', status: 'pending', attempts: 2, last_error: 'the connection was refused' },
      // Sent only after the notification before it: otherwise PagerDuty would get the resolution of an incident before its opening.
      { kind: 'resolved', status: 'pending', attempts: 0 },
    ]);
    await receiver.up();
    await notify({ again: true });
    await notify({ again: true });
    expect(receiver.received.map(({ body }) => JSON.parse(body).type)).toEqual(['alert.opened', 'alert.resolved']);
    expect(await rows(channel)).toMatchObject([{ status: 'sent' }, { status: 'sent' }]);
  });

  it('is tried again after growing waits, and given up after twelve attempts', async () => {
    const { org, queue } = await makeIncident();
    receiver.status = 503;
    const channel = await addChannel(org, { type: 'webhook', url: receiver.url, secret });
    await queue('opened');
    const waits: number[] = [];
    for (let n = 0; n < 12; n++) {
      // Each attempt gets a new circuit, because this test is about the outbox only.
      const fresh = createNotifier({
        outbound,
        circuits: createCircuits({ metrics, log: world.log, now: Date.now }),
        smtp: undefined,
        pagerDutyUrl: '',
        now: Date.now,
      });
      await notify({ again: true, by: fresh });
      waits.push((await rows(channel))[0]?.waits ?? 0);
      fresh.close();
    }
    expect(waits[0]).toBeGreaterThan(13);
    expect(waits[0]).toBeLessThan(31);
    expect(waits[10]).toBeGreaterThan(1700);
    expect(waits[10]).toBeLessThan(3601);
    expect(await rows(channel)).toMatchObject([{ status: 'failed', attempts: 12, last_error: '503 ok' }]);
  });

  it.each([
    ['a NUL', 'gone\0 away', '404 gone away'],
    ['half of a character at the end of the stored part', `${'x'.repeat(299)}\u{1f600}`, `404 ${'x'.repeat(299)}\ufffd`],
  ])('may answer with %s: the attempt is stored like any other', async (_what, text, error) => {
    const { org, queue } = await makeIncident();
    Object.assign(receiver, { status: 404, text });
    const channel = await addChannel(org, { type: 'webhook', url: receiver.url, secret });
    await queue('opened');
    await notify();
    expect(await rows(channel)).toMatchObject([{ status: 'failed', attempts: 1, last_error: error }]);
    // The test of a channel stores the same text.
    const { answer } = await notifier.deliverTest(
      { type: 'webhook', url: receiver.url, secret },
      testMessage({ id: org.id, name: 'Org' }, Date.now()),
    );
    await recordChannelResult(world.db, channel, answer);
  });

  it('a notification whose result cannot be stored does not delay other notifications, and is given up after twelve attempts as well', async () => {
    const { org, queue } = await makeIncident();
    const cursed = await addChannel(org, { type: 'slack', url: receiver.url });
    const others = await Promise.all([1, 2, 3].map(() => addChannel(org, { type: 'slack', url: receiver.url })));
    await queue('opened');
    await world.admin(`alter table public.alert_notifications add constraint cursed check (channel_id <> '${cursed}' or status <> 'sent')`);
    await notify();
    for (const channel of others) expect(await rows(channel)).toMatchObject([{ status: 'sent' }]);
    expect(await rows(cursed)).toMatchObject([{ status: 'pending', attempts: 1 }]);
    await world.admin('update public.alert_notifications set attempts = 12 where channel_id = $1', [cursed]);
    await notify({ again: true });
    expect(await rows(cursed)).toMatchObject([{ status: 'failed', attempts: 13 }]);
    // Each of the four channels received one message: the last run gave up without sending.
    expect(receiver.received).toHaveLength(4);
    await world.admin('alter table public.alert_notifications drop constraint cursed');
  });

  it('an org with many receivers does not delay another org, because orgs take turns', async () => {
    const [many, few] = [await makeIncident(), await makeIncident()];
    for (let n = 0; n < 6; n++) await addChannel(many.org, { type: 'slack', url: receiver.url });
    await addChannel(few.org, { type: 'slack', url: receiver.url });
    await many.queue('opened');
    await few.queue('opened');
    const orgs = (await claimNotifications(world.db, 4, 60)).map((claimed) => claimed.org_id);
    expect(orgs.toSorted()).toEqual([many.org.id, many.org.id, many.org.id, few.org.id].toSorted());
  });

  it('receivers that never answer occupy one job worker, however often the clock starts the task', async () => {
    const { org, queue } = await makeIncident();
    const channel = await addChannel(org, { type: 'slack', url: receiver.url });
    await queue('opened');
    let asked = 0;
    let answer = () => {};
    const hanging = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const by: Notifier = {
      ...notifier,
      deliver: async () => {
        asked++;
        await hanging;
        return { ok: true, status: 200, answer: '', isFinal: false, retryAfterSeconds: undefined };
      },
    };
    const task = alertTasks({ db: world.db, masterKeys: world.masterKeys, notifier: by, metrics, publicUrl: 'https://tributary.example' })[
      'alerts.notify'
    ];
    if (!task) throw new Error('no task');
    const counted = createMetrics();
    const tasks = { 'alerts.notify': { ...task, everySeconds: 1 } };
    const jobs = await startJobs({ db: world.db, tasks, concurrency: 4, metrics: counted, log: world.log });
    await expect.poll(() => asked).toBe(1);
    await world.admin('update public.alert_notifications set next_attempt_at = now()');
    const ended = async () => (await counted.jobDuration.get()).values.find(({ metricName }) => metricName?.endsWith('_count'))?.value ?? 0;
    await expect.poll(ended).toBeGreaterThanOrEqual(2);
    expect(asked).toBe(1);
    answer();
    await expect.poll(async () => (await rows(channel))[0]?.status).toBe('sent');
    await jobs.stop();
    expect(await rows(channel)).toMatchObject([{ status: 'sent', attempts: 1 }]);
  });

  it('is tried again at the time that it asked for by Retry-After', async () => {
    const { org, queue } = await makeIncident();
    Object.assign(receiver, { status: 429, headers: { 'retry-after': '1200' } });
    const channel = await addChannel(org, { type: 'slack', url: receiver.url });
    await queue('opened');
    await notify();
    const [row] = await rows(channel);
    expect(row).toMatchObject({ status: 'pending' });
    expect(row?.waits).toBeGreaterThan(1190);
  });

  it.each([
    [404, '404 no_service'],
    [403, '403 no_service'],
    [302, '302 the receiver redirects, and redirects are not followed: enter the address that it redirects to'],
  ])('is not tried again when it answers %i, because a person must correct the channel', async (status, error) => {
    const { org, queue } = await makeIncident();
    Object.assign(receiver, { status, text: 'no_service', headers: { location: `${receiver.url}/elsewhere` } });
    const channel = await addChannel(org, { type: 'slack', url: receiver.url });
    await queue('opened');
    await notify();
    expect(await rows(channel)).toMatchObject([{ status: 'failed', attempts: 1, last_error: error }]);
    expect(receiver.received).toHaveLength(1);
    const [{ last_error, last_failed_at } = { last_error: '', last_failed_at: '' }] = await world.admin<{
      last_error: string;
      last_failed_at: string;
    }>('select last_error, last_failed_at from public.alert_channels where id = $1', [channel]);
    expect(last_error).toBe(error);
    expect(last_failed_at).not.toBeNull();
  });

  it('gets no notification after three failures in a row while its circuit is open, which uses up no attempt and does not delay other channels', async () => {
    const { org, queue } = await makeIncident();
    const broken = await addChannel(org, { type: 'webhook', url: 'http://127.0.0.1:1/', secret });
    const working = await addChannel(org, { type: 'slack', url: receiver.url });
    await queue('opened');
    await notify();
    expect(await rows(working)).toMatchObject([{ status: 'sent' }]);
    await notify({ again: true });
    await notify({ again: true });
    expect(notifier.circuitOf(broken)).toBe('open');
    expect(
      circuits
        .list()
        .filter((breaker) => breaker.state() === 'open')
        .map((breaker) => breaker.sink),
    ).toEqual(['alert_webhook']);
    expect(await metrics.registry.getSingleMetricAsString('ingest_circuit_state')).toContain(
      'ingest_circuit_state{sink="alert_webhook"} 2',
    );
    await notify({ again: true });
    const [row] = await rows(broken);
    expect(row).toMatchObject({ status: 'pending', attempts: 3 });
    expect(row?.waits).toBeGreaterThan(20);
    expect(row?.waits).toBeLessThan(31);
    expect(await metrics.registry.getSingleMetricAsString('alert_notifications_total')).toContain(
      'channel_type="webhook",outcome="postponed"',
    );
  });

  it('that never answers lets the attempt time out, and other channels do not wait', async () => {
    const { org, queue } = await makeIncident();
    const impatient = createOutbound({ allowPrivate: true, timeoutMs: 300 });
    const by = createNotifier({ outbound: impatient, circuits, smtp: undefined, pagerDutyUrl: '', now: Date.now });
    const server = (await import('node:net')).createServer(() => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const hanging = await addChannel(org, { type: 'slack', url: `http://127.0.0.1:${port}` });
    const working = await addChannel(org, { type: 'slack', url: receiver.url });
    await queue('opened');
    await notify({ by });
    expect(await rows(hanging)).toMatchObject([{ status: 'pending', attempts: 1, last_error: expect.stringContaining('in time') }]);
    expect(await rows(working)).toMatchObject([{ status: 'sent' }]);
    by.close();
    server.close();
    await impatient.close();
  });

  it('is refused at a private address without the development switch, and the error says so', async () => {
    const { org, queue } = await makeIncident();
    const strict = createOutbound({ allowPrivate: false });
    const by = createNotifier({ outbound: strict, circuits, smtp: undefined, pagerDutyUrl: '', now: Date.now });
    const channel = await addChannel(org, { type: 'slack', url: receiver.url });
    await queue('opened');
    await notify({ by });
    expect(receiver.received).toEqual([]);
    expect(await rows(channel)).toMatchObject([{ status: 'failed', attempts: 1, last_error: expect.stringContaining('not') }]);
    by.close();
    await strict.close();
  });

  it('a mailbox that the relay refuses does not stop the others of its channel; without any mailbox the notification fails', async () => {
    const some = await makeIncident();
    const channel = await addChannel(some.org, { type: 'email', recipients: ['oncall@example.com', 'refused@example.com'] });
    await some.queue('opened');
    await notify();
    expect(mailServer.mails.map(({ to }) => to)).toEqual([['oncall@example.com']]);
    expect(await rows(channel)).toMatchObject([{ status: 'sent' }]);
    const none = await makeIncident();
    const refused = await addChannel(none.org, { type: 'email', recipients: ['refused@example.com'] });
    await none.queue('opened');
    await notify();
    expect(await rows(refused)).toMatchObject([{ status: 'failed', last_error: expect.stringContaining('no such mailbox') }]);
  });
});

describe('the outbox', () => {
  it('is processed by several instances at once, and each notification is sent once', async () => {
    const made = await Promise.all(Array.from({ length: 12 }, makeIncident));
    for (const { org, queue } of made) {
      await addChannel(org, { type: 'webhook', url: receiver.url, secret });
      await queue('opened');
    }
    await Promise.all([notify(), notify(), notify()]);
    const ids = receiver.received.map(({ headers }) => headers['webhook-id']);
    expect(ids).toHaveLength(12);
    expect(new Set(ids).size).toBe(12);
  });

  it('gives a notification whose instance died to another instance, and ignores a late result of the first instance', async () => {
    const { org, queue } = await makeIncident();
    const channel = await addChannel(org, { type: 'slack', url: receiver.url });
    await queue('opened');
    const claim = () =>
      world.db.worker((sql) => sql<{ id: string; attempts: number }>('select id, attempts from private.claim_alert_notifications(10, 60)'));
    const [first] = await claim();
    expect(await claim()).toEqual([]);
    await notify();
    expect(receiver.received).toEqual([]);
    await notify({ again: true });
    expect(receiver.received).toHaveLength(1);
    const [late] = await world.db.worker((sql) =>
      sql(`select private.settle_alert_notification($1, $2, 'failed', 'late', 0) as accepted`, [first?.id, first?.attempts]),
    );
    expect(late).toEqual({ accepted: false });
    expect(await rows(channel)).toMatchObject([{ status: 'sent', attempts: 2 }]);
  });

  it('sends a notification once over a channel when it is queued twice', async () => {
    const { org, queue } = await makeIncident();
    const channel = await addChannel(org, { type: 'slack', url: receiver.url });
    await queue('opened');
    await queue('opened');
    await notify();
    expect(await rows(channel)).toHaveLength(1);
    expect(receiver.received).toHaveLength(1);
  });

  it('cancels the pending notifications of a channel that was disabled or deleted', async () => {
    for (const off of ['update public.alert_channels set is_enabled = false where id = $1', 'select private.delete_alert_channel($1)']) {
      const { org, queue } = await makeIncident();
      const channel = await addChannel(org, { type: 'slack', url: receiver.url });
      await queue('opened');
      await world.db.as(org.owner.claims, (sql) => sql(off, [channel]));
      await notify();
      expect(await rows(channel)).toMatchObject([{ status: 'canceled', attempts: 0 }]);
    }
    expect(receiver.received).toEqual([]);
  });

  it('claims at most four notifications of one channel at a time, so that a flood of one org leaves room for others', async () => {
    const flooded = await makeIncident();
    for (let n = 0; n < 10; n++) await addChannel(flooded.org, { type: 'slack', url: receiver.url });
    const [one] = await world.admin<{ id: string }>('select id from public.alert_channels where org_id = $1 limit 1', [flooded.org.id]);
    for (let n = 0; n < 9; n++)
      await world.admin(
        `with i as (insert into public.alert_incidents (org_id, kind, source_connection_id, level, peak_level, value, threshold, message, opened_at, last_seen_at, last_notified_at, status, resolved_at, resolution)
           select org_id, kind, source_connection_id, level, level, 1, 1, 'flood', now(), now(), now(), 'resolved', now(), 'recovered' from public.alert_incidents where id = $1 returning *)
         insert into public.alert_notifications (org_id, incident_id, channel_id, kind, round, level, value, threshold, message, next_attempt_at, created_at)
         select org_id, id, $2, 'opened', 0, level, 1, 1, 'flood', now(), now() from i`,
        [flooded.id, one?.id],
      );
    const claimed = await world.db.worker((sql) =>
      sql<{ channel_id: string }>('select channel_id from private.claim_alert_notifications(100, 60)'),
    );
    expect(claimed.filter((row) => row.channel_id === one?.id)).toHaveLength(4);
  });

  it('shows no destination in the log, in the audit log or in the tables that members can read', async () => {
    const { org, queue } = await makeIncident();
    await addChannel(org, { type: 'slack', url: `${receiver.url}/services/TOPSECRET1/abcdefgh` });
    await addChannel(org, { type: 'webhook', url: `http://127.0.0.1:1/TOPSECRET2/x?token=TOPSECRET3`, secret });
    await addChannel(org, { type: 'pagerduty', routingKey: 'TOPSECRET4'.padEnd(32, 'x') });
    await queue('opened');
    await notify();
    const seen = [
      world.logged(),
      ...(await Promise.all(
        [
          'public.audit_log',
          'public.alert_channels',
          'public.alert_notifications',
          'public.alert_incidents',
          'private.alert_channel_secrets',
        ].map(async (table) => JSON.stringify(await world.admin(`select t::text from ${table} t`))),
      )),
    ];
    for (const text of seen) expect(text).not.toMatch(/TOPSECRET|BwcHBwcH/);
  });
});
