import { setTimeout as sleep } from 'node:timers/promises';
import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createCircuits } from '../platform/breaker.ts';
import type { Db, Sql } from '../platform/db.ts';
import { createMetrics } from '../platform/metrics.ts';
import { listOf, packAll } from '../platform/packed-list.ts';
import { isSent, recordsIn } from '../test/batch.ts';
import { deliveryOf } from '../test/delivery.ts';
import { makeWorld, type TestOrg, type World } from '../test/make.ts';
import type { WriteRecord } from './rows.ts';
import { createWriter, type WriterLimits } from './writer.ts';

const limits: WriterLimits = {
  batchRecordsMax: 50,
  batchBytesMax: 100_000,
  batchAgeMs: 2,
  batchesInFlightMax: 2,
  bufferRecordsMax: 500,
  bufferBytesMax: 1_000_000,
  largeRecordsMax: 1_000,
  largeBytesMax: 10_000_000,
};
let world: World;
let [large, small]: (TestOrg & { connectionId: string })[] = [];

beforeAll(async () => {
  world = await makeWorld();
});
beforeEach(async () => {
  [large, small] = await Promise.all(
    Array.from({ length: 2 }, async () => {
      const org = await world.makeOrg();
      return { ...org, connectionId: await world.makeConnection(org) };
    }),
  );
});
afterAll(() => world.close());

function make(db: Db = world.db, batchAgeMs = limits.batchAgeMs) {
  const metrics = createMetrics();
  const circuits = createCircuits({ metrics, log: world.log, now: Date.now });
  return { writer: createWriter({ db, limits: { ...limits, batchAgeMs }, metrics, log: world.log, circuits, now: Date.now }), circuits };
}

const keys = (prefix: string, count: number) => Array.from({ length: count }, (_, n) => ({ key: `${prefix}-${n}` }));
const fromLarge = (...given: Parameters<typeof keys>) => deliveryOf(large as TestOrg & { connectionId: string }, keys(...given));
const fromSmall = (...given: Parameters<typeof keys>) => deliveryOf(small as TestOrg & { connectionId: string }, keys(...given));

/** A database whose batches are watched: `before` is called with the number of records and the values of each statement. */
function watched(before: (records: number, values: unknown[]) => void | Promise<void>): Db {
  const ingest = (async (text: string, values: unknown[] = []) => {
    if (text.includes('ingest_batch')) await before(recordsIn(text, values), values);
    return world.db.ingest(text, values);
  }) as Sql;
  return { ...world.db, ingest };
}

const journalOf = async (id: string) =>
  (
    await world.admin(
      `select j.outcome, j.record_count, length(p.sealed) as sealed, (select count(*)::int from canonical_events e where e.journal_id = j.id) as events
       from event_journal j join private.journal_payloads p on p.journal_id = j.id where j.id = $1`,
      [id],
    )
  )[0];

test('a large delivery is written in batches of the usual size, and answered once with every outcome in order', async () => {
  const sizes: number[] = [];
  const { writer } = make(watched((records) => void sizes.push(records)));
  const item = fromLarge('n', 420);
  const outcomes = await writer.write(item);
  expect(outcomes.map((outcome) => outcome.status)).toEqual(Array(420).fill('accepted'));
  const ids = item.records.map((record) => 'key' in record && record.key.event_id);
  expect(outcomes.map((outcome) => outcome.status === 'accepted' && outcome.eventId)).toEqual(ids);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(50);
  expect(await journalOf(item.delivery.id)).toEqual({ outcome: 'accepted', record_count: 420, sealed: item.sealed.length, events: 420 });
  const [counted] = await world.admin(
    'select sum(received)::int as received, sum(accepted)::int as accepted from connection_activity where org_id = $1',
    [large?.id],
  );
  expect(counted).toEqual({ received: 420, accepted: 420 });
  expect(writer.state()).toMatchObject({ records: 0, bytes: 0, large: { records: 0, bytes: 0 } });
});

test('a large delivery from a thread, whose records are bytes, is written as one whose records are an array', async () => {
  const { writer } = make();
  const item = fromLarge('packed', 420);
  const ids = item.records.map((record) => 'key' in record && record.key.event_id);
  const outcomes = await writer.write({ ...item, records: listOf<WriteRecord>([...packAll(item.records)]) });
  expect(outcomes.map((outcome) => outcome.status === 'accepted' && outcome.eventId)).toEqual(ids);
  expect(await journalOf(item.delivery.id)).toEqual({ outcome: 'accepted', record_count: 420, sealed: item.sealed.length, events: 420 });
});

test('a failure between two parts is answered 503 and visible, and the repetition finds the first parts as duplicates', async () => {
  let statements = 0;
  const { writer } = make(
    watched(() => {
      if (++statements === 3) throw new Error('Connection terminated unexpectedly');
    }),
  );
  const first = fromLarge('half', 180);
  await expect(writer.write(first)).rejects.toMatchObject({ code: 'database_unavailable' });
  expect(await journalOf(first.delivery.id)).toEqual({
    outcome: 'incomplete',
    record_count: 180,
    sealed: first.sealed.length,
    events: 100,
  });
  const again = fromLarge('half', 180);
  const outcomes = await writer.write(again);
  expect(outcomes.slice(0, 100).every((outcome) => outcome.status === 'duplicate')).toBe(true);
  expect(outcomes.slice(100).every((outcome) => outcome.status === 'accepted')).toBe(true);
  expect(await journalOf(again.delivery.id)).toMatchObject({ outcome: 'mixed', events: 80 });
  const third = fromLarge('half', 180);
  expect(new Set((await writer.write(third)).map((outcome) => outcome.status))).toEqual(new Set(['duplicate']));
  expect(await journalOf(third.delivery.id)).toMatchObject({ outcome: 'duplicate', events: 0 });
});

test('a record that the database refuses becomes a dead letter in whichever part it is, and two records with one key are one event', async () => {
  const { writer } = make();
  const item = deliveryOf(large as TestOrg & { connectionId: string }, [
    ...keys('p', 120).map((one, n) => ({ ...one, poison: n === 70 })),
    { key: 'p-0' },
  ]);
  const outcomes = await writer.write(item);
  expect(outcomes[70]).toMatchObject({ status: 'dead_lettered', code: 'CONSTRAINT_VIOLATION' });
  expect(outcomes[120]).toMatchObject({ status: 'duplicate' });
  expect(outcomes.filter((outcome) => outcome.status === 'accepted')).toHaveLength(119);
  expect(await journalOf(item.delivery.id)).toMatchObject({ outcome: 'mixed', record_count: 121, events: 119 });
});

test('the deliveries of another org are written between the parts, and there is room for them', async () => {
  const { writer } = make(watched(() => sleep(20)));
  const senderOf = (org: typeof large) => ({ orgId: org?.id ?? '', connectionId: org?.connectionId ?? '' });
  const first = writer.write(fromLarge('a', 1_000));
  expect(() => writer.admit(senderOf(large), fromLarge('b', 1_000))).toThrow(expect.objectContaining({ code: 'overloaded' }));
  expect(() => writer.admit(senderOf(small), fromSmall('c', 1))).not.toThrow();
  for (let n = 0; n < 3; n++) {
    await writer.write(fromSmall(`s${n}`, 1));
    expect(writer.state().large.records).toBe(1_000);
  }
  expect(await first).toHaveLength(1_000);
});

test('a delivery that takes too long is taken out of its batch: its neighbours are stored, and the circuit stays closed', async () => {
  const slow = fromLarge('slow', 1);
  const cancelled = Object.assign(new Error('canceling statement due to lock timeout'), { code: '55P03' });
  const refuse = (values: unknown[] = []) => {
    if (isSent(slow.delivery.id, values)) throw cancelled;
  };
  const db: Db = {
    ...watched((_, values) => refuse(values)),
    ingestTogether: (run) =>
      world.db.ingestTogether((sql) =>
        run((async (text: string, values?: unknown[]) => {
          refuse(values);
          return sql(text, values);
        }) as Sql),
      ),
  };
  const { writer, circuits } = make(db);
  for (let round = 0; round < 4; round++) {
    const neighbours = Array.from({ length: 9 }, (_, n) => writer.write(fromSmall(`r${round}-${n}`, 2)));
    const refused = writer.write({ ...slow, records: slow.records });
    expect((await Promise.all(neighbours)).flat().every((outcome) => outcome.status === 'accepted')).toBe(true);
    await expect(refused).rejects.toMatchObject({ code: 'database_unavailable' });
  }
  expect(circuits.list()[0]?.state()).toBe('closed');
});

test('a slow record of a large delivery is searched for in smaller parts, and the other records are stored', async () => {
  const item = fromLarge('needle', 120);
  const record = item.records[75];
  const needle = record && 'key' in record ? record.key.event_id : uuidv7();
  const { writer, circuits } = make(
    watched((_, values) => {
      if (isSent(needle, values)) throw Object.assign(new Error('canceling statement due to statement timeout'), { code: '57014' });
    }),
  );
  await expect(writer.write(item)).rejects.toMatchObject({ code: 'database_unavailable', hints: { retryAfterSeconds: 30 } });
  expect(await journalOf(item.delivery.id)).toMatchObject({ outcome: 'incomplete', events: 75 });
  expect(circuits.list()[0]?.state()).toBe('closed');
});

test('batches of which nothing can be written in time open the circuit', async () => {
  const cancelled = Object.assign(new Error('canceling statement due to statement timeout'), { code: '57014' });
  const db: Db = {
    ...world.db,
    ingest: () => Promise.reject(cancelled),
    ingestTogether: () => Promise.reject(cancelled),
    // The probe of the open circuit finds the same database. The real one would close the circuit before a late delivery of the last round is answered.
    commitFailure: async () => 'database_unavailable',
  };
  // All six are in one batch, also on a busy machine: one that is alone in a batch would be the slow one.
  const { writer, circuits } = make(db, 50);
  for (let n = 0; n < 3; n++) {
    const items = Array.from({ length: 6 }, (_, i) => fromSmall(`stuck-${n}-${i}`, 1));
    const refused = await Promise.allSettled(items.map((item) => writer.write(item)));
    expect(refused.every((one) => one.status === 'rejected')).toBe(true);
  }
  expect(circuits.list()[0]?.state()).toBe('open');
});
