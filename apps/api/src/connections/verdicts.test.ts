import { sources } from '@tributary/pipeline/sources.ts';
import type { Connection } from '@tributary/shared/api.ts';
import type { ConnectionVerdict } from '@tributary/shared/verdicts.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluateAlerts } from '../alerts/evaluate.ts';
import { listAdapterLag } from '../operate/store.ts';
import { addActivity, type Counts, every, minuteMs } from '../test/activity.ts';
import { startTestApi, type TestApi } from '../test/api.ts';
import { call } from '../test/call.ts';
import type { TestOrg } from '../test/make.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

/** The names of the secrets that a source needs, in order. */
const requiredOf = (type: string) =>
  (sources.get(type)?.secrets ?? [])
    .filter((field) => field.required)
    .map((field) => field.name)
    .toSorted();
const hourMs = 60 * minuteMs;
const now = Math.floor(Date.now() / minuteMs) * minuteMs;

/** The verdict that every reader gets: the Data API, the API's list and detail, and the health of the operators. They must agree. */
async function verdictOf(org: TestOrg, id: string): Promise<{ state: ConnectionVerdict; reason: string | null; level: string | null }> {
  const request = async (path: string) => (await call(api.app, org.owner, 'GET', path)).body;
  const { verdict } = (await request(`/api/connections/${id}`)) as Connection;
  const listed = ((await request(`/api/connections?orgId=${org.id}`)) as Connection[]).find((one) => one.id === id);
  const [row] = await api.db.as(org.owner.claims, (sql) =>
    sql<{ verdict: string; verdict_reason: string | null }>('select verdict, verdict_reason from public.connection_health($1, ids => $2)', [
      org.id,
      [id],
    ]),
  );
  const [filtered] = await api.db.as(org.owner.claims, (sql) =>
    sql<{ n: number }>('select count(*)::int as n from public.connection_health($1, ids => $2, verdicts => $3)', [
      org.id,
      [id],
      [verdict.state],
    ]),
  );
  const health = await listAdapterLag(api.db, 1_000);
  expect({
    list: listed?.verdict,
    dataApi: row,
    filter: filtered?.n,
    health: Object.values(health.adapters).find((one) => one.id === id)?.verdict,
  }).toEqual({
    list: verdict,
    dataApi: { verdict: verdict.state, verdict_reason: verdict.reason },
    filter: 1,
    health: verdict.state,
  });
  return verdict;
}

async function makeConnection() {
  const org = await api.makeOrg();
  const { id } = await api.connect(org, 'hotmart', { hottok: 'a hottok of 16 letters' });
  await api.admin('alter table public.source_connections disable trigger touch');
  await api.admin(`update public.source_connections set updated_at = now() - interval '90 days' where id = $1`, [id]);
  await api.admin('alter table public.source_connections enable trigger touch');
  const patch = async (change: object) =>
    expect((await call(api.app, org.owner, 'PATCH', `/api/connections/${id}`, change)).status).toBe(200);
  const arrive = (times: readonly number[], counts?: Counts) => addActivity(api, org, id, times, counts);
  return { org, id, patch, arrive, verdict: () => verdictOf(org, id) };
}

async function evaluate(at = now) {
  await api.admin('update private.alert_clock set evaluated_at = $1', [new Date(at - 30_000).toISOString()]);
  await evaluateAlerts(api.db, { now: new Date(at).toISOString() });
}

describe('the verdict of a connection is the same for every reader:', () => {
  it('waiting before the first event, and ok after it', async () => {
    const { arrive, verdict } = await makeConnection();
    expect(await verdict()).toMatchObject({ state: 'waiting' });
    await arrive([now]);
    expect(await verdict()).toMatchObject({ state: 'ok' });
  });

  it('needs_secret while a required secret is missing, or when the only one has expired', async () => {
    const org = await api.makeOrg();
    const id = await api.makeConnection(org, { type: 'hotmart' });
    expect(await verdictOf(org, id)).toMatchObject({ state: 'needs_secret', reason: 'hottok', level: 'critical' });
    await addActivity(api, org, id, [now]);
    expect(await verdictOf(org, id)).toMatchObject({ state: 'needs_secret' });

    const { id: other, org: otherOrg, arrive } = await makeConnection();
    await arrive([now]);
    await api.admin(`update private.connection_secrets set expires_at = now() + interval '1 hour' where source_connection_id = $1`, [
      other,
    ]);
    expect(await verdictOf(otherOrg, other)).toMatchObject({ state: 'ok' });
    await api.admin(`update private.connection_secrets set expires_at = now() - interval '1 second' where source_connection_id = $1`, [
      other,
    ]);
    expect(await verdictOf(otherOrg, other)).toMatchObject({ state: 'needs_secret' });
  });

  it('needs_secret names the one of several secrets that is missing', async () => {
    const org = await api.makeOrg();
    const id = await api.makeConnection(org, { type: 'meta' });
    const missing: (string | null)[] = [];
    for (let verdict = await verdictOf(org, id); verdict.state === 'needs_secret'; verdict = await verdictOf(org, id)) {
      missing.push(verdict.reason);
      await api.admin(`insert into private.connection_secrets (org_id, source_connection_id, name, sealed) values ($1, $2, $3, '\\x00')`, [
        org.id,
        id,
        verdict.reason,
      ]);
    }
    expect(missing).toEqual(requiredOf('meta'));
  });

  it('paused, with who paused it: a person, the connection, the org, or its deletion', async () => {
    const { org, arrive, patch, verdict } = await makeConnection();
    await arrive([now]);
    await patch({ isActive: false });
    expect(await verdict()).toMatchObject({ state: 'paused', reason: 'by_person' });
    await patch({ isActive: true, suspendedReason: 'a flood' });
    expect(await verdict()).toMatchObject({ state: 'paused', reason: 'suspended' });
    await patch({ suspendedReason: null });
    await api.admin(`update public.orgs set suspended_at = now(), suspended_reason = 'spam' where id = $1`, [org.id]);
    expect(await verdict()).toMatchObject({ state: 'paused', reason: 'org_suspended' });
    await api.admin(`update public.orgs set suspended_at = null, suspended_reason = null where id = $1`, [org.id]);
    expect(await verdict()).toMatchObject({ state: 'ok' });
    await api.admin('select private.schedule_org_deletion($1, $2)', [org.id, org.owner.id]);
    expect(await verdict()).toMatchObject({ state: 'paused', reason: 'org_deletion' });
  });

  it('failing when its deliveries are rejected or its records become dead letters, as the rules say', async () => {
    for (const [counts, reason] of [
      [{ accepted: 10, rejected: 90 }, 'RejectedRateHigh'],
      [{ accepted: 60, deadLettered: 40 }, 'IngestDLQRateHigh'],
    ] as const) {
      const { arrive, verdict } = await makeConnection();
      await arrive([now - minuteMs], counts);
      await evaluate();
      expect(await verdict()).toMatchObject({ state: 'failing', reason });
    }
    const { arrive, verdict } = await makeConnection();
    await arrive([now - minuteMs], { accepted: 990, deadLettered: 10 });
    await evaluate();
    expect(await verdict(), 'an alert of the level info').toMatchObject({ state: 'ok' });
  });

  it('failing when the very first deliveries are rejected, although they are too few for a rule', async () => {
    const { id, org } = await makeConnection();
    const answer = await api.send(`/api/webhooks/hotmart/${id}`, '{}', { 'x-hotmart-hottok': 'a wrong one' });
    expect(answer.status).toBe(401);
    await api.quarantine.drain();
    await expect.poll(async () => (await verdictOf(org, id)).state, { timeout: 10_000 }).toBe('failing');
    expect(await verdictOf(org, id)).toMatchObject({ reason: 'first_event' });
  });

  it('late and then silent by the thresholds of the org, and still silent after a person resolved the incident', async () => {
    const { org, arrive, verdict } = await makeConnection();
    await arrive(every(1, now - 4 * hourMs, now - 12 * minuteMs));
    await evaluate();
    expect(await verdict()).toMatchObject({ state: 'late', reason: 'ConnectionLag', level: 'warning' });
    await api.admin(
      `update public.alert_rules set thresholds = thresholds || '{"critical": 660}' where org_id = $1 and kind = 'ConnectionSilent'`,
      [org.id],
    );
    await evaluate(now + 1_000);
    expect(await verdict()).toMatchObject({ state: 'silent', reason: 'ConnectionSilent', level: 'critical' });
    await api.db.as(org.owner.claims, (sql) =>
      sql(`select private.change_alert_incident(id, 'resolved') from public.alert_incidents where org_id = $1 and status <> 'resolved'`, [
        org.id,
      ]),
    );
    expect(await verdict()).toMatchObject({ state: 'silent' });
  });

  it('ok for a shop that is closed at night, whose rhythm allows the silence', async () => {
    const { arrive, verdict } = await makeConnection();
    const dayMs = 24 * hourMs;
    for (let day = 14; day >= 1; day--) await arrive(every(5, now - day * dayMs - 16 * hourMs, now - day * dayMs - 2 * hourMs));
    await arrive(every(5, now - 16 * hourMs, now - 2 * hourMs));
    await evaluate();
    expect(await verdict()).toMatchObject({ state: 'ok' });
  });
});

describe('tests are no sign of life:', () => {
  const rolledUp = () => api.db.worker((sql) => sql('select private.roll_up_activity()'));
  const sendTest = async (org: TestOrg, id: string) => {
    const app = { request: (url: string, init: RequestInit) => api.app.request(url, init, {}) };
    const sent = await call(app as never, org.owner, 'POST', `/api/connections/${id}/test`, {});
    expect(sent.body.response.status).toBe(200);
  };

  it('a connection that only got test events is still waiting, and has no last event', async () => {
    const { org, id, verdict } = await makeConnection();
    for (let n = 0; n < 2; n++) {
      await sendTest(org, id);
    }
    await rolledUp();
    expect(await verdict()).toMatchObject({ state: 'waiting' });
    const [row] = await api.db.as(org.owner.claims, (sql) =>
      sql('select last_event_at, freshness_seconds, received::int from public.connection_health($1, ids => $2)', [org.id, [id]]),
    );
    expect(row).toEqual({ last_event_at: null, freshness_seconds: null, received: 2 });
    const [connection] = await api.admin('select last_event_at from public.source_connections where id = $1', [id]);
    expect(connection).toEqual({ last_event_at: null });
  });

  it('a test event does not end the silence of a connection', async () => {
    const { org, id, arrive, verdict } = await makeConnection();
    await arrive(every(1, now - 4 * hourMs, now - 40 * minuteMs));
    await evaluate();
    expect(await verdict()).toMatchObject({ state: 'silent' });
    await sendTest(org, id);
    await rolledUp();
    await evaluate(Date.now() + 30_000);
    await evaluate(Date.now() + 7 * minuteMs);
    expect(await verdict()).toMatchObject({ state: 'silent' });
  });

  it('a test event beside real ones leaves the connection as fresh as the real ones make it', async () => {
    const { org, id, verdict } = await makeConnection();
    await api.admin(
      `insert into public.connection_activity (org_id, source_connection_id, bucket, received, accepted, last_event_time)
       values ($1, $2, date_trunc('minute', now()), 1, 1, now() - interval '1 second')`,
      [org.id, id],
    );
    await sendTest(org, id);
    await rolledUp();
    expect(await verdict()).toMatchObject({ state: 'ok' });
  });
});
