import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import { rowsOf, type WriteItem } from '../../apps/api/src/deliveries/rows.ts';
import { writeBatch } from '../../apps/api/src/deliveries/store.ts';
import { createDb } from '../../apps/api/src/platform/db.ts';
import { fixedSql } from './budget-work.ts';
import { ratioToFixedWork } from './interleaved.ts';
import { arrivalOf, connectionOf, writeItemOf } from './prepared.ts';
import { argument, report } from './process.ts';
import type { Traffic } from './requests.ts';

export interface BudgetStatementRequest {
  rounds: number;
  databaseUrl: string;
  org: { id: string; projectId: string };
  connections: Record<'purchase' | 'batch', { id: string; type: string; config: unknown; secrets: Traffic['secrets'] }>;
}

// Measures the statement of the writer in one session of Postgres, as a ratio to a fixed query in the same session.
const { rounds, databaseUrl, org, connections } = argument<BudgetStatementRequest>();
const db = createDb({ url: databaseUrl, tls: 'off', ingestConnections: 1, jobConnections: 1 }, pino({ level: 'silent' }));
const [session] = await db.ingest<{ pid: number }>('select pg_backend_pid() as pid');
let serial = 0;

const ratios: Record<string, number> = {};
await measureStatement('one purchase', () => itemsOf('purchase', 1, 1), 1);
await measureStatement('50 purchases, each', () => itemsOf('purchase', 50, 1), 50);
await measureStatement('2 deliveries of 100 records, each record', () => itemsOf('batch', 2, 100), 200);
const again = itemsOf('purchase', 25, 1);
await writeBatch(db.ingest, rowsOf(again));
await measureStatement('50 purchases of which half are repeated, each', () => [...itemsOf('purchase', 25, 1), ...repeated(again)], 50);
await db.close();
report(ratios);

async function measureStatement(name: string, items: () => WriteItem[], records: number): Promise<void> {
  ratios[`statement: ${name}`] = await ratioToFixedWork({
    rounds,
    step: async () => {
      const rows = rowsOf(items());
      return (await sessionTime(() => writeBatch(db.ingest, rows))) / records;
    },
    fixed: () => sessionTime(() => db.ingest(fixedSql)),
  });
}

function itemsOf(kind: 'purchase' | 'batch', count: number, recordsPerBatch: number): WriteItem[] {
  const { id, type, config, secrets } = connections[kind];
  const traffic: Traffic = { url: '', kind, type, config, secrets: secrets ?? [], idPrefix: `b${process.pid}`, recordsPerBatch };
  const connection = connectionOf(traffic, { id, orgId: org.id, projectId: org.projectId });
  return Array.from({ length: count }, () => writeItemOf(arrivalOf(traffic, connection, serial++)));
}

/** The same records in new deliveries. */
function repeated(items: readonly WriteItem[]): WriteItem[] {
  const fresh = itemsOf('purchase', items.length, 1);
  return fresh.map((item, n) => {
    const [old, record] = [items[n]?.records[0], item.records[0]];
    if (!old || !record || 'dead' in old || 'dead' in record) throw new Error('a prepared record is a dead letter');
    record.key.idempotency_key = old.key.idempotency_key;
    record.key.body_sha256 = old.key.body_sha256;
    record.event.idempotency_key = old.key.idempotency_key;
    return item;
  });
}

/** Nanoseconds of processor time that the session of Postgres uses meanwhile. */
async function sessionTime(run: () => Promise<unknown>): Promise<number> {
  const read = () => Number(readFileSync(`/proc/${session?.pid}/schedstat`, 'utf8').split(' ')[0]);
  const before = read();
  await run();
  return read() - before;
}
