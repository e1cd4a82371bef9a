import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { startTestApi, type TestApi } from '../test/api.ts';
import { cachedReading } from './gauges.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api?.close());

describe('dlq_depth and dlq_oldest_age_seconds', () => {
  it('count the open entries of all orgs without resolved entries, and ignore the age of quarantined entries', async () => {
    for (const entry of [
      { status: 'pending', hoursAgo: 2 },
      { status: 'pending', hoursAgo: 30, isQuarantine: true },
      { status: 'retrying', hoursAgo: 3 },
      { status: 'exhausted', hoursAgo: 50 },
      { status: 'resolved', hoursAgo: 90 },
      { status: 'discarded', hoursAgo: 90 },
    ])
      await makeDeadLetter(entry);
    const text = await (await api.app.request('/metrics')).text();
    expect(text).toContain('dlq_depth{status="pending"} 2\ndlq_depth{status="retrying"} 1\ndlq_depth{status="exhausted"} 1\n');
    expect(text.match(/^dlq_depth\{/gm)).toHaveLength(3);
    expect(Number(/^dlq_oldest_age_seconds (\d+)/m.exec(text)?.[1])).toBeGreaterThanOrEqual(3 * 3600);
    expect(Number(/^dlq_oldest_age_seconds (\d+)/m.exec(text)?.[1])).toBeLessThan(3 * 3600 + 600);
  });

  it('are counted by the index of the open entries alone, however many other entries there are', async () => {
    const plan = await api.admin<{ 'QUERY PLAN': string }>(
      `explain select count(*) from (select from public.dlq_events d where d.status = $1 and d.status in ('pending', 'retrying', 'exhausted') limit 100000) b`,
      ['pending'],
    );
    expect(plan.map((row) => row['QUERY PLAN']).join('\n')).toContain('dlq_events_status_idx');
  });
});

describe('a reading from the database', () => {
  afterEach(() => vi.useRealTimers());
  const silent = pino({ level: 'silent' });

  it('is taken at most once in 15 seconds, however often the metrics are scraped', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    let asked = 0;
    const read = cachedReading(async () => ++asked, silent);
    expect(await Promise.all([read(), read(), read()])).toEqual([1, 1, 1]);
    vi.advanceTimersByTime(14_000);
    expect(await read()).toBe(1);
    vi.advanceTimersByTime(1_000);
    expect(await read()).toBe(2);
  });

  it('neither fails nor delays a scrape without a database: it shows the last value for a minute, then no value', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    let asked = 0;
    let database: () => Promise<string> = async () => 'known';
    const read = cachedReading(() => {
      asked++;
      return database();
    }, silent);
    expect(await read()).toBe('known');
    database = () => Promise.reject(new Error('connection refused'));
    vi.advanceTimersByTime(20_000);
    expect(await read()).toBe('known');
    // While the database does not answer, one query is waiting and no scrape waits for it.
    database = () => new Promise(() => {});
    vi.advanceTimersByTime(20_000);
    expect(await Promise.race([read(), sleep(5_000, 'held up')])).toBe('known');
    vi.advanceTimersByTime(20_000);
    expect(await Promise.race([read(), sleep(5_000, 'held up')])).toBeUndefined();
    expect(asked).toBe(3);
  });
});

async function makeDeadLetter({ status, hoursAgo, isQuarantine = false }: { status: string; hoursAgo: number; isQuarantine?: boolean }) {
  const org = await api.makeOrg();
  await api.admin(
    `insert into public.dlq_events (id, org_id, project_id, source_connection_id, journal_id, error_class, last_error_message, status, is_quarantine, created_at, lease_owner, next_retry_at)
     values ($1, $2, $3, $4, $5, 'MISSING_FIELD', 'data.purchase is missing', $6, $7, now() - make_interval(hours => $8),
       case when $6 = 'retrying' then gen_random_uuid() end, case when $6 = 'retrying' then now() end)`,
    [randomUUID(), org.id, org.projectId, await api.makeConnection(org), randomUUID(), status, isQuarantine, hoursAgo],
  );
}
