import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createCircuits } from '../platform/breaker.ts';
import type { Db } from '../platform/db.ts';
import { createMetrics } from '../platform/metrics.ts';
import { statusOf } from '../platform/problem.ts';
import { Refusal } from '../platform/refusal.ts';
import { isSent, recordArrays, recordsIn } from '../test/batch.ts';
import { deliveryOf } from '../test/delivery.ts';
import { makeWorld, type TestOrg, type World } from '../test/make.ts';
import { createWriter, type Writer, type WriterLimits } from './writer.ts';

const limits: WriterLimits = {
  batchRecordsMax: 50,
  batchBytesMax: 100_000,
  batchAgeMs: 2,
  batchesInFlightMax: 2,
  bufferRecordsMax: 500,
  bufferBytesMax: 1_000_000,
  largeRecordsMax: 1_000,
  largeBytesMax: 1_000_000,
};
let world: World;
let org: TestOrg;
let connectionId: string;

beforeAll(async () => {
  world = await makeWorld();
  org = await world.makeOrg();
});
beforeEach(async () => {
  connectionId = await world.makeConnection(org);
});
afterAll(() => world.close());

const writerOn = (db: Db = world.db, overrides: Partial<WriterLimits> = {}): Writer => {
  const metrics = createMetrics();
  const { log } = world;
  const circuits = createCircuits({ metrics, log, now: Date.now });
  return createWriter({ db, limits: { ...limits, ...overrides }, metrics, log, circuits, now: Date.now });
};

const sender = () => ({ orgId: org.id, connectionId });

/** A delivery with a record per key. */
const delivery = (keys: Parameters<typeof deliveryOf>[1]) => deliveryOf({ ...org, connectionId }, keys);

const storedKeys = () =>
  world
    .admin<{ idempotency_key: string }>('select idempotency_key from canonical_events where source_connection_id = $1 order by 1', [
      connectionId,
    ])
    .then((rows) => rows.map((row) => row.idempotency_key));

describe('the writer', () => {
  test('observes the lag once for each record that became an event, and for no repeat', async () => {
    const metrics = createMetrics();
    const circuits = createCircuits({ metrics, log: world.log, now: Date.now });
    const writer = createWriter({ db: world.db, limits, metrics, log: world.log, circuits, now: Date.now });
    await writer.write(delivery([{ key: 'lag-1' }, { key: 'lag-2' }]));
    await writer.write(delivery([{ key: 'lag-2' }, { key: 'lag-3' }]));
    expect(await metrics.registry.metrics()).toContain('ingest_lag_seconds_count 3');
  });

  test('stores each sealed body beside its own journal row, although a batch sends all bodies in one buffer', async () => {
    const writer = writerOn();
    const items = Array.from({ length: 30 }, (_, i) => delivery([{ key: `own-${i}` }]));
    await Promise.all(items.map((item) => writer.write(item)));
    const rows = await world.admin<{ sealed: Buffer; idempotency_key: string }>(
      'select p.sealed, e.idempotency_key from private.journal_payloads p join canonical_events e using (journal_id) where e.source_connection_id = $1',
      [connectionId],
    );
    expect(rows).toHaveLength(30);
    for (const row of rows) expect(row.sealed.toString()).toBe(`sealed ${row.idempotency_key}`);
  });

  test('turns a record that the database refuses into a dead letter while the rest of the batch commits', async () => {
    const writer = writerOn(world.db, { batchAgeMs: 20 });
    const items = Array.from({ length: 20 }, (_, i) =>
      delivery([{ key: `n-${i}a` }, { key: `n-${i}b`, poison: i === 7 }, { key: `n-${i}c` }]),
    );
    const outcomes = await Promise.all(items.map((item) => writer.write(item)));
    const statuses = outcomes.flat().map((outcome) => (outcome.status === 'dead_lettered' ? outcome.code : outcome.status));
    expect(statuses.filter((status) => status === 'accepted')).toHaveLength(59);
    expect(outcomes[7]?.map((outcome) => outcome.status)).toEqual(['accepted', 'dead_lettered', 'accepted']);
    expect(await storedKeys()).toHaveLength(59);
    const dead = await world.admin('select error_class, last_error_message, record_index from dlq_events where source_connection_id = $1', [
      connectionId,
    ]);
    expect(dead).toEqual([{ error_class: 'CONSTRAINT_VIOLATION', last_error_message: expect.stringMatching(/23514/), record_index: 1 }]);
    const [journal] = await world.admin('select outcome, record_count from event_journal where id = $1', [items[7]?.delivery.id]);
    expect(journal).toEqual({ outcome: 'mixed', record_count: 3 });
  });

  test('leaves a type name that the database refuses out of the delivery\u2019s row, and keeps the other records', async () => {
    const writer = writerOn(world.db, { batchAgeMs: 20 });
    const items = Array.from({ length: 4 }, (_, i) => delivery([{ key: `t-${i}a` }, { key: `t-${i}b` }]));
    const [, bad] = items;
    const record = bad?.records[1];
    if (!bad || !record || !('event' in record)) throw new Error('no record');
    record.event.source_event_type = 'cut \ud83d';
    bad.delivery.event_types = ['thing.happened', 'THING', 'cut \ud83d'];
    const outcomes = await Promise.all(items.map((item) => writer.write(item)));
    expect(outcomes.map((each) => each.map((outcome) => outcome.status))).toEqual([
      ['accepted', 'accepted'],
      ['accepted', 'dead_lettered'],
      ['accepted', 'accepted'],
      ['accepted', 'accepted'],
    ]);
    const [journal] = await world.admin('select outcome, event_types from event_journal where id = $1', [bad.delivery.id]);
    expect(journal).toEqual({ outcome: 'mixed', event_types: ['thing.happened', 'THING'] });
  });

  test('a delivery whose row is refused is stored without its content type, with its records, and its neighbours commit', async () => {
    const writer = writerOn(world.db, { batchAgeMs: 20 });
    const items = Array.from({ length: 4 }, (_, i) => delivery([{ key: `d-${i}a` }, { key: `d-${i}b`, poison: i === 1 }]));
    const [, bad] = items;
    if (!bad) throw new Error('no delivery');
    bad.delivery.content_type = 'cut \ud83d';
    const outcomes = await Promise.all(items.map((item) => writer.write(item)));
    expect(outcomes.map((each) => each.map((outcome) => outcome.status))).toEqual([
      ['accepted', 'accepted'],
      ['accepted', 'dead_lettered'],
      ['accepted', 'accepted'],
      ['accepted', 'accepted'],
    ]);
    const [journal] = await world.admin('select content_type, outcome from event_journal where id = $1', [bad.delivery.id]);
    expect(journal).toEqual({ content_type: null, outcome: 'mixed' });
  });

  test('a delivery that the database refuses as a whole, for an unforeseen reason, becomes dead letters and keeps its body', async () => {
    const items = Array.from({ length: 4 }, (_, i) => delivery([{ key: `w-${i}a` }, { key: `w-${i}b` }]));
    const [, bad] = items;
    if (!bad) throw new Error('no delivery');
    // No constraint of the schema refuses a whole delivery; a trigger or an extension could.
    const ingest = (async (text: string, values: unknown[] = []) => {
      if (isSent(bad.delivery.id, recordArrays(text, values)))
        throw Object.assign(new Error('no such pair'), { code: '23514', constraint: 'pairs' });
      return world.db.ingest(text, values);
    }) as Db['ingest'];
    const writer = writerOn({ ...world.db, ingest }, { batchAgeMs: 20 });
    const outcomes = await Promise.all(items.map((item) => writer.write(item)));
    expect(outcomes.map((each) => each.map((outcome) => outcome.status))).toEqual([
      ['accepted', 'accepted'],
      ['dead_lettered', 'dead_lettered'],
      ['accepted', 'accepted'],
      ['accepted', 'accepted'],
    ]);
    const stored = await world.admin(
      `select j.record_count, convert_from(p.sealed, 'utf8') as sealed,
         (select array_agg(error_class || ' ' || last_error_message order by record_index) from dlq_events d where d.journal_id = j.id) as dead
       from event_journal j join private.journal_payloads p on p.journal_id = j.id where j.id = $1`,
      [bad.delivery.id],
    );
    const dead = 'CONSTRAINT_VIOLATION the database refused the record (SQLSTATE 23514, pairs)';
    expect(stored).toEqual([{ record_count: 2, sealed: 'sealed w-1a,w-1b', dead: [dead, dead] }]);
  });

  test('a delivery that the database refuses in every form is not acknowledged, and its neighbours commit', async () => {
    const writer = writerOn(world.db, { batchAgeMs: 20 });
    const items = Array.from({ length: 4 }, (_, i) => delivery(i === 2 ? [] : [{ key: `e-${i}` }]));
    const [, bad, empty] = items;
    if (!bad || !empty) throw new Error('no delivery');
    bad.delivery.received_at = 'never';
    empty.delivery.content_type = 'cut \ud83d';
    const outcomes = await Promise.allSettled(items.map((item) => writer.write(item)));
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    expect(outcomes[1]).toMatchObject({ reason: { code: 'database_unavailable', hints: { retryAfterSeconds: 600 } } });
    expect(await storedKeys()).toEqual(['e-0', 'e-3']);
    expect(await world.admin('select id from event_journal where id = any($1)', [[bad.delivery.id, empty.delivery.id]])).toEqual([
      { id: empty.delivery.id },
    ]);
  });

  test('writes batches with the same keys in opposite order without a deadlock, and stores each key once', async () => {
    const writers = [writerOn(), writerOn(), writerOn()];
    const keys = Array.from({ length: 40 }, (_, i) => ({ key: `storm-${String(i).padStart(2, '0')}` }));
    const outcomes = await Promise.all(
      Array.from({ length: 30 }, (_, round) => writers[round % 3]?.write(delivery(round % 2 ? keys : keys.toReversed())) ?? []),
    );
    expect(outcomes.flat().filter((outcome) => outcome.status === 'accepted')).toHaveLength(40);
    expect(await storedKeys()).toEqual(keys.map((k) => k.key));
  });

  test('answers a later delivery of the same key with the id of the first event, and dead-letters a different body', async () => {
    const writer = writerOn();
    const [[first], [second], [third]] = [
      await writer.write(delivery([{ key: 'k', sha: '11' }])),
      await writer.write(delivery([{ key: 'k', sha: '11' }])),
      await writer.write(delivery([{ key: 'k', sha: '22' }])),
    ];
    expect(first?.status).toBe('accepted');
    expect(second).toEqual({ status: 'duplicate', eventId: first?.status === 'accepted' && first.eventId });
    expect(third).toMatchObject({ status: 'dead_lettered', code: 'DUPLICATE_EVENT' });
  });

  test('tries again after a deadlock or serialization failure, and then accepts the delivery', async () => {
    let failures = 2;
    const db: Db = {
      ...world.db,
      ingest: (async (text: string, values?: unknown[]) => {
        if (failures-- > 0) throw Object.assign(new Error('deadlock detected'), { code: failures ? '40P01' : '40001' });
        return world.db.ingest(text, values);
      }) as Db['ingest'],
    };
    expect(await writerOn(db).write(delivery([{ key: 'retried' }]))).toMatchObject([{ status: 'accepted' }]);
    expect(await storedKeys()).toEqual(['retried']);
  });

  test('answers 503 with Retry-After and acknowledges no delivery while the database is unavailable', async () => {
    const db: Db = { ...world.db, ingest: async () => Promise.reject(new Error('Connection terminated unexpectedly')) };
    const refused = await writerOn(db)
      .write(delivery([{ key: 'lost' }]))
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(Refusal);
    expect(refused).toMatchObject({ code: 'database_unavailable', hints: { retryAfterSeconds: expect.any(Number) } });
    expect(statusOf(refused as Refusal)).toBe(503);
  });

  test('refuses deliveries beyond its bounds in records or bytes while the database hangs, and admits deliveries again afterwards', async () => {
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const db: Db = {
      ...world.db,
      ingest: (async (text: string, values?: unknown[]) => gate.then(() => world.db.ingest(text, values))) as Db['ingest'],
    };
    const writer = writerOn(db, { bufferRecordsMax: 10, bufferBytesMax: 50_000 });
    const written = Array.from({ length: 10 }, (_, i) => writer.write(delivery([{ key: `held-${i}` }])));
    expect(() => writer.admit(sender())).toThrow(expect.objectContaining({ code: 'overloaded' }));
    const byBytes = writerOn(db, { bufferBytesMax: 5_000 });
    void byBytes.write({ ...delivery([{ key: 'bytes' }]), sealed: Buffer.alloc(1_500) }).catch(() => {});
    expect(() => byBytes.admit(sender(), { ...delivery([]), sealed: Buffer.alloc(1_500) })).toThrow(
      expect.objectContaining({ code: 'overloaded' }),
    );
    expect(() => byBytes.admit(sender(), { ...delivery([]), sealed: Buffer.alloc(1_000) })).not.toThrow();
    open();
    await Promise.all(written);
    expect(() => writer.admit(sender())).not.toThrow();
    expect(writer.state()).toMatchObject({ records: 0, bytes: 0, batchesInFlight: 0 });
  });

  test('a drain answers the deliveries that were admitted and refuses later ones', async () => {
    const writer = writerOn(world.db, { batchAgeMs: 5_000 });
    const written = writer.write(delivery([{ key: 'last' }]));
    await sleep(10);
    await writer.drain();
    expect(await written).toMatchObject([{ status: 'accepted' }]);
    expect(() => writer.admit(sender())).toThrow(expect.objectContaining({ code: 'shutting_down' }));
  });

  test('opens its circuit when the database stays unavailable, refuses at once meanwhile, and closes the circuit as soon as the database commits', async () => {
    let isDown = true;
    let calls = 0;
    const db: Db = {
      ...world.db,
      ingest: (async (text: string, values?: unknown[]) => {
        calls++;
        if (isDown) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', errno: -111 });
        return world.db.ingest(text, values);
      }) as Db['ingest'],
      commitFailure: async () => (isDown ? 'database_unavailable' : world.db.commitFailure()),
    };
    const metrics = createMetrics();
    const circuits = createCircuits({ metrics, log: world.log, now: Date.now });
    const writer = createWriter({ db, limits, metrics, log: world.log, circuits, now: Date.now });
    const refusal = (key: string) => writer.write(delivery([{ key }])).catch((error: unknown) => error);
    for (let n = 0; n < 3; n++) {
      expect(() => writer.admit(sender())).not.toThrow();
      expect(await refusal(`away-${n}`)).toMatchObject({ code: 'database_unavailable' });
    }
    expect(circuits.list()[0]?.state()).toBe('open');
    expect(() => writer.admit(sender())).toThrow(expect.objectContaining({ code: 'circuit_open', hints: { retryAfterSeconds: 2 } }));
    // A delivery that was admitted before the circuit opened is refused as well, without a try.
    expect(await refusal('late')).toMatchObject({ code: 'circuit_open' });
    expect(calls).toBe(3);
    expect(await metrics.registry.metrics()).toContain('ingest_shed_total{reason="circuit"} 1');
    isDown = false;
    await expect.poll(() => circuits.list()[0]?.state(), { timeout: 2_000 }).toBe('closed');
    expect(() => writer.admit(sender())).not.toThrow();
    expect(await writer.write(delivery([{ key: 'back' }]))).toMatchObject([{ status: 'accepted' }]);
    expect(await storedKeys()).toEqual(['back']);
  });

  test('opens no circuit for rows that the database refuses, nor for lost deadlocks', async () => {
    let deadlocks = 0;
    const db: Db = {
      ...world.db,
      ingest: (async (text: string, values?: unknown[]) => {
        if (deadlocks-- > 0) throw Object.assign(new Error('deadlock detected'), { code: '40P01' });
        return world.db.ingest(text, values);
      }) as Db['ingest'],
    };
    const metrics = createMetrics();
    const circuits = createCircuits({ metrics, log: world.log, now: Date.now });
    const writer = createWriter({ db, limits, metrics, log: world.log, circuits, now: Date.now });
    for (let n = 0; n < 5; n++) {
      expect(await writer.write(delivery([{ key: `poison-${n}`, poison: true }]))).toMatchObject([{ code: 'CONSTRAINT_VIOLATION' }]);
      deadlocks = 4;
      expect(await writer.write(delivery([{ key: `raced-${n}` }]))).toMatchObject([{ status: 'accepted' }]);
    }
    expect(circuits.list()[0]?.state()).toBe('closed');
  });

  test('a flush writes the admitted deliveries without waiting for their batch to fill, and later deliveries are still admitted', async () => {
    const writer = writerOn(world.db, { batchAgeMs: 20_000 });
    const early = ['a', 'b'].map((key) => writer.write(delivery([{ key }])));
    await writer.flush();
    expect((await Promise.all(early)).flat().map((outcome) => outcome.status)).toEqual(['accepted', 'accepted']);
    await writer.flush();
    void writer.write(delivery([{ key: 'later' }]));
    await sleep(20);
    expect(writer.state()).toMatchObject({ records: 1, batchesInFlight: 0 });
    await writer.drain();
    expect(await storedKeys()).toEqual(['a', 'b', 'later']);
  });

  test('a flush waits for the batch in flight, whose age is reported, and not for later deliveries', async () => {
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    let held = true;
    const db: Db = {
      ...world.db,
      ingest: (async (text: string, values?: unknown[]) => {
        if (held) await gate;
        return world.db.ingest(text, values);
      }) as Db['ingest'],
    };
    const writer = writerOn(db, { batchesInFlightMax: 1, batchAgeMs: 0 });
    const first = writer.write(delivery([{ key: 'first' }]));
    await sleep(30);
    expect(writer.state().flushAgeMs).toBeGreaterThan(20);
    let isFlushed = false;
    const flushed = writer.flush().then(() => {
      isFlushed = true;
    });
    await sleep(5);
    const second = writer.write(delivery([{ key: 'second' }]));
    await sleep(30);
    expect(isFlushed).toBe(false);
    held = false;
    open();
    await flushed;
    await Promise.all([first, second]);
    expect(writer.state()).toMatchObject({ flushAgeMs: 0, batchesInFlight: 0 });
  });

  test('writes no batch larger than its limits, and at most the allowed number of batches at once', async () => {
    let now = 0;
    let most = 0;
    const sizes: number[] = [];
    const db: Db = {
      ...world.db,
      ingest: (async (text: string, values: unknown[] = []) => {
        most = Math.max(most, ++now);
        sizes.push(recordsIn(text, values));
        const result = await world.db.ingest(text, values);
        now--;
        return result;
      }) as Db['ingest'],
    };
    const writer = writerOn(db);
    await Promise.all(Array.from({ length: 400 }, () => writer.write(delivery([{ key: randomUUID() }]))));
    expect(most).toBe(2);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(50);
    expect(sizes.length).toBeLessThan(100);
    expect(await storedKeys()).toHaveLength(400);
  });
});
