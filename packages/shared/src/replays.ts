import { z } from 'zod';
import { ReplayMode } from './journal.ts';
import { nextPage, pageQuery, pageRowsMax } from './pages.ts';
import { oneLine } from './texts.ts';

// Wire contracts of replay plans. Times are ISO 8601 in UTC.

const Id = z.guid();
const Timestamp = z.iso.datetime();
const list = <Item extends z.ZodType>(item: Item) => z.array(item).min(1, 'name at least one value, or leave the field out').max(200);

export const ReplayStatus = z.enum(['pending_approval', 'approved', 'running', 'paused', 'completed', 'canceled', 'failed']);
export type ReplayStatus = z.infer<typeof ReplayStatus>;

/** Rejected deliveries cannot be replayed, because they were never verified. */
const ReplayableOutcome = z.enum(['accepted', 'duplicate', 'dead_lettered', 'mixed', 'incomplete'], {
  error:
    'must be accepted, duplicate, dead_lettered, mixed or incomplete; rejected deliveries are verified again by POST /api/dlq/reverify',
});

export const ReplayFilter = z
  .strictObject({
    projectIds: list(Id).optional(),
    connectionIds: list(Id).optional(),
    sources: list(z.string().min(1).max(40)).optional(),
    eventTypes: list(z.string().min(1).max(200)).optional().describe('Canonical types or the platform\u2019s event names.'),
    outcomes: list(ReplayableOutcome).optional().describe('Every outcome when left out.'),
    includeReplays: z.boolean().optional().describe('Include deliveries that are replays themselves.'),
    from: Timestamp.describe('Deliveries received at this time or later.'),
    to: Timestamp.describe('Deliveries received before this time.'),
  })
  .refine(({ from, to }) => Date.parse(from) < Date.parse(to), { path: ['to'], message: 'must be later than from' })
  .meta({ id: 'ReplayFilter' });
export type ReplayFilter = z.infer<typeof ReplayFilter>;

export const CreateReplay = z
  .strictObject({
    orgId: Id.optional(),
    name: oneLine(z.string().trim().min(1).max(120, 'at most 120 characters')).optional(),
    mode: ReplayMode.default('replay'),
    throttlePerSecond: z.int().min(1).max(1_000).default(100).describe('Deliveries replayed per second.'),
    filter: ReplayFilter,
    dryRun: z.boolean().default(false).describe('Count the deliveries without creating a plan.'),
  })
  .meta({ id: 'CreateReplay' });
export type CreateReplay = z.input<typeof CreateReplay>;

export const ReplayPreview = z
  .object({ dryRun: z.literal(true), count: z.int(), estimatedSeconds: z.number(), needsSecondApproval: z.boolean() })
  .meta({ id: 'ReplayPreview' });
export type ReplayPreview = z.infer<typeof ReplayPreview>;

export const ReplayPlan = z
  .object({
    id: Id,
    orgId: Id,
    name: z.string().nullable(),
    mode: ReplayMode,
    filter: ReplayFilter,
    throttlePerSecond: z.int(),
    status: ReplayStatus,
    matchedCount: z.int().describe('Number of deliveries; counted when the plan was made and again when it was approved.'),
    estimatedSeconds: z.number().describe('Estimated duration for all deliveries at the throttle.'),
    needsSecondApproval: z.boolean().describe('A person other than the author must approve the plan, with a reference.'),
    reference: z.string().nullable(),
    createdBy: Id.nullable(),
    createdAt: Timestamp,
    approvedBy: Id.nullable(),
    approvedAt: Timestamp.nullable(),
    startedAt: Timestamp.nullable(),
    finishedAt: Timestamp.nullable(),
    processed: z.int().describe('Deliveries replayed so far.'),
    accepted: z.int().describe('Records that were stored or rewritten.'),
    duplicates: z.int(),
    deadLettered: z.int(),
    failed: z.int().describe('Deliveries that could not be opened or whose connection is unknown.'),
    ratePerSecond: z.number().nullable().describe('Current rate in deliveries per second; null while the plan does not run.'),
    etaSeconds: z.number().nullable(),
    error: z.string().nullable().describe('Why the plan failed or was paused.'),
    audit: z
      .array(z.object({ at: Timestamp, actorId: Id.nullable().describe('null: the system.'), action: z.string(), detail: z.unknown() }))
      .max(200)
      .optional()
      .describe('Audit log of the plan, oldest first; only for owners and admins, and only for a single plan.'),
  })
  .meta({ id: 'ReplayPlan' });
export type ReplayPlan = z.infer<typeof ReplayPlan>;

export const ReplayQuery = z.strictObject({ orgId: Id.optional(), ...pageQuery(pageRowsMax) });
export type ReplayQuery = z.input<typeof ReplayQuery>;

export const ReplayList = z
  .object({ plans: z.array(ReplayPlan).max(pageRowsMax).describe('Newest first.'), ...nextPage })
  .meta({ id: 'ReplayList' });
export type ReplayList = z.infer<typeof ReplayList>;

export const ApproveReplay = z
  .strictObject({
    reference: oneLine(z.string().trim().min(1).max(120))
      .optional()
      .describe('The request for approval or the ticket, for example RFA-1234.'),
  })
  .meta({ id: 'ApproveReplay' });
export type ApproveReplay = z.input<typeof ApproveReplay>;
