import { z } from 'zod';
import { nextPage, pageQuery, pageRowsMax } from './pages.ts';

// Wire contracts of the journal. Times are ISO 8601 in UTC.

const Id = z.guid();
const Timestamp = z.iso.datetime();

/** `incomplete`: a large delivery of which not every part is stored, because it is being written or because a part failed. It can be replayed. */
export const JournalOutcome = z.enum(['accepted', 'duplicate', 'dead_lettered', 'mixed', 'rejected', 'incomplete']);
export type JournalOutcome = z.infer<typeof JournalOutcome>;

/** A list shows so many of a delivery's event types, each cut to so many characters: a delivery may have thousands. */
export const eventTypesMax = 50;
export const eventTypeCharsMax = 255;

/** One delivery as it was received, without its body. */
export const JournalEntry = z
  .object({
    id: Id,
    orgId: Id,
    connectionId: Id,
    connectionName: z.string(),
    sourceType: z.string(),
    receivedAt: Timestamp,
    contentType: z.string().nullable(),
    byteSize: z.int(),
    outcome: JournalOutcome,
    recordCount: z.int(),
    eventTypes: z
      .array(z.string().max(eventTypeCharsMax))
      .max(eventTypesMax)
      .describe('Canonical types and the platform\u2019s event names, at most 50 of them.'),
    isTest: z.boolean(),
    replayOf: Id.nullable().describe('The journal entry that this entry replays.'),
  })
  .meta({ id: 'JournalEntry' });
export type JournalEntry = z.infer<typeof JournalEntry>;

export const LatestQuery = z.strictObject({
  orgId: Id.optional(),
  connectionId: Id.optional(),
  ...pageQuery(),
  after: Id.optional().describe('Id of an entry; the answer contains older entries. It may be given instead of `cursor`.'),
});
export type LatestQuery = z.input<typeof LatestQuery>;

export const LatestEntries = z.object({ entries: z.array(JournalEntry).max(pageRowsMax), ...nextPage }).meta({ id: 'LatestEntries' });
export type LatestEntries = z.infer<typeof LatestEntries>;

export const ReplayMode = z
  .enum(['replay', 'reprocess'])
  .describe(
    '`replay`: stored events are not changed, and a record that was stored before is a duplicate. `reprocess`: stored events are rewritten ' +
      'under the same id with the result of the current pipeline; an older delivery never overwrites a newer one.',
  );
export type ReplayMode = z.infer<typeof ReplayMode>;

export const ReplayEntry = z.strictObject({ mode: ReplayMode.default('replay') }).meta({ id: 'ReplayEntry' });
export type ReplayEntry = z.input<typeof ReplayEntry>;

export const ReplayedEntry = z
  .object({
    journalId: Id.describe('The new journal entry.'),
    replayOf: Id,
    mode: ReplayMode,
    status: z.enum(['accepted', 'duplicate', 'dead_lettered', 'mixed']),
    records: z
      .array(
        z.object({
          status: z.enum(['accepted', 'duplicate', 'dead_lettered']),
          eventId: Id.optional(),
          dlqId: Id.optional(),
          code: z.string().optional().describe('Error class of the dead-letter entry, for example OLDER_REVISION.'),
          revision: z.int().optional().describe('For a rewritten event: its revision, which is 1 when the event is first stored.'),
        }),
      )
      .max(200_000)
      .describe('One for each record of the delivery. A delivery has at most 200,000 JSON values.'),
  })
  .meta({ id: 'ReplayedEntry' });
export type ReplayedEntry = z.infer<typeof ReplayedEntry>;
