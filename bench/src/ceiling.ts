import { pino } from 'pino';
import { uuidv7 } from 'uuidv7';
import type { BatchRows } from '../../apps/api/src/deliveries/rows.ts';
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
  const rows: BatchRows = { deliveries: [], keys: [], events: [], dead: [], sealed: Buffer.alloc(0) };
  const parts: Uint8Array[] = [];
  let sealedAt = 0;
  for (let n = 0; n < deliveriesPerBatch; n++) {
    const item = writeItemOf(arrivalOf(traffic, connection, serial++));
    rows.deliveries.push({ ...item.delivery, sealed_at: sealedAt, sealed_length: item.sealed.length });
    sealedAt += item.sealed.length;
    parts.push(item.sealed);
    for (const record of item.records) {
      if ('dead' in record) throw new Error('a prepared record is a dead letter');
      rows.keys.push(record.key);
      rows.events.push(record.event);
    }
  }
  return { ...rows, sealed: Buffer.concat(parts) };
}

/** Replaces the ids in place, which takes about a microsecond per record, so that preparing the rows hardly counts in the measurement. */
function renew(rows: BatchRows): void {
  const perDelivery = rows.keys.length / rows.deliveries.length;
  for (const [index, delivery] of rows.deliveries.entries()) {
    delivery.id = uuidv7();
    for (let n = index * perDelivery; n < (index + 1) * perDelivery; n++) {
      const key = rows.keys[n];
      const event = rows.events[n] as Record<string, unknown>;
      if (!key) continue;
      key.event_id = uuidv7();
      key.dlq_id = uuidv7();
      key.idempotency_key = `${traffic.idPrefix}${serial++}`;
      key.journal_id = delivery.id;
      Object.assign(event, { id: key.event_id, idempotency_key: key.idempotency_key, journal_id: delivery.id });
    }
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
    records += rows.keys.length;
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
