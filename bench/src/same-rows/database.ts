import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { withClient } from '@tributary/supabase/local/database.ts';
import { startTestCluster } from '@tributary/supabase/local/test-cluster.ts';
import { pino } from 'pino';
import type * as outcomes from '../../../apps/api/src/deliveries/outcomes.ts';
import type * as parts from '../../../apps/api/src/deliveries/parts.ts';
import type * as batch from '../../../apps/api/src/deliveries/rows.ts';
import type { WriteItem } from '../../../apps/api/src/deliveries/rows.ts';
import type * as store from '../../../apps/api/src/deliveries/store.ts';
import type * as database from '../../../apps/api/src/platform/db.ts';
import { argument, report } from '../process.ts';
import { importCheckout } from './checkout.ts';
import { type Choices, createChoices } from './choices.ts';
import { type Base, createDeliveries } from './deliveries.ts';
import { setupsOf } from './setups.ts';
import { dumpTables, type Tables } from './tables.ts';
import { seedSetups } from './tenants.ts';

export interface DatabaseRequest {
  checkout: string;
  basesFile: string;
  seed: number;
  batches: number;
  /** The time of all deliveries: in the past, so that no time that a delivery gives is one of a commit. */
  nowMs: number;
}

export interface DatabaseResult {
  /** What each batch returned, or the code of its error. */
  answers: string[];
  tables: Tables;
}

// Writes batches with the statement of one checkout into a database with its migrations, and dumps every table.
const { checkout: folder, basesFile, seed, batches, nowMs } = argument<DatabaseRequest>();
const checkout = await importCheckout(folder);
const module = (path: string) => import(pathToFileURL(join(folder, 'apps', 'api', 'src', path)).href);
const [{ createDb }, { rowsOf }, { writeBatch, replayBatch }, { partOf }, { outcomesOf }]: [
  typeof database,
  typeof batch,
  typeof store,
  typeof parts,
  typeof outcomes,
] = await Promise.all([
  module('platform/db.ts'),
  module('deliveries/rows.ts'),
  module('deliveries/store.ts'),
  module('deliveries/parts.ts'),
  module('deliveries/outcomes.ts'),
]);

const bases = JSON.parse(readFileSync(basesFile, 'utf8')) as Base[];
const setups = setupsOf(checkout.sources);
const { make } = createDeliveries(bases, setups, seed, nowMs);
const answers: string[] = [];
let deliveries = 0;
let ids = 0;
/** Numbers of deliveries that were written, with the id of their journal entries. */
const written: { n: number; journalId: string }[] = [];

/** Ids are replaced by ones that both checkouts make alike; the sealed body by bytes that follow from the id. */
function withFixedIds(item: WriteItem): WriteItem {
  const found = new Map<string, string>();
  const fix = (id: string) => found.set(id, `0199d3a1-1111-7000-8000-${(++ids).toString(16).padStart(12, '0')}`);
  fix(item.delivery.id);
  for (const record of item.records) {
    if ('dead' in record) fix(record.dead.id);
    else {
      fix(record.event.id);
      fix(record.key.dlq_id);
    }
  }
  const replaced = (value: unknown): unknown => {
    if (typeof value === 'string') return found.get(value) ?? value;
    if (Array.isArray(value)) return value.map(replaced);
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, replaced(one)]));
  };
  return { ...(replaced({ ...item, sealed: undefined }) as WriteItem), sealed: Buffer.from(`sealed ${found.get(item.delivery.id)}`) };
}

function itemOf(n: number, replayOf?: string): WriteItem {
  const { prepare, verify } = checkout;
  const made = make(n);
  const { replay: _, ...arrival } = made;
  const { connection, delivery, secrets, receivedAtMs } = arrival;
  const { verdict, body } = verify.verifyDelivery(connection.source, delivery, { secrets, config: connection.config }, receivedAtMs);
  if (!verdict.ok) return prepare.prepareRejected(arrival, verdict.error, verdict.message).seal();
  if (!body) return prepare.prepareRejected(arrival, 'INVALID_PAYLOAD', 'The body cannot be read.').seal();
  return prepare.prepareWrite(replayOf === undefined ? arrival : { ...arrival, replay: { of: replayOf, nowMs } }, body);
}

/** A delivery of a batch: new, sent again, sent again with other contents, or such that the database refuses it. */
function nextItem(choices: Choices): WriteItem {
  const before = written.length > 0 && choices.chance(35) ? choices.one(written) : undefined;
  const n = before?.n ?? deliveries++;
  const item = withFixedIds(itemOf(n));
  if (before && choices.chance(40)) {
    for (const record of item.records) if ('key' in record) record.key.body_sha256 = choices.one(['ab', 'cd']).repeat(32);
  }
  if (choices.chance(1)) for (const record of item.records) if ('event' in record) record.event.amount_minor = '99999999999999999999';
  written.push({ n, journalId: item.delivery.id });
  return item;
}

const cluster = await startTestCluster({ migrations: join(folder, 'supabase', 'migrations') });
try {
  const target = await cluster.createDatabase();
  await withClient(target.superuserUrl, (client) => seedSetups(client, setups));
  const untouched = await withClient(target.superuserUrl, dumpTables);
  const db = createDb({ url: target.apiUrl, tls: 'off', ingestConnections: 1, jobConnections: 1 }, pino({ level: 'silent' }));
  const keep = async (write: () => Promise<unknown>) => {
    answers.push(
      await write().then(
        (found) => JSON.stringify(Array.isArray(found) ? found.map((one) => JSON.stringify(one, Object.keys(one).sort())).sort() : found),
        (error: { code?: string; message: string }) => `error ${error.code ?? error.message}`,
      ),
    );
  };
  for (let n = 0; n < batches; n++) {
    const choices = createChoices(seed * 7_000_003 + n);
    const items = Array.from({ length: 1 + choices.below(choices.chance(80) ? 6 : 30) }, () => nextItem(choices));
    const before = written.length > 20 && choices.chance(25) ? choices.one(written) : undefined;
    const large = items.find(({ records }) => records.length > 1);
    if (before) {
      const again = withFixedIds(itemOf(before.n, before.journalId));
      const rewrite = choices.chance(50);
      if (choices.chance(50)) for (const record of again.records) if ('key' in record) record.key.body_sha256 = 'ef'.repeat(32);
      await keep(() => db.worker((sql) => replayBatch(sql, rowsOf([again]), rewrite)));
    } else if (large && choices.chance(50)) {
      // A large delivery in parts, each of one record, between other deliveries.
      const done: outcomes.Outcome[] = [];
      for (let from = 0; from < large.records.length; from++) {
        const part = partOf(large, from, from + 1, done);
        await keep(async () => {
          const found = await writeBatch(db.ingest, rowsOf([part]));
          done.push(...(outcomesOf([part], found)[0] ?? []));
          return found;
        });
      }
    } else await keep(() => writeBatch(db.ingest, rowsOf(items)));
  }
  await db.close();
  const tables = await withClient(target.superuserUrl, dumpTables);
  // What only the migrations wrote is not compared: some of it is random, and new migrations may write more.
  for (const [name, rows] of Object.entries(untouched)) if (rows.join() === tables[name]?.join()) delete tables[name];
  const result: DatabaseResult = { answers, tables };
  await cluster.stop();
  report(result);
} catch (error) {
  await cluster.stop();
  throw error;
}
