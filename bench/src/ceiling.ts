import { pino } from 'pino';
import { uuidv7 } from 'uuidv7';
import { type BatchRows, rowsOf } from '../../apps/api/src/deliveries/rows.ts';
import { writeBatch } from '../../apps/api/src/deliveries/store.ts';
import { createDb } from '../../apps/api/src/platform/db.ts';
import { createLatency, type Latency } from './latency.ts';
import { arrivalOf, connectionOf, writeItemOf } from './prepared.ts';
import { argument, report } from './process.ts';
import type { Traffic } from './requests.ts';

export interface CeilingResult {
  recordsPerSecond: number;
  batchesPerSecond: number;
  recordsPerBatch: number;
  latencyMs: Latency;
}

export interface CeilingRequest {
  databaseUrl: string;
  traffic: Traffic;
  ids: { id: string; orgId: string; projectId: string };
  seconds: number;
  /** As many batches at the same time as the writer of the API is configured for. */
  batchesInFlight: number;
  deliveriesPerBatch: number;
}

// (d) Runs the writer's own statement on prepared rows, with as many batches in flight as the writer has: the upper limit of this Postgres.
const { databaseUrl, traffic, ids, seconds, batchesInFlight, deliveriesPerBatch } = argument<CeilingRequest>();
const db = createDb({ url: databaseUrl, tls: 'off', ingestConnections: batchesInFlight, jobConnections: 1 }, pino({ level: 'silent' }));
const connection = connectionOf(traffic, ids);
const latency = createLatency();
let records = 0;
let batches = 0;
let serial = 0;

function prepare(): BatchRows {
  const rows = rowsOf(Array.from({ length: deliveriesPerBatch }, () => writeItemOf(arrivalOf(traffic, connection, serial++))));
  if (rows.dead.length > 0) throw new Error('a prepared record is a dead letter');
  return rows;
}

/** Replaces the ids in place, which takes about a microsecond per record, so that preparing the rows hardly counts in the measurement. */
function renew({ deliveries, records }: BatchRows): void {
  for (const { delivery } of deliveries) delivery.id = uuidv7();
  const perDelivery = records.length / deliveries.length;
  for (const [index, { key, event }] of records.entries()) {
    key.event_id = uuidv7();
    key.dlq_id = uuidv7();
    key.idempotency_key = `${traffic.idPrefix}${serial++}`;
    key.journal_id = deliveries[Math.floor(index / perDelivery)]?.delivery.id ?? '';
    Object.assign(event, { id: key.event_id, idempotency_key: key.idempotency_key, journal_id: key.journal_id });
  }
}

async function drive(until: number): Promise<void> {
  const rows = prepare();
  while (performance.now() < until) {
    renew(rows);
    const started = performance.now();
    const known = await writeBatch(db.ingest, rows);
    if (known.length > 0) throw new Error('a prepared record was not new');
    latency.record(performance.now() - started);
    records += rows.records.length;
    batches++;
  }
}

const started = performance.now();
await Promise.all(Array.from({ length: batchesInFlight }, () => drive(started + seconds * 1000)));
const elapsed = (performance.now() - started) / 1000;
await db.close();
const result: CeilingResult = {
  recordsPerSecond: Math.round(records / elapsed),
  batchesPerSecond: Math.round((batches / elapsed) * 10) / 10,
  recordsPerBatch: records / Math.max(1, batches),
  latencyMs: latency.result(),
};
report(result);
