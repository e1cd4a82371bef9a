import {
  EventDelivery,
  EventExport,
  EventHistogram,
  EventPage,
  type EventRow,
  FoundById,
  HashedSubject,
} from '@tributary/shared/events.ts';
import { type JournalEntry, ReplayedEntry } from '@tributary/shared/journal.ts';
import { http } from 'msw';
import { answer } from './answers.ts';
import { ago, idOf, ids, type Row, type World } from './world.ts';

const types = ['order.paid', 'order.refunded', 'subscription.renewed', 'order.created'] as const;
const hash = 'ab'.repeat(32);

export const eventRows = (world: World): Row<'canonical_events'>[] => {
  // All events happened within one day, because the page first shows one day.
  const gap = Math.min(7, 1_380 / world.rows);
  return Array.from({ length: world.filled ? world.rows : 0 }, (_, index) => ({
    id: idOf('4', index + 1),
    org_id: ids.org,
    project_id: ids.project,
    source_connection_id: ids.connection,
    journal_id: idOf('5', index + 1),
    type: types[index % types.length] as string,
    source_type: 'hotmart',
    source_event_type: 'PURCHASE_APPROVED',
    source_event_id: idOf('b', index + 1),
    idempotency_key: `purchase-${index + 1}`,
    schema_version: 1,
    revision: index === 1 ? 2 : 1,
    event_time: ago(3 + index * gap),
    received_at: ago(3 + index * gap),
    ingested_at: ago(3 + index * gap),
    rewritten_at: index === 1 ? ago(1) : null,
    erased_at: null,
    is_test: index === 2,
    amount_minor: 14_990 + index,
    currency: 'BRL',
    order_ref: `HP${String(index + 1).padStart(6, '0')}`,
    subject: { email: hash },
    attribution: { utm_source: 'newsletter' },
    properties: { product: { id: 4_774_438, name: 'Curso de violão' }, installments: 1 },
  }));
};

export const journalRows = (world: World): Row<'event_journal'>[] =>
  eventRows(world).map((event) => ({
    id: event.journal_id,
    org_id: event.org_id,
    source_connection_id: event.source_connection_id,
    received_at: event.received_at,
    body_sha256: 'c'.repeat(64),
    byte_size: 812,
    content_type: 'application/json',
    erased_at: null,
    event_types: [event.type],
    is_test: event.is_test,
    outcome: 'accepted',
    record_count: 1,
    replay_of: null,
  }));

const toRow = (row: Row<'canonical_events'>): EventRow => ({
  id: row.id,
  connectionId: row.source_connection_id,
  type: row.type,
  sourceType: row.source_type,
  sourceEventType: row.source_event_type,
  eventTime: row.event_time,
  receivedAt: row.received_at,
  subject: { email: hash },
  amountMinor: String(row.amount_minor),
  currency: row.currency,
  orderRef: row.order_ref,
  isTest: row.is_test,
  journalId: row.journal_id,
});

/** A page of the events that match the filter's types and order. The mock ignores the other filters, because the database applies them. */
function page(rows: readonly Row<'canonical_events'>[], asked: Search, pageSize: number): EventPage {
  const { types: wanted, orderRef, from, to } = asked.filter ?? {};
  const found = rows.filter(
    (row) =>
      (!wanted || wanted.includes(row.type)) &&
      (!orderRef || row.order_ref === orderRef) &&
      (!from || row.event_time >= from) &&
      (!to || row.event_time < to),
  );
  const start = asked.before ? found.findIndex((row) => row.id === asked.before?.id) + 1 : 0;
  const shown = found.slice(start, start + Math.min(asked.page_limit ?? pageSize, pageSize));
  const last = shown.at(-1);
  const next = last && start + shown.length < found.length ? { time: last.event_time, id: last.id } : null;
  return { rows: shown.map(toRow), next, scannedTo: null };
}

interface Search {
  filter?: { types?: string[]; orderRef?: string; from?: string; to?: string } | null;
  before?: { id: string } | null;
  page_limit?: number;
}

const journalEntry = (world: World, row: Row<'event_journal'>): JournalEntry => ({
  id: row.id,
  orgId: row.org_id,
  connectionId: row.source_connection_id,
  connectionName: world.connectionName,
  sourceType: 'hotmart',
  receivedAt: row.received_at,
  contentType: row.content_type,
  byteSize: row.byte_size,
  outcome: 'accepted',
  recordCount: 1,
  eventTypes: row.event_types,
  isTest: row.is_test,
  replayOf: null,
});

export function eventHandlers(world: World, events: Row<'canonical_events'>[], journal: Row<'event_journal'>[]) {
  return [
    http.post(`${world.supabaseUrl}/rest/v1/rpc/find_by_id`, () => answer(FoundById, [])),
    http.post(`${world.supabaseUrl}/rest/v1/rpc/search_events`, async ({ request }) =>
      answer(EventPage, page(events, (await request.json()) as Search, world.pageSize)),
    ),
    http.post(`${world.supabaseUrl}/rest/v1/rpc/events_histogram`, async ({ request }) => {
      const { from, to, bucket_seconds } = (await request.json()) as { from: string; to: string; bucket_seconds: number };
      const buckets: { start: string; count: number }[] = [];
      for (let at = Date.parse(from); at < Date.parse(to); at += bucket_seconds * 1000)
        buckets.push({
          start: new Date(at).toISOString(),
          count: events.filter((row) => Date.parse(row.event_time) >= at && Date.parse(row.event_time) < at + bucket_seconds * 1000).length,
        });
      return answer(EventHistogram, { buckets, countedFrom: null });
    }),
    http.get('*/api/events/:id/delivery', ({ params }) => {
      const event = events.find((row) => row.id === params.id);
      const entry = journal.find((row) => row.id === event?.journal_id);
      return answer(EventDelivery, {
        journal: entry ? journalEntry(world, entry) : null,
        records: event ? [{ kind: 'event', id: event.id, type: event.type, eventTime: event.event_time, revision: event.revision }] : [],
        attempts: entry ? [journalEntry(world, entry)] : [],
        replayable: { ok: true, reason: null, holdReason: null },
      });
    }),
    http.post('*/api/replay/:id', ({ params }) =>
      answer(ReplayedEntry, {
        journalId: idOf('5', 0xfff),
        replayOf: String(params.id),
        mode: 'replay',
        status: 'duplicate',
        records: [{ status: 'duplicate', eventId: ids.event }],
      }),
    ),
    http.post('*/api/events/subject-hash', () => answer(HashedSubject, { hashes: [{ kind: 'email', keyVersion: 1, hash }] })),
    http.post('*/api/events/export', () => answer(EventExport, { url: '/api/events/export/1', expiresAt: ago(-1) })),
  ];
}
