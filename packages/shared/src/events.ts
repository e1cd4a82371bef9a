import { z } from 'zod';
import { DlqStatus } from './dlq.ts';
import { JournalEntry } from './journal.ts';
import { personalKind } from './personal.ts';

// Wire contracts of searching events. Times are ISO 8601 in UTC.
//
// Three functions of the Data API, for members of the org:
//   rpc('search_events', { org_id, filter?, before?, page_limit? })                    → EventPage
//   rpc('events_histogram', { org_id, from, to, bucket_seconds, filter? })             → EventHistogram
//   rpc('find_by_id', { org_id, id })                                                  → FoundById
// Each search looks for about a quarter of a second and then returns what it found and how far it searched. So neither of them runs
// into a timeout, and neither reports an empty result before it has searched everywhere. An invalid filter is refused (HTTP 400, code 22023
// or 22P02).
//
// The panel of one event reads its row of `canonical_events` by the id alone (`?id=eq.…`): one index lookup per monthly partition.

const Id = z.guid();
const Timestamp = z.iso.datetime({ offset: true });
const list = <Item extends z.ZodType>(item: Item, max: number) =>
  z.array(item).min(1, 'name at least one value, or leave the field out').max(max);

/** A keyed hash of an e-mail address, phone, document or external id, as stored in `subject`. */
export const SubjectHash = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits');
const Minor = z
  .string()
  .regex(/^-?\d{1,18}$/, 'must be a whole number of minor units, as text')
  .describe('Minor units as text, because JSON numbers are only exact up to 2^53.');

/** The most hashes of one search: one for each kind of identifier that a text can be, under each version of the org's hash key. */
export const subjectHashesMax = 32;

export const personalSearch =
  'must not be an e-mail address, phone number or document: look the person up by POST /api/events/subject-hash, and filter by subjects';

/** Something that an id names: see `find_by_id`. */
export const FoundById = z.array(
  z.object({
    kind: z.enum(['event', 'dead_letter', 'connection', 'operation', 'plan', 'incident', 'delivery']),
    id: Id,
    label: z.string().describe('The type of an event, the class of a dead letter, the name of a connection or plan.'),
    at: z.string(),
  }),
);
export type FoundById = z.infer<typeof FoundById>;

/** Selects events. An event must match every given field; an empty filter selects every event of the org. */
export const EventFilter = z
  .strictObject({
    from: Timestamp.optional().describe('Happened (`event_time`) at this time or later.'),
    to: Timestamp.optional().describe('Happened before this time.'),
    connectionIds: list(Id, 100).optional(),
    types: list(z.string().min(1).max(200), 100).optional().describe('Canonical types, for example `order.paid`.'),
    subjects: list(SubjectHash, subjectHashesMax).optional().describe('Events about a person with any of these hashes, in any identifier.'),
    orderRef: z.string().min(1).max(255).optional().describe('Only events of the order with this reference.'),
    currency: z
      .string()
      .regex(/^[A-Z]{3}$/)
      .optional()
      .describe('Required with amountMin or amountMax. `parseAmount` of currency.ts turns `BRL 100..200` into all three.'),
    amountMin: Minor.optional().describe('This much or more.'),
    amountMax: Minor.optional().describe('This much or less.'),
    test: z.enum(['only', 'hide']).optional().describe('only: only test events. hide: no test events. Test and live events when left out.'),
    q: z
      .string()
      .min(1)
      .max(200)
      .refine((text) => personalKind(text) === undefined, personalSearch)
      .optional()
      .describe(
        'Literal text, ignoring case and accents, in one of: type, the platform\u2019s event name and event id, order, ids, properties, attribution. An e-mail address, phone number or document is refused: look the person up by `POST /api/events/subject-hash`, and filter by `subjects`.',
      ),
  })
  .refine(({ currency, amountMin, amountMax }) => currency !== undefined || (amountMin === undefined && amountMax === undefined), {
    path: ['currency'],
    message: 'give the currency of the amount',
  })
  .meta({ id: 'EventFilter' });
export type EventFilter = z.infer<typeof EventFilter>;

/** A position in the list, newest first. Send it back unchanged: a JavaScript Date would cut off the microseconds. */
export const EventCursor = z.object({ time: z.string(), id: Id });
export type EventCursor = z.infer<typeof EventCursor>;

/** The columns of one row of the events table. */
export const EventRow = z.object({
  id: Id,
  connectionId: Id,
  type: z.string(),
  sourceType: z.string(),
  sourceEventType: z.string(),
  eventTime: z.string(),
  receivedAt: z.string(),
  subject: z
    .object({ email: SubjectHash, phone: SubjectHash, document: SubjectHash, external_id: SubjectHash })
    .partial()
    .describe('Complete hashes to filter by; a page shows only a few digits.'),
  amountMinor: z.string().nullable().describe('A bigint, as text.'),
  currency: z.string().nullable(),
  orderRef: z.string().nullable(),
  isTest: z.boolean(),
  journalId: Id.describe('The delivery that the event was made of, or last rewritten by.'),
});
export type EventRow = z.infer<typeof EventRow>;

/** A page of `search_events`: newest first by (event_time, id); 1 to 200 rows, 50 unless asked for otherwise. */
export const EventPage = z.object({
  rows: z.array(EventRow),
  next: EventCursor.nullable().describe('The value of `before` for the next page. null: there are no further events.'),
  scannedTo: z
    .string()
    .nullable()
    .describe(
      'Set when the page ended because the search took too long, even if it found nothing: every event after this time was searched, and ' +
        '`next` continues further back. null: the page is full, or every event was searched.',
    ),
});
export type EventPage = z.infer<typeof EventPage>;

/**
 * The exact number of events in each bucket of [from, to). There are at most 1,000 buckets of `bucket_seconds` (1 to 31,536,000). They begin at
 * `from`, so that a page can use its own midnights as bounds; `to` may cut off the last one. Events are counted from the newest backwards.
 */
export const EventHistogram = z.object({
  buckets: z
    .array(z.object({ start: z.string(), count: z.int() }))
    .describe('Oldest first, without gaps; buckets that were not counted are missing.'),
  countedFrom: z
    .string()
    .nullable()
    .describe(
      'null: every event was counted. A time: counting took too long, and only events from this time on were counted, so its bucket is only ' +
        'partly counted. Ask again with the same `from` and with this time as `to`, and combine the answers with `addHistograms`.',
    ),
});
export type EventHistogram = z.infer<typeof EventHistogram>;

/** Combines an answer with the answer to the request that continued from its `countedFrom`. */
export function addHistograms(newer: EventHistogram, older: EventHistogram): EventHistogram {
  const counts = new Map(older.buckets.map(({ start, count }) => [start, count]));
  for (const { start, count } of newer.buckets) counts.set(start, (counts.get(start) ?? 0) + count);
  return { buckets: [...counts].map(([start, count]) => ({ start, count })), countedFrom: older.countedFrom };
}

// Endpoints of the API --------------------------------------------------------------------------------------------------------

/** POST /api/events/subject-hash, for any member: hashes a typed identifier to search a person's events. The value is neither stored nor logged. */
export const HashSubject = z.strictObject({ orgId: Id.optional(), value: z.string().trim().min(3).max(320) }).meta({ id: 'HashSubject' });
export type HashSubject = z.input<typeof HashSubject>;

/**
 * The hashes of the value as every kind of identifier that it can be, in the same way as the pipeline does, for use in
 * `EventFilter.subjects`. Hashes of the newest key come first; there are at most `subjectHashesMax`.
 */
export const HashedSubject = z
  .object({
    hashes: z
      .array(z.object({ kind: z.enum(['email', 'phone', 'document', 'external_id']), keyVersion: z.int(), hash: SubjectHash }))
      .max(subjectHashesMax),
  })
  .meta({ id: 'SubjectHashes' });
export type HashedSubject = z.infer<typeof HashedSubject>;

/** GET /api/events/:id/delivery: the delivery that the event was made from. */
export const EventDelivery = z
  .object({
    journal: JournalEntry.nullable().describe('The entry with the event\u2019s `journal_id`. null: the journal no longer keeps it.'),
    records: z
      .array(
        z.discriminatedUnion('kind', [
          z.object({ kind: z.literal('event'), id: Id, type: z.string(), eventTime: z.string(), revision: z.int() }),
          z.object({
            kind: z.literal('dead_letter'),
            id: Id,
            recordIndex: z.int().nullable(),
            errorClass: z.string(),
            status: DlqStatus,
            createdAt: z.string(),
          }),
        ]),
      )
      .max(200)
      .describe('The events and dead letters that the delivery produced, at most 200.'),
    attempts: z
      .array(JournalEntry)
      .max(100)
      .describe('Oldest first, at most 100: the original delivery and every replay of it or of its replays, including this one.'),
    replayable: z
      .object({
        ok: z.boolean(),
        reason: z
          .enum(['body_gone', 'legal_hold', 'rejected', 'connection_deleted'])
          .nullable()
          .describe('Why POST /api/replay/:id would refuse.'),
        holdReason: z.string().nullable().describe('Reason of the legal hold.'),
      })
      .describe('Whether the delivery can be replayed now. Only owners and admins may replay it.'),
  })
  .meta({ id: 'EventDelivery' });
export type EventDelivery = z.infer<typeof EventDelivery>;

/** `csv`: RFC 4180 with a header row. `json`: one array. `ndjson`: one object a line. */
export const EventExportFormat = z.enum(['csv', 'json', 'ndjson']);
export type EventExportFormat = z.infer<typeof EventExportFormat>;

/** POST /api/events/export, for any member. */
export const ExportEvents = z
  .strictObject({ orgId: Id.optional(), filter: EventFilter.default({}), format: EventExportFormat })
  .meta({ id: 'ExportEvents' });
export type ExportEvents = z.input<typeof ExportEvents>;

/** The address of the file. Open it by plain navigation (`location.assign(url)`), so that the browser streams it to disk. */
export const EventExport = z
  .object({ url: z.string().describe('Valid for one minute, for the requested export and the requesting user.'), expiresAt: Timestamp })
  .meta({ id: 'EventExport' });
export type EventExport = z.infer<typeof EventExport>;
