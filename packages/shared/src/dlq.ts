import { z } from 'zod';
import { Language } from './api.ts';
import { type ErrorClass, errorClasses, remedies } from './errors.ts';
import { nextPage, pageQuery, pageRowsMax } from './pages.ts';

// Wire contracts of the dead-letter queue. Times are ISO 8601 in UTC.

const Id = z.guid();
const Timestamp = z.iso.datetime({ offset: true });

const ErrorClassName = z.enum(Object.keys(errorClasses) as [ErrorClass, ...ErrorClass[]]);

export const DlqStatus = z.enum(['pending', 'retrying', 'resolved', 'exhausted', 'discarded']);
export type DlqStatus = z.infer<typeof DlqStatus>;

const SourceType = z.string().min(1).max(40);
const EventType = z.string().min(1).max(255);

const fields = {
  orgId: Id.optional().describe('Optional for members of a single org.'),
  projectId: Id.optional(),
  quarantine: z.boolean().optional().describe('true: only deliveries that failed verification. false: all entries except those.'),
  fieldPath: z.string().min(1).max(255).optional().describe('The field concerned, for example `data.purchase.transaction`.'),
  from: Timestamp.optional().describe('Created at this time or later.'),
  to: Timestamp.optional().describe('Created before this time.'),
  olderThanDays: z.number().min(0).max(3650).optional().describe('Created at least this many days ago.'),
};

const lists = {
  connectionIds: z.array(Id).min(1).max(200),
  sources: z.array(SourceType).min(1).max(50),
  classes: z.array(ErrorClassName).min(1).max(50),
  statuses: z.array(DlqStatus).min(1).max(10),
  sourceEventTypes: z.array(EventType).min(1).max(100),
  ids: z.array(Id).min(1).max(1000),
};

/** Selects entries. An entry must match every given field; an empty filter selects every entry of the org. */
export const DlqFilter = z
  .strictObject({
    ...fields,
    connectionIds: lists.connectionIds.optional(),
    sources: lists.sources.optional().describe('Source types, for example `hotmart`.'),
    classes: lists.classes.optional(),
    statuses: lists.statuses.optional(),
    sourceEventTypes: lists.sourceEventTypes.optional().describe('Event names of the platform.'),
    ids: lists.ids.optional(),
  })
  .meta({ id: 'DlqFilter' });
export type DlqFilter = z.infer<typeof DlqFilter>;

/** In a query string a list is one parameter, separated by commas. */
const commas = <Item extends z.ZodType>(list: z.ZodArray<Item>) =>
  z
    .string()
    .max(16_000)
    .transform((text) => text.split(','))
    .pipe(list as unknown as z.ZodType<z.output<Item>[], string[]>)
    .optional();

const flag = z
  .enum(['true', 'false'])
  .transform((text) => text === 'true')
  .optional();

const query = {
  ...fields,
  quarantine: flag,
  olderThanDays: z.coerce.number().min(0).max(3650).optional(),
  connectionIds: commas(lists.connectionIds),
  sources: commas(lists.sources),
  class: ErrorClassName.optional().describe('Short form of `classes` with one class.'),
  classes: commas(lists.classes),
  statuses: commas(lists.statuses),
  sourceEventTypes: commas(lists.sourceEventTypes),
  ids: commas(lists.ids),
};

const limit = (max: number, fallback: number) => z.coerce.number().int().min(1).max(max).default(fallback);

export const DlqQuery = z.strictObject(query);

export const DlqAnalysisQuery = z.strictObject({ ...query, language: Language.default('en').describe('Language of `cause` and `fix`.') });
export const DlqListQuery = z.strictObject({ ...query, ...pageQuery() });
export const DlqSampleQuery = z.strictObject({
  ...query,
  limit: limit(100, 5).describe('At most 20 with `full`.'),
  full: flag.describe('Includes the delivery as it was received, with its personal data. Only for owners and admins; audited.'),
});

export const DlqCommand = z
  .strictObject({
    ...DlqFilter.shape,
    dryRun: z.boolean().default(false).describe('Count the entries that would be changed without changing them.'),
  })
  .meta({ id: 'DlqCommand' });
export type DlqCommand = z.input<typeof DlqCommand>;

const Retryable = z
  .enum(['no', 'after_fix', 'yes'])
  .describe('What a retry needs to succeed. no: it cannot succeed. after_fix: a person must fix something first. yes: only time.');

const Remedy = z
  .enum(remedies)
  .describe(
    'What a person does first. redrive: run the entries again. fix_secret, fix_settings, fix_key: correct that, then re-verify (quarantine) or redrive. discard: look at them and give them up, because no retry can succeed.',
  );

export const DlqEntry = z
  .object({
    id: Id,
    orgId: Id,
    projectId: Id,
    connectionId: Id,
    connectionName: z.string(),
    sourceType: z.string(),
    journalId: Id,
    recordIndex: z.int().nullable().describe('Position of the record in the delivery. null: the entry is about the whole delivery.'),
    errorClass: z.string(),
    message: z.string().describe('Message of the newest failure. It never repeats the payload.'),
    fieldPath: z.string().nullable(),
    sourceEventType: z.string().nullable(),
    idempotencyKey: z.string().nullable(),
    storedEventId: Id.nullable().describe(
      'The event that prevents a retry from succeeding: stored under the same key with another body, or newer.',
    ),
    status: DlqStatus,
    attempts: z.int(),
    occurrences: z.int().describe('How often the sender sent the record while the entry was open. Retries and replays are no occurrences.'),
    nextRetryAt: Timestamp.nullable().describe('While `retrying`: the time after which the attempt counts as abandoned.'),
    isQuarantine: z.boolean().describe('The delivery failed verification; a retry verifies it again.'),
    sample: z.unknown().describe('A redacted sample of the payload.'),
    createdAt: Timestamp,
    lastSeenAt: Timestamp.describe('When the record was last sent.'),
    updatedAt: Timestamp,
    resolvedAt: Timestamp.nullable(),
  })
  .meta({ id: 'DlqEntry' });
export type DlqEntry = z.infer<typeof DlqEntry>;

export const DlqAttempt = z
  .object({
    at: Timestamp,
    by: z.enum(['schedule', 'person', 'operation', 'replay', 'system']).describe('What started it; `system`: the delivery was erased.'),
    operationId: Id.nullable(),
    personId: Id.nullable().describe('The person who asked for it, or who started the operation.'),
    result: z.enum(['resolved', 'failed', 'interrupted', 'discarded']),
    errorClass: z.string().nullable(),
    message: z.string().nullable(),
  })
  .meta({ id: 'DlqAttempt' });
export type DlqAttempt = z.infer<typeof DlqAttempt>;

export const DlqEntryDetail = DlqEntry.extend({
  history: z.array(DlqAttempt).max(10).describe('The last ten attempts, the newest first.'),
}).meta({ id: 'DlqEntryDetail' });
export type DlqEntryDetail = z.infer<typeof DlqEntryDetail>;

export const DlqList = z
  .object({
    entries: z.array(DlqEntry).max(pageRowsMax),
    ...nextPage,
    nextCursor: z.string().nullable().describe('The same as `next`, which every paged list has.'),
  })
  .meta({ id: 'DlqList' });
export type DlqList = z.infer<typeof DlqList>;

/** A summary lists at most this many groups, the largest first. */
export const dlqGroupsMax = 200;

export const DlqSummary = z
  .object({
    total: z.int().describe('The entries of all groups, also of those that are not listed.'),
    groupCount: z.int().describe('The number of groups. Of more than 200 only the largest are listed.'),
    groups: z
      .array(
        z.object({
          errorClass: z.string(),
          sourceType: z.string(),
          connectionId: Id,
          connectionName: z.string(),
          count: z.int(),
          occurrences: z.int().describe('How often the records of these entries were sent.'),
          pending: z.int().describe('Entries that are pending or being retried.'),
          exhausted: z.int(),
          firstSeenAt: Timestamp,
          lastSeenAt: Timestamp,
          trend: z.array(z.int()).length(24).describe('Entries created in each of the last 24 hours, the oldest hour first.'),
          retryable: Retryable,
          remedy: Remedy,
        }),
      )
      .max(dlqGroupsMax),
  })
  .meta({ id: 'DlqSummary' });
export type DlqSummary = z.infer<typeof DlqSummary>;

export const DlqPayload = z.object({
  headers: z.record(z.string(), z.string()).describe('Headers without credentials.'),
  body: z.string().describe('The body as it was received, with credentials masked; at most its first 64 KiB.'),
  byteSize: z.int(),
  truncated: z.boolean(),
});
export type DlqPayload = z.infer<typeof DlqPayload>;

export const DlqSamples = z
  .object({
    entries: z
      .array(
        DlqEntry.extend({ payload: DlqPayload.optional().describe('With `full`, when the delivery is still kept and can be opened.') }),
      )
      .max(100),
  })
  .meta({ id: 'DlqSamples' });
export type DlqSamples = z.infer<typeof DlqSamples>;

/** An analysis lists at most this many clusters, the largest first. */
export const dlqClustersMax = 200;

export const DlqAnalysis = z
  .object({
    clusters: z
      .array(
        z.object({
          errorClass: z.string(),
          fieldPath: z.string().nullable(),
          sourceEventType: z.string().nullable(),
          sourceType: z.string(),
          connectionId: Id,
          connectionName: z.string(),
          count: z.int(),
          firstSeenAt: Timestamp,
          lastSeenAt: Timestamp,
          exampleId: Id,
          cause: z.string().describe('The likely cause, in plain words.'),
          fix: z.string().describe('How to fix it.'),
          remedy: Remedy,
        }),
      )
      .max(dlqClustersMax),
  })
  .meta({ id: 'DlqAnalysis' });
export type DlqAnalysis = z.infer<typeof DlqAnalysis>;

export const DlqRetried = z.object({ id: Id, status: DlqStatus }).meta({ id: 'DlqRetried' });
export type DlqRetried = z.infer<typeof DlqRetried>;

/** A reason why entries did not become events: an error class, or `GONE` when the delivery or the connection no longer exists. */
const FailureReason = z.string().describe('An error class, or `GONE` when the delivery or the connection of the entry no longer exists.');

export const DlqTrial = z
  .object({
    tried: z.int().describe('How many of the entries were run: the oldest and the newest, at most 20.'),
    succeeded: z.int().describe('How many of those would become events, or are stored already.'),
    failures: z
      .array(z.object({ reason: FailureReason, count: z.int(), message: z.string().nullable() }))
      .max(20)
      .describe('Why the others would fail again, the most frequent reason first, each with the message of one entry.'),
  })
  .meta({ id: 'DlqTrial' });
export type DlqTrial = z.infer<typeof DlqTrial>;

export const DlqDryRun = z
  .object({
    dryRun: z.literal(true),
    count: z.int(),
    trial: DlqTrial.optional().describe(
      'For a redrive and a re-verification: what happened when some of the entries were run without writing.',
    ),
  })
  .meta({ id: 'DlqDryRun' });
export type DlqDryRun = z.infer<typeof DlqDryRun>;

export const DlqOperationKind = z.enum(['redrive', 'discard', 'purge', 'reverify']);
export type DlqOperationKind = z.infer<typeof DlqOperationKind>;

export const DlqOperation = z
  .object({
    id: Id,
    orgId: Id,
    kind: DlqOperationKind,
    filter: DlqFilter,
    status: z.enum(['queued', 'running', 'done', 'failed', 'canceled']),
    total: z.int().describe('Entries that matched when the operation was started.'),
    done: z.int(),
    succeeded: z.int().describe('Entries that were resolved, discarded or deleted.'),
    failed: z.int().describe('Entries that were tried and did not become events.'),
    failures: z
      .array(z.object({ reason: z.string(), count: z.int() }))
      .max(50)
      .describe(
        'The failed entries by reason, the most frequent first: an error class, or `GONE` when the delivery or the connection no longer exists.',
      ),
    error: z.string().nullable(),
    createdBy: Id.nullable(),
    createdAt: Timestamp,
    finishedAt: Timestamp.nullable(),
  })
  .meta({ id: 'DlqOperation' });
export type DlqOperation = z.infer<typeof DlqOperation>;

export const DlqStarted = z.object({ operation: DlqOperation }).meta({ id: 'DlqStarted' });
export type DlqStarted = z.infer<typeof DlqStarted>;

export const DlqOperationsQuery = z.strictObject({ orgId: Id.optional(), ...pageQuery() });
export const DlqOperations = z.object({ operations: z.array(DlqOperation).max(pageRowsMax), ...nextPage }).meta({ id: 'DlqOperations' });
export type DlqOperations = z.infer<typeof DlqOperations>;
