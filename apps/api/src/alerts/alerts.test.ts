import { randomUUID } from 'node:crypto';
import { alertDefaults } from '@tributary/shared/alert-kinds.ts';
import { AlertChannel, AlertIncident, AlertIncidentDetail, AlertRule, CreatedAlertChannel } from '@tributary/shared/alerts.ts';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../test/api.ts';
import { call } from '../test/call.ts';
import type { TestOrg, TestUser } from '../test/make.ts';
import { startMailServer, startReceiver } from '../test/receiver.ts';

let api: TestApi;
let app: TestApi['app'];
let receiver: Awaited<ReturnType<typeof startReceiver>>;
let mailServer: Awaited<ReturnType<typeof startMailServer>>;
let org: TestOrg;
let admin: TestUser;
let analyst: TestUser;
let stranger: TestUser;

beforeAll(async () => {
  receiver = await startReceiver();
  mailServer = await startMailServer();
  api = await startTestApi({
    OUTBOUND_ALLOW_PRIVATE: 'true',
    SMTP_URL: mailServer.url,
    SMTP_FROM: 'Tributary <alerts@example.com>',
    PAGERDUTY_EVENTS_URL: `${receiver.url}/v2/enqueue`,
  });
  app = api.app;
  org = await api.makeOrg();
  admin = await api.makeMember(org, 'admin');
  analyst = await api.makeMember(org, 'analyst');
  stranger = (await api.makeOrg()).owner;
});
beforeEach(() => {
  receiver.received.length = 0;
  Object.assign(receiver, { status: 200, text: 'ok', headers: {} });
});
afterAll(async () => {
  await Promise.all([api?.close(), receiver?.close(), mailServer?.close()]);
});

const get = (path: string, user: TestUser = analyst) => call(app, user, 'GET', `/api/alerts${path}`);
const post = (path: string, body: unknown, user: TestUser = admin) => call(app, user, 'POST', `/api/alerts${path}`, body);
const patch = (path: string, body: unknown, user: TestUser = admin) => call(app, user, 'PATCH', `/api/alerts${path}`, body);
const channel = async (body: object, user: TestUser = admin) =>
  CreatedAlertChannel.parse((await post('/channels', { name: 'On call', ...body }, user)).body);
const slack = () => channel({ type: 'slack', url: `${receiver.url}/services/T/B/token1234` });

async function makeIncident(
  of: TestOrg = org,
  { kind = 'ConnectionSilent', openedAt = new Date().toISOString(), status = 'open' } = {},
): Promise<string> {
  const connection = await api.makeConnection(of);
  const [row] = await api.admin<{ id: string }>(
    `insert into public.alert_incidents (org_id, kind, source_connection_id, level, peak_level, value, threshold, message, opened_at, last_seen_at, last_notified_at, status, resolved_at, resolution)
     values ($1, $2, $3, 'critical', 'critical', 1000, 900, 'Shop is silent', $4, now(), now(), $5, case $5 when 'resolved' then now() end, case $5 when 'resolved' then 'recovered' end)
     returning id`,
    [of.id, kind, connection, openedAt, status],
  );
  return row?.id ?? '';
}

describe('rules', () => {
  const ruleOf = async (kind: string) => (await get('/rules')).body.rules.find((rule: AlertRule) => rule.kind === kind);

  it('can be read by every member', async () => {
    const answer = await get('/rules');
    expect(answer.status).toBe(200);
    const rules = answer.body.rules.map((rule: unknown) => AlertRule.parse(rule)) as AlertRule[];
    expect(rules).toHaveLength(7);
    expect(rules.find((rule) => rule.kind === 'ConnectionSilent')).toMatchObject({
      enabled: true,
      unit: 'seconds',
      thresholds: { critical: 900 },
      renotifyMinutes: 240,
    });
    expect(AlertRule.parse((await get(`/rules/${rules[0]?.id}`)).body)).toEqual(rules[0]);
  });

  it('begin with the defaults that the dashboard offers to restore', async () => {
    const { owner } = await api.makeOrg();
    const rules = ((await get('/rules', owner)).body.rules as unknown[]).map((rule) => AlertRule.parse(rule));
    const { renotifyMinutes, resolveAfterMinutes } = alertDefaults;
    expect(Object.fromEntries(rules.map((rule) => [rule.kind, rule.thresholds]))).toEqual(alertDefaults.thresholds);
    for (const rule of rules) expect(rule).toMatchObject({ enabled: true, renotifyMinutes, resolveAfterMinutes });
  });

  it('are changed field by field by owners and admins, and the audit log names the person', async () => {
    const { id, thresholds } = await ruleOf('IngestDLQSpike');
    const answer = await patch(`/rules/${id}`, { thresholds: { critical: 500 }, renotifyMinutes: null, resolveAfterMinutes: 0 });
    expect(AlertRule.parse(answer.body)).toMatchObject({
      thresholds: { ...thresholds, critical: 500 },
      renotifyMinutes: null,
      resolveAfterMinutes: 0,
      enabled: true,
    });
    expect(AlertRule.parse((await patch(`/rules/${id}`, { enabled: false })).body)).toMatchObject({
      enabled: false,
      thresholds: { critical: 500 },
    });
    const audited = await api.admin(
      'select actor_id, detail from public.audit_log where action = $1 and org_id = $2 order by id desc limit 1',
      ['alert_rules.update', org.id],
    );
    expect(audited).toEqual([{ actor_id: admin.id, detail: { enabled: { from: true, to: false } } }]);
  });

  it.each([
    ['IngestDLQSpike', { thresholds: { warning: null, critical: null } }, 'thresholds'],
    ['IngestDLQRateHigh', { thresholds: { warning: 0.2 } }, 'thresholds'],
    ['IngestDLQRateHigh', { thresholds: { critical: 10 } }, 'thresholds.critical'],
    ['ConnectionSilent', { thresholds: { windowMinutes: 5 } }, 'thresholds.windowMinutes'],
    ['ConnectionSilent', { thresholds: { critical: 'soon' } }, 'thresholds.critical'],
    ['ConnectionSilent', { thresholds: { critical: 0.5 } }, 'thresholds.critical'],
    ['ConnectionSilent', { thresholds: { other: 1 } }, 'thresholds'],
    ['ConnectionSilent', { renotifyMinutes: 1 }, 'renotifyMinutes'],
    ['ConnectionSilent', { kind: 'ConnectionLag' }, ''],
    ['ConnectionSilent', {}, ''],
  ])('refuse an invalid change and name the field: %s %j', async (kind, body, path) => {
    const answer = await patch(`/rules/${(await ruleOf(kind)).id}`, body);
    expect([answer.status, answer.body.errors?.[0]?.path]).toEqual([400, path]);
  });

  it('cannot be changed by an analyst, and are unknown to another org', async () => {
    const { id } = await ruleOf('ConnectionLag');
    expect((await patch(`/rules/${id}`, { enabled: false }, analyst)).status).toBe(403);
    expect((await patch(`/rules/${id}`, { enabled: false }, stranger)).status).toBe(404);
    expect((await get(`/rules/${id}`, stranger)).status).toBe(404);
    expect((await get(`/rules?orgId=${org.id}`, stranger)).status).toBe(404);
    expect((await get(`/rules/${randomUUID()}`)).status).toBe(404);
    expect((await call(app, undefined, 'GET', '/api/alerts/rules')).status).toBe(401);
    expect(await ruleOf('ConnectionLag')).toMatchObject({ enabled: true });
  });
});

describe('channels', () => {
  it('show their credentials masked in every answer, and store them sealed', async () => {
    const made = [
      await slack(),
      await channel({ type: 'pagerduty', routingKey: 'abcdefghijklmnopqrstuvwxyz123456' }),
      await channel({ type: 'webhook', url: 'https://hooks.example.com/in/verysecretpath?token=t0ken' }),
      await channel({ type: 'email', recipients: ['oncall@example.com'] }),
    ];
    expect(made.map((one) => one.target)).toEqual([
      `${receiver.url}/…1234`,
      '…3456',
      'https://hooks.example.com/…path',
      'oncall@example.com',
    ]);
    const list = await get('/channels');
    expect(list.body.channels.map((one: unknown) => AlertChannel.parse(one).id)).toEqual(expect.arrayContaining(made.map((one) => one.id)));
    const generated = made[2]?.secret ?? '';
    expect(Buffer.from(generated.replace(/^whsec_/, ''), 'base64')).toHaveLength(32);
    expect(made.filter((one) => one.secret !== undefined)).toHaveLength(1);
    const stored = JSON.stringify([
      list.text,
      (await get(`/channels/${made[2]?.id}`)).text,
      await api.admin('select * from public.alert_channels'),
      await api.admin('select * from private.alert_channel_secrets'),
      await api.admin('select * from public.audit_log'),
      api.logged(),
    ]);
    for (const text of ['token1234', 'abcdefghijkl', 'verysecret', 't0ken', generated]) expect(stored).not.toContain(text);
  });

  it.each([
    [{ type: 'slack', url: 'ftp://example.com/' }, 'url'],
    [{ type: 'slack', url: 'https://user:pass@hooks.slack.com/' }, 'url'],
    [{ type: 'slack' }, 'url'],
    [{ type: 'pagerduty', routingKey: 'short' }, 'routingKey'],
    [{ type: 'webhook', url: 'https://example.com', secret: 'whsec_short' }, 'secret'],
    [{ type: 'email', recipients: [] }, 'recipients'],
    [{ type: 'email', recipients: ['nobody'] }, 'recipients.0'],
    [{ type: 'email', recipients: ['a@example.com\r\nBcc: all@example.com'] }, 'recipients.0'],
    [{ type: 'email', recipients: ['a@example.com,b@example.com'] }, 'recipients.0'],
    [{ type: 'email', recipients: ['Name <a@example.com>'] }, 'recipients.0'],
    [{ type: 'email', recipients: ['a@example.com', 'A@example.com'] }, 'recipients'],
    [{ type: 'email', recipients: Array.from({ length: 11 }, (_, n) => `a${n}@example.com`) }, 'recipients'],
    [{ type: 'sms', number: '1' }, 'type'],
    [{ type: 'slack', url: 'https://hooks.slack.com/x', minLevel: 'loud' }, 'minLevel'],
  ])('refuse %j and name the field', async (body, path) => {
    const answer = await post('/channels', { name: 'On call', ...body });
    expect([answer.status, answer.body.errors?.[0]?.path]).toEqual([400, path]);
  });

  it('refuse a private address when it is entered, and an e-mail channel on a server without a relay', async () => {
    const strict = await startTestApi();
    const owner = (await strict.makeOrg()).owner;
    const make = (body: object) => call(strict.app, owner, 'POST', '/api/alerts/channels', { name: 'On call', ...body });
    for (const url of [
      receiver.url,
      'http://169.254.169.254/latest/meta-data',
      'https://localhost/',
      'http://[::1]/',
      'https://example.com:6379/',
      'ftp://example.com/',
      'https://user:word@example.com/',
      'https://alerts.private.test/hook',
      'https://hooks.exmaple.invalid/in',
    ]) {
      expect((await make({ type: 'webhook', url })).body.errors, url).toMatchObject([{ path: 'url' }]);
      expect((await make({ type: 'slack', url })).body.errors, url).toMatchObject([{ path: 'url' }]);
    }
    const saved = (await make({ type: 'webhook', url: 'https://hooks.example.com/changed' })).body.id;
    const changed = await call(strict.app, owner, 'PATCH', `/api/alerts/channels/${saved}`, { url: 'https://alerts.private.test/' });
    expect(changed.body.errors).toMatchObject([{ path: 'url', message: expect.stringContaining('private network') }]);
    expect((await make({ type: 'webhook', url: 'https://hooks.example.com/in' })).status).toBe(201);
    expect((await make({ type: 'email', recipients: ['a@example.com'] })).body).toMatchObject({ code: 'conflict' });
    await strict.close();
  });

  it('change only the given fields, keep their secret otherwise, and can be deleted', async () => {
    const { id, secret } = await channel({ type: 'webhook', url: `${receiver.url}/first` });
    const renamed = await patch(`/channels/${id}`, { name: 'Night shift', minLevel: 'critical', url: `${receiver.url}/second` });
    expect(AlertChannel.parse(renamed.body)).toMatchObject({ name: 'Night shift', minLevel: 'critical', enabled: true });
    expect(renamed.text).not.toContain('secret');
    await post(`/channels/${id}/test`, {});
    const [received] = receiver.received;
    expect(received?.path).toBe('/second');
    expect(new Webhook(secret ?? '').verify(received?.body ?? '', received?.headers ?? {})).toMatchObject({ type: 'alert.test' });
    expect((await patch(`/channels/${id}`, { routingKey: 'a'.repeat(32) })).body.errors).toMatchObject([{ path: 'routingKey' }]);
    expect((await patch(`/channels/${id}`, { enabled: false })).body).toMatchObject({ enabled: false, name: 'Night shift' });
    expect((await call(app, admin, 'DELETE', `/api/alerts/channels/${id}`)).status).toBe(204);
    expect((await call(app, admin, 'DELETE', `/api/alerts/channels/${id}`)).status).toBe(404);
    for (const answer of [
      await get(`/channels/${id}`),
      await patch(`/channels/${id}`, { enabled: true }),
      await post(`/channels/${id}/test`, {}),
    ])
      expect(answer.status).toBe(404);
    expect(await api.admin('select from private.alert_channel_secrets where channel_id = $1', [id])).toEqual([]);
  });

  it('can be read by analysts, and changed only by owners and admins of their org', async () => {
    const { id } = await slack();
    expect((await get(`/channels/${id}`)).status).toBe(200);
    const attempts = (user: TestUser) =>
      Promise.all([
        post('/channels', { orgId: org.id, type: 'slack', name: 'Mine', url: receiver.url }, user),
        patch(`/channels/${id}`, { url: `${receiver.url}/mine` }, user),
        patch(`/channels/${id}`, { enabled: false }, user),
        call(app, user, 'DELETE', `/api/alerts/channels/${id}`),
        post(`/channels/${id}/test`, {}, user),
      ]);
    expect((await attempts(analyst)).map((answer) => answer.status)).toEqual([403, 403, 403, 403, 403]);
    expect((await attempts(stranger)).map((answer) => answer.status)).toEqual([404, 404, 404, 404, 404]);
    expect((await get(`/channels/${id}`, stranger)).status).toBe(404);
    expect(receiver.received).toEqual([]);
    // The database functions also check the permission when they are called without the API.
    for (const user of [analyst, stranger]) {
      const steal = api.db.as(user.claims, (sql) =>
        sql(`select private.create_alert_channel($1, $2, 'slack', 'Mine', 'x', 'info', '\\x00')`, [randomUUID(), org.id]),
      );
      await expect(steal).rejects.toMatchObject({ code: '42501' });
    }
    await expect(api.db.as(org.owner.claims, (sql) => sql('select private.find_alert_channel_secret($1)', [id]))).rejects.toMatchObject({
      code: '42501',
    });
  });

  it('are limited to fifty per org', async () => {
    const crowded = await api.makeOrg();
    await api.admin(
      `insert into public.alert_channels (id, org_id, type, name, target) select gen_random_uuid(), $1, 'email', 'On call', 'a@example.com' from generate_series(1, 50)`,
      [crowded.id],
    );
    expect((await post('/channels', { type: 'slack', name: 'One more', url: receiver.url }, crowded.owner)).body).toMatchObject({
      code: 'conflict',
    });
  });
});

describe('the test of a channel', () => {
  it.each([
    [200, 'ok', true],
    [404, 'no_service', false],
    [500, 'invalid_payload', false],
  ])('answers with the response of the receiver: %i %s', async (status, text, ok) => {
    const { id } = await slack();
    Object.assign(receiver, { status, text });
    const answer = await post(`/channels/${id}/test`, {});
    expect([answer.status, answer.body]).toEqual([200, { ok, status, answer: text, durationMs: expect.any(Number) }]);
    expect(receiver.received).toHaveLength(1);
    const after = (await get(`/channels/${id}`)).body;
    expect(after.lastError).toBe(ok ? null : `${status} ${text}`);
    expect(ok ? after.lastSentAt : after.lastFailedAt).not.toBeNull();
  });

  it('names the reason when the receiver does not answer', async () => {
    const { id } = await channel({ type: 'slack', url: 'http://127.0.0.1:1/' });
    expect((await post(`/channels/${id}/test`, {})).body).toMatchObject({ ok: false, status: null, answer: 'the connection was refused' });
  });

  it('reaches a mailbox, and closes the incident that it opened at PagerDuty', async () => {
    const mail = await channel({ type: 'email', recipients: ['oncall@example.com'] });
    await api.admin('update private.alert_recipients set confirmed_at = now() where channel_id = $1', [mail.id]);
    expect((await post(`/channels/${mail.id}/test`, {})).body).toMatchObject({ ok: true, status: null });
    expect(mailServer.mails.at(-1)).toMatchObject({
      to: ['oncall@example.com'],
      text: expect.stringContaining('Subject: Test of an alert channel'),
    });
    const pager = await channel({ type: 'pagerduty', routingKey: 'a'.repeat(32) });
    expect((await post(`/channels/${pager.id}/test`, {})).body).toMatchObject({ ok: true, status: 200 });
    const events = receiver.received.map(({ body }) => JSON.parse(body));
    expect(events.map((event) => event.event_action)).toEqual(['trigger', 'resolve']);
    expect(events[0].dedup_key).toBe(events[1].dedup_key);
  });

  it('is refused within five seconds of the last test', async () => {
    const { id } = await slack();
    expect((await post(`/channels/${id}/test`, {})).status).toBe(200);
    const again = await post(`/channels/${id}/test`, {});
    expect([again.status, again.body.code, again.headers.get('retry-after')]).toEqual([429, 'rate_limited', '5']);
  });
});

describe('incidents', () => {
  it('are listed newest first, by page and by filter, to every member', async () => {
    const own = await api.makeOrg();
    const ids: string[] = [];
    for (let n = 0; n < 5; n++)
      ids.unshift(await makeIncident(own, { openedAt: `2026-01-01T00:00:0${n}.123456Z`, status: n === 0 ? 'resolved' : 'open' }));
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: { body: { incidents: AlertIncident[]; nextCursor: string | null } } = await get(
        `/incidents?limit=2${cursor ? `&cursor=${cursor}` : ''}`,
        own.owner,
      );
      seen.push(...page.body.incidents.map((incident) => AlertIncident.parse(incident).id));
      cursor = page.body.nextCursor;
    } while (cursor);
    expect(seen).toEqual(ids);
    const statuses = async (query: string) => (await get(`/incidents?${query}`, own.owner)).body.incidents?.length;
    expect(await statuses('status=resolved')).toBe(1);
    expect(await statuses('status=open,acknowledged')).toBe(4);
    expect(await statuses('kind=ConnectionLag')).toBe(0);
    expect((await get('/incidents?status=closed', own.owner)).status).toBe(400);
    expect((await get('/incidents?cursor=x', own.owner)).status).toBe(400);
    expect((await get(`/incidents?orgId=${own.id}`, stranger)).status).toBe(404);
    expect((await get('/incidents', stranger)).body.incidents).toEqual([]);
  });

  it('are acknowledged and resolved by a person, once each, and audited', async () => {
    const { id: told } = await slack();
    const id = await makeIncident();
    await api.admin(`select private.queue_alert_notifications(array[$1::uuid], 'opened', now())`, [id]);
    const first = AlertIncident.parse((await post(`/incidents/${id}/acknowledge`, undefined)).body);
    expect(first).toMatchObject({ status: 'acknowledged', acknowledgedBy: admin.id, resolvedAt: null });
    expect(AlertIncident.parse((await post(`/incidents/${id}/acknowledge`, undefined, org.owner)).body)).toEqual(first);
    const resolved = AlertIncident.parse((await post(`/incidents/${id}/resolve`, undefined, org.owner)).body);
    expect(resolved).toMatchObject({ status: 'resolved', resolvedBy: org.owner.id, resolution: 'by_person', acknowledgedBy: admin.id });
    for (const again of ['resolve', 'acknowledge']) expect((await post(`/incidents/${id}/${again}`, undefined)).body).toEqual(resolved);
    const detail = AlertIncidentDetail.parse((await get(`/incidents/${id}`)).body);
    expect(detail.notifications.filter((one) => one.channelId === told).map((one) => [one.kind, one.status])).toEqual([
      ['opened', 'pending'],
      ['acknowledged', 'pending'],
      ['resolved', 'pending'],
    ]);
    const audited = await api.admin<{ actor_id: string }>(
      'select actor_id from public.audit_log where action = $1 and target_id = $2 order by id',
      ['alert_incidents.update', id],
    );
    expect(audited.map((row) => row.actor_id)).toEqual([admin.id, org.owner.id]);
  });

  it('cannot be changed by analysts, and are unknown to other orgs', async () => {
    const id = await makeIncident();
    for (const verb of ['acknowledge', 'resolve']) {
      expect((await post(`/incidents/${id}/${verb}`, undefined, analyst)).status).toBe(403);
      expect((await post(`/incidents/${id}/${verb}`, undefined, stranger)).status).toBe(404);
      expect((await post(`/incidents/${randomUUID()}/${verb}`, undefined)).status).toBe(404);
    }
    expect((await get(`/incidents/${id}`, stranger)).status).toBe(404);
    expect((await get(`/incidents/${id}`)).body).toMatchObject({ status: 'open' });
  });
});

describe('metrics', () => {
  it('count open incidents by rule and level over all orgs, without an org label', async () => {
    await makeIncident(await api.makeOrg(), { kind: 'IngestLagHigh' });
    const text = await (await app.request('/metrics')).text();
    expect(text).toMatch(/^alert_incidents_open\{rule="IngestLagHigh",level="critical"\} 1$/m);
  });
});
