import { z } from 'zod';
import { nextPage, pageQuery, pageRowsMax } from './pages.ts';
import { Quotas } from './quotas.ts';
import { lines } from './texts.ts';

const Timestamp = z.iso.datetime({ offset: true });
const Reason = lines(z.string().trim().min(1).max(500));

// Accounts -----------------------------------------------------------------------------------------------------------------

export const OperatorName = z
  .string()
  .regex(/^[a-z][a-z0-9._-]{1,39}$/, 'must have 2 to 40 lower-case letters, digits, dots, dashes or underscores, and begin with a letter')
  .refine((name) => name !== 'bootstrap', 'is the name of the token in the environment');

export const CreateOperator = z.strictObject({ name: OperatorName }).meta({ id: 'CreateOperator' });

export const CreatedOperator = z
  .object({ name: z.string(), token: z.string().describe('Shown this once: only its SHA-256 is stored.') })
  .meta({ id: 'CreatedOperator' });
export type CreatedOperator = z.infer<typeof CreatedOperator>;

export const Operator = z
  .object({
    name: z.string(),
    createdBy: z.string().describe('The account that created this one; `bootstrap` is the token in the environment.'),
    createdAt: Timestamp,
    lastUsedOn: z.string().nullable().describe('The day on which the account was last used, in UTC.'),
    revokedAt: Timestamp.nullable(),
  })
  .meta({ id: 'Operator' });
export type Operator = z.infer<typeof Operator>;

export const Operators = z.object({ operators: z.array(Operator).max(200) }).meta({ id: 'Operators' });

export const OperatorAct = z
  .object({
    id: z.string(),
    at: Timestamp,
    operator: z.string(),
    action: z.string().describe('Such as `drain`, `suspend_org` or `set_quotas`.'),
    orgId: z.string().nullable(),
    reason: z.string().nullable(),
    detail: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'OperatorAct' });
export type OperatorAct = z.infer<typeof OperatorAct>;

export const OperatorActs = z.object({ acts: z.array(OperatorAct).max(pageRowsMax), ...nextPage }).meta({ id: 'OperatorActs' });

export const ActsQuery = z.strictObject({
  orgId: z.guid().optional(),
  ...pageQuery(),
});

// Orgs ---------------------------------------------------------------------------------------------------------------------

export const OrgForOperator = z
  .object({
    id: z.string(),
    name: z.string(),
    slug: z.string(),
    createdAt: Timestamp,
    suspendedAt: Timestamp.nullable(),
    suspendedReason: z.string().nullable(),
    exceeded: z.string().nullable().describe('The quota because of which the deliveries of the org are refused; null: they are accepted.'),
    members: z.int(),
    connections: z.int(),
    eventsToday: z.int(),
    bytesToday: z.int(),
    storedBytes: z.int(),
    openWork: z.int().describe('Replay plans, erasures and operations on dead letters that have not ended.'),
  })
  .meta({ id: 'OrgForOperator' });
export type OrgForOperator = z.infer<typeof OrgForOperator>;

export const OrgsForOperator = z.object({ orgs: z.array(OrgForOperator).max(pageRowsMax), ...nextPage }).meta({ id: 'OrgsForOperator' });

export const OrgDetailForOperator = OrgForOperator.extend({
  owners: z.array(z.string()).max(20).describe('The e-mail addresses of the owners.'),
  quotas: Quotas.shape.quotas,
}).meta({ id: 'OrgDetailForOperator' });
export type OrgDetailForOperator = z.infer<typeof OrgDetailForOperator>;

export const OrgsQuery = z.strictObject({
  search: z.string().trim().min(1).max(120).optional().describe('A part of the name or slug, or the id.'),
  suspended: z.stringbool().optional(),
  ...pageQuery(),
});

export const SuspendOrg = z
  .strictObject({ reason: Reason.describe('Shown to the members of the org, and recorded.') })
  .meta({ id: 'SuspendOrg' });
export const ReactivateOrg = z.strictObject({ reason: Reason.optional() }).meta({ id: 'ReactivateOrg' });

export const SetQuotas = z
  .strictObject({
    quotas: z
      .record(z.string().regex(/^[a-z][a-z_]{2,39}$/), z.int().min(0).nullable())
      .refine((quotas) => Object.keys(quotas).length > 0, 'names no quota')
      .describe('New values by the name of the quota. null removes the org\u2019s own value, so that the default counts again.'),
    reason: Reason.optional(),
  })
  .meta({ id: 'SetQuotas' });
