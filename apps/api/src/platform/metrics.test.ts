import { randomBytes, randomUUID } from 'node:crypto';
import { sources } from '@tributary/pipeline/sources.ts';
import { errorClasses } from '@tributary/shared/errors.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTotals } from '../processes/totals.ts';
import { startTestApi, type TestApi } from '../test/api.ts';

/**
 * The metrics that dashboards and alerts rely on: `type label,label`. The test fails for a metric that is missing here and for one that the
 * API lacks.
 */
const contract: Record<string, string> = {
  ingest_records_total: 'counter source,outcome',
  ingest_persisted_total: 'counter source',
  ingest_dlq_total: 'counter source,reason',
  ingest_duplicates_total: 'counter source',
  ingest_lag_seconds: 'histogram',
  ingest_request_duration_seconds: 'histogram route,status_class',
  ingest_batch_size_events: 'histogram',
  ingest_batch_flush_duration_seconds: 'histogram outcome',
  ingest_buffer_events: 'gauge',
  ingest_buffer_bytes: 'gauge',
  ingest_buffer_events_max: 'gauge',
  ingest_buffer_bytes_max: 'gauge',
  ingest_buffer_large_events: 'gauge',
  ingest_buffer_large_bytes: 'gauge',
  ingest_buffer_oldest_age_seconds: 'gauge',
  ingest_flush_oldest_age_seconds: 'gauge',
  ingest_shed_total: 'counter reason',
  ingest_retry_total: 'counter reason',
  ingest_pending_list_age_seconds: 'gauge',
  ingest_pending_list_pages: 'gauge',
  ingest_backpressure_state: 'gauge',
  ingest_circuit_state: 'gauge sink',
  ingest_db_pool_in_use: 'gauge',
  ingest_db_pool_waiting: 'gauge',
  dlq_depth: 'gauge status',
  dlq_oldest_age_seconds: 'gauge',
  id_conversions_open: 'gauge',
  replay_records_total: 'counter outcome',
  alert_incidents_open: 'gauge rule,level',
  alert_notifications_total: 'counter channel_type,outcome',
  worker_job_duration_seconds: 'histogram task,outcome',
  thread_task_duration_seconds: 'histogram task,outcome',
  http_answers_cut_total: 'counter reason',
};
/** What the primary adds where several processes share the port. */
const contractOfPrimary: Record<string, string> = {
  api_processes: 'gauge',
  api_process_ends_total: 'counter reason',
  api_reloads_total: 'counter outcome',
};
/** The metrics of Node itself: memory, event loop, garbage collection. */
const ofNode = /^(process|nodejs)_/;

/** The maximum number of series in one process for any requests. All platforms, routes and tasks together need far fewer. */
const seriesMax = 2_000;
/** Enough orgs to notice growth: a series for each org would already be noticed at the second org. */
const orgs = 100;
const key = 'api-key-for-tests';

interface Scrape {
  types: Map<string, string>;
  series: { name: string; labels: Record<string, string>; value: number }[];
}

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api?.close());

describe('/metrics', () => {
  it('has exactly the metrics of the contract, each with its type and labels', async () => {
    const org = await api.makeOrg();
    const url = await connect(org.projectId, org.owner.token);
    await sendEveryOutcome(url);
    const { types, series } = read(await (await api.app.request('/metrics')).text());
    const ours = [...types].filter(([name]) => !ofNode.test(name));
    expect(Object.fromEntries(ours)).toEqual(
      Object.fromEntries(Object.entries(contract).map(([name, text]) => [name, text.split(' ')[0]])),
    );
    for (const { name, labels } of series.filter((one) => contract[one.name])) {
      const [, expected = ''] = contract[name]?.split(' ') ?? [];
      expect(`${name} ${Object.keys(labels)}`).toBe(`${name} ${expected}`);
    }
    const counted = new Set(series.map(({ name }) => name));
    for (const name of Object.keys(contract).filter((one) =>
      /^ingest_(records|persisted|dlq|duplicates|lag|request|batch|buffer)|^dlq_depth/.test(one),
    ))
      expect(counted).toContain(name);
  });

  it('has with several processes the same metrics, added up, and those of the primary', async () => {
    const totals = createTotals(() => 2);
    const values = await api.metrics.values();
    totals.report(1, values);
    totals.report(2, values);
    const { types, series } = read(await totals.text());
    const one = read(await api.metrics.registry.metrics());
    // What the database knows is read by the process that is asked, once.
    const once = [...one.types.keys()].filter((name) => !values.some((metric) => metric.name === name));
    expect(once.sort()).toEqual([
      'alert_incidents_open',
      'dlq_depth',
      'dlq_oldest_age_seconds',
      'id_conversions_open',
      'ingest_pending_list_age_seconds',
      'ingest_pending_list_pages',
    ]);
    const added = Object.entries(contract).filter(([name]) => !once.includes(name));
    expect(Object.fromEntries([...types].filter(([name]) => !ofNode.test(name)))).toEqual(
      Object.fromEntries([...added, ...Object.entries(contractOfPrimary)].map(([name, text]) => [name, text.split(' ')[0]])),
    );
    for (const { name, labels } of series.filter((each) => contractOfPrimary[each.name]))
      expect(`${name} ${Object.keys(labels)}`.trim()).toBe(contractOfPrimary[name]?.replace(/^\w+/, name));

    const highest = [
      'ingest_flush_oldest_age_seconds',
      'ingest_buffer_oldest_age_seconds',
      'ingest_backpressure_state',
      'ingest_circuit_state',
    ];
    for (const [name] of added) {
      const times = highest.includes(name) ? 1 : 2;
      const sumOf = (all: Scrape['series']) => all.filter((each) => each.name === name).reduce((sum, { value }) => sum + value, 0);
      expect(sumOf(series), name).toBeCloseTo(times * sumOf(one.series), 6);
    }
    // A process that has ended leaves what it counted, and nothing of what it held.
    totals.end(1, 'failed');
    const later = read(await totals.text()).series;
    const figure = (all: Scrape['series'], name: string) => all.find((each) => each.name === name)?.value;
    expect(figure(later, 'ingest_persisted_total')).toBe(figure(series, 'ingest_persisted_total'));
    expect(figure(later, 'ingest_buffer_events_max')).toBe((figure(series, 'ingest_buffer_events_max') ?? 0) / 2);
    expect(later).toContainEqual({ name: 'api_process_ends_total', labels: { reason: 'failed' }, value: 1 });
  });

  it('does not get more series by a hundred orgs, or by any names that an attacker invents', async () => {
    const made = await inParallel(Array.from({ length: orgs }), () => api.makeOrg());
    const [first = '', ...urls] = await inParallel(made, ({ projectId, owner }) => connect(projectId, owner.token));
    await sendEveryOutcome(first);
    await attack(first, 25);
    const before = read(await (await api.app.request('/metrics')).text()).series;

    await inParallel(urls, async (url) => {
      expect((await api.sendUntilTaken(url, JSON.stringify({ id: randomUUID() }), { 'x-api-key': key })).status).toBe(200);
    });
    for (const url of urls.slice(0, 10)) await attack(url, 50);

    const after = read(await (await api.app.request('/metrics')).text()).series;
    // Node adds a kind of garbage collection when it first happens, and the machine's speed decides what is refused or tried again.
    const print = (all: Scrape['series']) =>
      new Set(
        all
          .filter(({ name, labels }) => !ofNode.test(name) && !/_(shed|retry)_total$/.test(name) && labels.status_class !== '5xx')
          .map(({ name, labels }) => `${name} ${JSON.stringify(labels)}`),
      );
    expect([...print(after).difference(print(before))]).toEqual([]);
    expect(after.length).toBeLessThan(seriesMax);
    const [row] = await api.admin<{ n: string }>('select count(distinct org_id) as n from public.event_journal');
    expect(Number(row?.n)).toBeGreaterThanOrEqual(orgs);

    const routes = new Set(['unmatched', ...api.app.routes.map((route) => route.path)]);
    const values = (label: string) => new Set(after.flatMap(({ labels }) => labels[label] ?? []));
    expect([...values('route').difference(routes)]).toEqual([]);
    expect([...values('source').difference(new Set(sources.keys()))]).toEqual([]);
    expect([...values('status_class').difference(new Set(['2xx', '4xx', '5xx']))]).toEqual([]);
    const reasons = after.filter(({ name }) => name === 'ingest_dlq_total').map(({ labels }) => labels.reason);
    expect(reasons.filter((reason) => !Object.hasOwn(errorClasses, reason ?? ''))).toEqual([]);
  }, 120_000);
});

/** Makes a connection of the generic source through the API and returns its URL. */
async function connect(projectId: string, token: string): Promise<string> {
  const response = await api.app.request('/api/connections', {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      projectId,
      type: 'webhook',
      name: 'Shop',
      secrets: { secret: key },
      config: { verification: { scheme: 'api-key', in: 'header', name: 'x-api-key' } },
    }),
  });
  if (response.status !== 201) throw new Error(`the connection was not made: ${await response.text()}`);
  return ((await response.json()) as { webhookUrl: string }).webhookUrl;
}

/** Sends deliveries that are accepted, duplicate, dead-lettered and rejected. */
async function sendEveryOutcome(url: string): Promise<void> {
  const send = (body: object, secret = key) => api.send(url, JSON.stringify(body), { 'x-api-key': secret });
  const id = randomUUID();
  const paid = { id, type: 'order.paid' };
  expect((await send(paid)).body.status).toBe('accepted');
  expect((await send(paid)).body.status).toBe('duplicate');
  expect((await send({ ...paid, total: 1 })).body.status).toBe('dead_lettered');
  expect((await send(paid, 'wrong')).status).toBe(401);
  expect((await api.app.request('/metrics')).status).toBe(200);
}

/** Sends requests with invented types, ids, paths, methods, hosts, headers and bodies. */
async function attack(url: string, times: number): Promise<void> {
  const word = () => randomBytes(6).toString('hex');
  const path = new URL(url).pathname;
  await inParallel(Array.from({ length: times }), async () => {
    const headers = { host: `${word()}.example.com`, 'user-agent': word(), [`x-${word()}`]: word(), 'x-api-key': word() };
    const answers = await Promise.all([
      api.app.request(`/api/webhooks/${word()}/${randomUUID()}`, { method: 'POST', headers, body: '{}' }),
      api.app.request(`/api/webhooks/webhook/${word()}?${word()}=${word()}`, { method: 'POST', headers, body: '{}' }),
      api.app.request(`/${word()}/${word()}`, { headers }),
      api.app.request(`/api/connections/${randomUUID()}`, { headers }),
      api.app.request(path, { method: word().toUpperCase(), headers }),
      api.app.request(`http://${word()}.example.com${path}`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ type: word(), event: word() }),
      }),
    ]);
    for (const { status } of answers) expect(status).toBeGreaterThanOrEqual(400);
  });
}

async function inParallel<T, R>(all: readonly T[], run: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      while (next < all.length) {
        const index = next++;
        results[index] = await run(all[index] as T);
      }
    }),
  );
  return results;
}

/** Reads the text as Prometheus does: the series of a histogram belong to its name. */
function read(text: string): Scrape {
  const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]));
  const series = [...text.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm)].map(([, sample = '', pairs = '', value]) => {
    const whole = sample.replace(/_(bucket|sum|count)$/, '');
    const labels = Object.fromEntries(
      [...pairs.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label = '', value = '']) => [label, value]),
    );
    const { le, ...others } = labels;
    return { name: types.get(whole) === 'histogram' ? whole : sample, labels: others, value: Number(value) };
  });
  return { types, series };
}
