import { z } from 'zod';

// Wire contracts of the journal. Times are ISO 8601 in UTC.

const Id = z.guid();
const Timestamp = z.iso.datetime();

export const JournalOutcome = z.enum(['accepted', 'duplicate', 'dead_lettered', 'mixed', 'rejected']);
export type JournalOutcome = z.infer<typeof JournalOutcome>;

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
    eventTypes: z.array(z.string()).describe('Canonical types and the platform\u2019s own names of its events.'),
    isTest: z.boolean(),
    replayOf: Id.nullable().describe('The journal entry that this one repeats.'),
  })
  .meta({ id: 'JournalEntry' });
export type JournalEntry = z.infer<typeof JournalEntry>;

export const LatestQuery = z.strictObject({
  orgId: Id.optional(),
  connectionId: Id.optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  after: Id.optional().describe('The last entry of the page before: older ones are answered.'),
});
export type LatestQuery = z.input<typeof LatestQuery>;

export const LatestEntries = z.object({ entries: z.array(JournalEntry) }).meta({ id: 'LatestEntries' });
export type LatestEntries = z.infer<typeof LatestEntries>;

export const ReplayMode = z
  .enum(['replay', 'reprocess'])
  .describe(
    '`replay`: what is stored stands, and a record that was stored before is a duplicate. `reprocess`: what is stored is rewritten ' +
      'under its own id by what the pipeline makes of the delivery now; never an older delivery over a newer one.',
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
    records: z.array(
      z.object({
        status: z.enum(['accepted', 'duplicate', 'dead_lettered']),
        eventId: Id.optional(),
        dlqId: Id.optional(),
        code: z.string().optional().describe('Error class of the dead-letter entry, as OLDER_REVISION.'),
        revision: z.int().optional().describe('Of an event that was rewritten: how often it has been, counted from 1.'),
      }),
    ),
  })
  .meta({ id: 'ReplayedEntry' });
export type ReplayedEntry = z.infer<typeof ReplayedEntry>;
