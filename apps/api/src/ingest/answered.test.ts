import { pino } from 'pino';
import { expect, it } from 'vitest';
import type { Connection } from '../deliveries/connection-cache.ts';
import type { Outcome } from '../deliveries/outcomes.ts';
import { createMetrics } from '../platform/metrics.ts';
import { createRequestLog } from '../platform/request-log.ts';
import { createAnsweredDeliveries } from './answered.ts';
import type { Delivered } from './receive.ts';

function makeAnswered(logsEach: boolean) {
  const lines: Record<string, unknown>[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const metrics = createMetrics();
  const requestLog = createRequestLog({ metrics, log });
  return { lines, metrics, answered: createAnsweredDeliveries({ metrics, log, requestLog, logsEach }) };
}

const request = (durationMs: number) => ({
  method: 'POST',
  route: '/x',
  status: 200,
  durationMs,
  event: { requestId: 'r', journalId: 'j' },
});
const delivered = (id: string, ...statuses: Outcome['status'][]): Delivered => ({
  connection: { id, source: { type: 'hotmart' } } as Connection,
  item: {} as Delivered['item'],
  outcomes: statuses.map((status) => ({ status, ...(status === 'dead_lettered' ? { code: 'MISSING_FIELD' } : {}) }) as Outcome),
  status: 'mixed',
  bytes: 10,
});
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

it('counts the deliveries of a turn of the event loop in one line', async () => {
  const { lines, answered } = makeAnswered(false);
  answered.add(request(3), delivered('a', 'accepted'));
  answered.add(request(9), delivered('b', 'accepted', 'duplicate'));
  answered.add(request(5), delivered('b', 'dead_lettered'));
  await nextTurn();
  answered.add(request(1), delivered('a', 'accepted'));
  await nextTurn();
  expect(lines).toMatchObject([
    {
      msg: 'deliveries',
      deliveries: 3,
      records: 4,
      bytes: 30,
      outcomes: { accepted: 2, duplicate: 1, dead_lettered: 1 },
      connections: 2,
      busiest: [
        { connectionId: 'b', source: 'hotmart', deliveries: 2 },
        { connectionId: 'a', source: 'hotmart', deliveries: 1 },
      ],
      durationMs: { median: 5, max: 9 },
    },
    { deliveries: 1 },
  ]);
});

it('writes a line for each delivery, with its ids, when it is asked to', async () => {
  const { lines, answered } = makeAnswered(true);
  answered.add(request(3), delivered('a', 'accepted'));
  answered.add(request(9), delivered('a', 'accepted'));
  await nextTurn();
  expect(lines).toMatchObject([
    { msg: 'request', requestId: 'r', journalId: 'j', status: 200, durationMs: 3 },
    { msg: 'request', durationMs: 9 },
  ]);
});

it('leaves nothing out of a scrape that comes in the same turn, and counts nothing twice', async () => {
  const { metrics, answered } = makeAnswered(false);
  answered.add(request(3), delivered('a', 'accepted', 'accepted', 'duplicate'));
  for (let scrapes = 0; scrapes < 2; scrapes++) {
    const text = await metrics.registry.metrics();
    expect(text).toContain('ingest_records_total{source="hotmart",outcome="accepted"} 2');
    expect(text).toContain('ingest_persisted_total{source="hotmart"} 2');
    expect(text).toContain('ingest_duplicates_total{source="hotmart"} 1');
    expect(text).toContain('ingest_request_duration_seconds_count{route="/x",status_class="2xx"} 1');
    await nextTurn();
  }
});
