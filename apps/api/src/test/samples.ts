import type { Expected } from '@tributary/pipeline/test/deliveries.ts';
import { expect } from 'vitest';
import type { Answer, TestApi } from './api.ts';

export interface Connection {
  id: string;
  url: string;
}

interface EventRow {
  id: string;
  type: string;
  source_event_type: string;
  source_event_id: string | null;
  event_time: Date;
  received_at: Date;
  amount_minor: string | null;
  currency: string | null;
  order_ref: string | null;
  is_test: boolean;
  idempotency_key: string;
  subject: Record<string, string | number>;
}

const eventsOf = (api: TestApi, connection: Connection) =>
  api.admin<EventRow>('select * from public.canonical_events where source_connection_id = $1', [connection.id]);

/** Expects 200 with every record accepted, and that each event is stored as expected. */
export async function expectAccepted(api: TestApi, connection: Connection, answer: Answer, expected: readonly Expected[]): Promise<void> {
  expect(answer).toMatchObject({ status: 200, body: { status: 'accepted', records: expected.map(() => ({ status: 'accepted' })) } });
  const rows = new Map((await eventsOf(api, connection)).map((row) => [row.id, row]));
  expect(rows.size).toBe(expected.length);
  for (const [index, want] of expected.entries()) {
    const row = rows.get(answer.body.records?.[index]?.eventId ?? '');
    if (row === undefined) throw new Error(`record ${index} has no row`);
    const { hash_version, ...hashes } = row.subject;
    expect({
      type: row.type,
      sourceEventType: row.source_event_type,
      sourceEventId: row.source_event_id,
      time: row.event_time.toISOString(),
      amount: [row.amount_minor, row.currency],
      orderRef: row.order_ref,
      isTest: row.is_test,
      subject: Object.keys(hashes).sort(),
    }).toEqual({
      type: want.type,
      sourceEventType: want.sourceEventType,
      sourceEventId: want.sourceEventId ?? null,
      time: (want.time === 'arrival' ? row.received_at : new Date(want.time)).toISOString(),
      amount: want.amount ?? [null, null],
      orderRef: want.orderRef ?? null,
      isTest: want.isTest ?? false,
      subject: want.subject ?? [],
    });
    for (const hash of Object.values(hashes)) expect(hash).toMatch(/^[0-9a-f]{64}$/);
    if (want.subject) expect(hash_version).toBe(1);
    expect(row.idempotency_key).toMatch(keyPattern(want));
  }
}

/** Test buttons reuse ids. The key of a test event therefore begins with `test:` and ends with the fingerprint of the event's content. */
function keyPattern({ key = /hmac:[0-9a-f]{64}/, isTest }: Expected): RegExp {
  const source = typeof key === 'string' ? key.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&') : key.source;
  return new RegExp(isTest ? `^test:${source}:[0-9a-f]{16}$` : `^${source}$`);
}

/** Expects that a repeated delivery is answered 200 with the ids of the first one and stores no event, and that both are in the journal. */
export async function expectDuplicate(api: TestApi, connection: Connection, first: Answer, second: Answer): Promise<void> {
  const ids = first.body.records?.map((record) => record.eventId) ?? [];
  expect(second).toMatchObject({
    status: 200,
    body: { status: 'duplicate', records: ids.map((eventId) => ({ status: 'duplicate', eventId })) },
  });
  expect((await eventsOf(api, connection)).map((row) => row.id).sort()).toEqual(ids.toSorted());
  const journal = await api.admin<{ outcome: string; record_count: number }>(
    'select outcome, record_count from public.event_journal where source_connection_id = $1 order by received_at, id',
    [connection.id],
  );
  expect(journal).toEqual(['accepted', 'duplicate'].map((outcome) => ({ outcome, record_count: ids.length })));
}

/** Sends forged deliveries, and expects that each is answered 401 and kept in quarantine with its reason, and that no event is stored. */
export async function expectRefused(
  api: TestApi,
  connection: Connection,
  errorClass: 'INVALID_HOTTOK' | 'INVALID_SIGNATURE',
  deliveries: readonly (() => Promise<Answer>)[],
): Promise<void> {
  const quarantined = () =>
    api.admin<{ error_class: string; outcome: string }>(
      `select d.error_class, j.outcome from public.dlq_events d join public.event_journal j on j.id = d.journal_id
       where d.source_connection_id = $1 and d.is_quarantine`,
      [connection.id],
    );
  const before = { events: (await eventsOf(api, connection)).length, kept: (await quarantined()).length };
  for (const deliver of deliveries) {
    expect(await deliver()).toMatchObject({ status: 401, body: { code: errorClass.toLowerCase() } });
  }
  const kept = await quarantined();
  expect(kept).toHaveLength(before.kept + deliveries.length);
  for (const row of kept) expect(row).toEqual({ error_class: errorClass, outcome: 'rejected' });
  expect(await eventsOf(api, connection)).toHaveLength(before.events);
}

/** Copies of the body, each with the lowest bit of one byte flipped: at both ends and in between. */
export function flippedBodies(body: Buffer): Uint8Array<ArrayBuffer>[] {
  const last = body.length - 1;
  return [0, 1, last >> 2, last >> 1, (3 * last) >> 2, last - 1, last].map((at) => {
    const flipped = new Uint8Array(body);
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    return flipped;
  });
}
