import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { pino } from 'pino';
import { uuidv7 } from 'uuidv7';
import type * as batch from '../../apps/api/src/deliveries/rows.ts';
import type * as store from '../../apps/api/src/deliveries/store.ts';
import type * as database from '../../apps/api/src/platform/db.ts';
import { createLatency, type Latency } from './latency.ts';
import { arrivalOf, connectionOf, writeItemOf } from './prepared.ts';
import { argument, report } from './process.ts';
import type { Traffic } from './requests.ts';

export interface CeilingResult {
  records: number;
  recordsPerSecond: number;
  latencyMs: Latency;
  /** The longest time in which no batch was committed. */
  longestPauseMs: number;
}

export interface CeilingRequest {
  /** The checkout whose statement is measured. */
  folder: string;
  databaseUrl: string;
  traffic: Traffic;
  ids: { id: string; orgId: string; projectId: string };
  seconds: number;
  batchesInFlight: number;
  deliveriesPerBatch: number;
}

// (d) Runs the writer's own statement on prepared rows: the upper limit of this Postgres.
const { folder, databaseUrl, traffic, ids, seconds, batchesInFlight, deliveriesPerBatch } = argument<CeilingRequest>();
const module = (path: string) => import(pathToFileURL(join(folder, 'apps', 'api', 'src', path)).href);
const [{ createDb }, { rowsOf }, { writeBatch }]: [typeof database, typeof batch, typeof store] = await Promise.all([
  module('platform/db.ts'),
  module('deliveries/rows.ts'),
  module('deliveries/store.ts'),
]);
const db = createDb({ url: databaseUrl, tls: 'off', ingestConnections: batchesInFlight, jobConnections: 1 }, pino({ level: 'silent' }));
const connection = connectionOf(traffic, ids);
const latency = createLatency();
let records = 0;
let serial = 0;

const prepare = () => Array.from({ length: deliveriesPerBatch }, () => writeItemOf(arrivalOf(traffic, connection, serial++)));

/** Replaces the ids in place, which takes about a microsecond per record, so that preparing the rows hardly counts in the measurement. */
function renew(items: readonly batch.WriteItem[]): void {
  for (const item of items) {
    item.delivery.id = uuidv7();
    for (const record of item.records) {
      if ('dead' in record) throw new Error('a prepared record is a dead letter');
      const { key, event } = record;
      key.event_id = event.id = uuidv7();
      key.dlq_id = uuidv7();
      key.journal_id = item.delivery.id;
      // Multiplied, so that the keys do not ascend.
      key.idempotency_key = `${Math.imul(serial++, 0x9e3779b1) >>> 0}-${traffic.idPrefix}-${serial}`;
      Object.assign(event, { idempotency_key: key.idempotency_key, journal_id: item.delivery.id });
    }
  }
}

const started = performance.now();
let lastCommit = started;
let longestPauseMs = 0;

async function drive(until: number): Promise<void> {
  const items = prepare();
  while (performance.now() < until) {
    renew(items);
    const sentAt = performance.now();
    const known = await writeBatch(db.ingest, rowsOf(items));
    if (known.length > 0) throw new Error('a prepared record was not new');
    const now = performance.now();
    latency.record(now - sentAt);
    longestPauseMs = Math.max(longestPauseMs, now - lastCommit);
    lastCommit = now;
    records += items.reduce((sum, item) => sum + item.records.length, 0);
  }
}

await Promise.all(Array.from({ length: batchesInFlight }, () => drive(started + seconds * 1000)));
const elapsed = (performance.now() - started) / 1000;
await db.close();
const result: CeilingResult = {
  records,
  recordsPerSecond: Math.round(records / elapsed),
  latencyMs: latency.result(),
  longestPauseMs: Math.round(longestPauseMs * 10) / 10,
};
report(result);
