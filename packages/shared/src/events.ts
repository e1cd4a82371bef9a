import { z } from 'zod';
import { DlqStatus } from './dlq.ts';
import { JournalEntry } from './journal.ts';

// Wire contracts of looking events up. Times are ISO 8601 in UTC.
//
// Two functions of the Data API, for members of the org:
//   rpc('search_events', { org_id, filter?, before?, page_limit? })                    → EventPage
//   rpc('events_histogram', { org_id, from, to, bucket_seconds, filter? })             → EventHistogram
// Each looks for about a quarter of a second and then answers what it has and how far it came; so neither ever runs into a timeout, and
// neither says "nothing" before it has looked everywhere. A filter that is not understood is refused (HTTP 400, code 22023 or 22P02).
//
// The whole event, for the panel, is its row of `canonical_events` by its id alone (`?id=eq.…`): one look into each month's index.

const Id = z.guid();
const Timestamp = z.iso.datetime({ offset: true });
const list = <Item extends z.ZodType>(item: Item, max: number) => z.array(item).min(1, 'name at least one, or leave it out').max(max);

/** A keyed hash of an e-mail address, phone, document or external id, as it stands in `subject`. */
export const SubjectHash = z.string().regex(/^[0-9a-f]{64}$/, 'is 64 hexadecimal digits');
const Minor = z
  .string()
  .regex(/^-?\d{1,18}$/, 'is a whole number of minor units, as text')
  .describe('Minor units as text: a JSON number ends at 2^53.');

/** A person has a hash for everything that one text can be read as, under every version of the org's hash key. */
export const subjectHashesMax = 32;

/** Which events are meant. Everything that is given must hold; an empty filter means every event of the org. */
export const EventFilter = z
  .strictObject({
    from: Timestamp.optional().describe('Happened (`event_time`) at this time or later.'),
    to: Timestamp.optional().describe('Happened before this time.'),
    connectionIds: list(Id, 100).optional(),
    types: list(z.string().min(1).max(200), 100).optional().describe('Canonical types, as `order.paid`.'),
    subjects: list(SubjectHash, subjectHashesMax).optional().describe('About a person who has any of these hashes, as any identifier.'),
    orderRef: z.string().min(1).max(255).optional().describe('Exactly this order.'),
    currency: z
      .string()
      .regex(/^[A-Z]{3}$/)
      .optional()
      .describe('Required with amountMin or amountMax. `parseAmount` of currency.ts makes all three of `BRL 100..200`.'),
    amountMin: Minor.optional().describe('This much or more.'),
    amountMax: Minor.optional().describe('This much or less.'),
    test: z.enum(['only', 'hide']).optional().describe('Only test events, or none of them; both kinds when left out.'),
    q: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .describe(
        'Literal text, whatever its case, within one of: type, the platform\u2019s own event name and id, order, properties, attribution.',
      ),
  })
  .refine(({ currency, amountMin, amountMax }) => currency !== undefined || (amountMin === undefined && amountMax === undefined), {
    path: ['currency'],
    message: 'say which currency the amount is in',
  })
  .meta({ id: 'EventFilter' });
export type EventFilter = z.infer<typeof EventFilter>;

/** A place in the list, newest first. Send it back as it came: a Date of JavaScript would cut the microseconds. */
export const EventCursor = z.object({ time: z.string(), id: Id });
export type EventCursor = z.infer<typeof EventCursor>;

/** What a row of the table needs. */
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
    .describe('Whole hashes, to filter by; show a few digits.'),
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
  next: EventCursor.nullable().describe('Goes on from here as `before`. null: there is nothing further.'),
  scannedTo: z
    .string()
    .nullable()
    .describe(
      'Set when the page ended because looking took long, whatever it holds, also nothing: everything that happened after this time was ' +
        'looked at, `next` looks further back. null: the page is full, or everything was looked at.',
    ),
});
export type EventPage = z.infer<typeof EventPage>;

/**
 * How many events happened in each bucket of [from, to): exact, never estimated. Buckets of `bucket_seconds` (1 to 31,536,000, at most 1,000
 * of them) begin at `from`, so that a page's own midnights can be their bounds; the last may be cut off by `to`. Counted from the newest
 * backwards.
 */
export const EventHistogram = z.object({
  buckets: z
    .array(z.object({ start: z.string(), count: z.int() }))
    .describe('Oldest first, without gaps; buckets that were not reached are missing.'),
  countedFrom: z
    .string()
    .nullable()
    .describe(
      'null: all of it was counted. A time: it took long; only what happened from this time on was counted, the bucket it lies in counts part ' +
        'of its time. Ask again with the same `from` and with this as `to`, and put the answers together by `addHistograms`.',
    ),
});
export type EventHistogram = z.infer<typeof EventHistogram>;

/** The answer to the first request and to the one that went on from its `countedFrom`, as one. */
export function addHistograms(newer: EventHistogram, older: EventHistogram): EventHistogram {
  const counts = new Map(older.buckets.map(({ start, count }) => [start, count]));
  for (const { start, count } of newer.buckets) counts.set(start, (counts.get(start) ?? 0) + count);
  return { buckets: [...counts].map(([start, count]) => ({ start, count })), countedFrom: older.countedFrom };
}

// Of the API --------------------------------------------------------------------------------------------------------

/** POST /api/events/subject-hash, for any member: finds a person's events by what is typed. The value is neither kept nor logged. */
export const HashSubject = z.strictObject({ orgId: Id.optional(), value: z.string().trim().min(3).max(320) }).meta({ id: 'HashSubject' });
export type HashSubject = z.input<typeof HashSubject>;

/** Everything the value can be read as, hashed as the pipeline would; put the hashes into `EventFilter.subjects`. Those of the newest key first, and `subjectHashesMax` at most. */
export const HashedSubject = z
  .object({
    hashes: z.array(z.object({ kind: z.enum(['email', 'phone', 'document', 'external_id']), keyVersion: z.int(), hash: SubjectHash })),
  })
  .meta({ id: 'SubjectHashes' });
export type HashedSubject = z.infer<typeof HashedSubject>;

/** GET /api/events/:id/delivery: how the event came to be. */
export const EventDelivery = z
  .object({
    journal: JournalEntry.nullable().describe('Of the event\u2019s `journal_id`. null: the journal no longer keeps it.'),
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
      .describe('What came of the delivery, at most 200: events that were made of it, and dead letters.'),
    attempts: z
      .array(JournalEntry)
      .describe('Oldest first, at most 100: the first delivery, and every replay of it or of one of its replays, this one among them.'),
    replayable: z
      .object({
        ok: z.boolean(),
        reason: z
          .enum(['body_gone', 'legal_hold', 'rejected', 'connection_deleted'])
          .nullable()
          .describe('Why POST /api/replay/:id would refuse.'),
        holdReason: z.string().nullable().describe('What the legal hold says of itself.'),
      })
      .describe('Whether the delivery can be sent through the pipeline again now. Only owners and admins may.'),
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

/** Where the file is: open it by plain navigation (`location.assign(url)`), and the browser writes it to disk as it comes. */
export const EventExport = z
  .object({ url: z.string().describe('Good for one minute, for what was asked for by whoever asked.'), expiresAt: Timestamp })
  .meta({ id: 'EventExport' });
export type EventExport = z.infer<typeof EventExport>;
