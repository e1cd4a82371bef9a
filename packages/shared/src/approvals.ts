import { z } from 'zod';
import { nextPage, pageQuery, pageRowsMax } from './pages.ts';

// Wire contracts of the security settings of an org, and of acts that wait for a second person. Times are ISO 8601 in UTC.

const Id = z.guid();
const Timestamp = z.iso.datetime();

/** The irreversible acts that an org can require a second person for. */
export const guardedActs = ['erase_person', 'purge', 'rotate_key', 'release_hold', 'delete_org'] as const;
export type GuardedAct = (typeof guardedActs)[number];

/** `change_security`: weakening these settings needs a second owner in every org that requires a second person for anything. */
export const ApprovalKind = z.enum([...guardedActs, 'change_security']);
export type ApprovalKind = z.infer<typeof ApprovalKind>;

const purgeCount = z
  .int()
  .min(0)
  .max(1_000_000_000)
  .describe('Purges need a second person when all of a day, without the approved ones, have more entries than this.');

export const OrgSecurity = z
  .object({
    requiresSecondFactor: z
      .boolean()
      .describe('Commands need a sign-in with a second factor (`aal2`); others are answered 403 `mfa_required`.'),
    secondPerson: z.array(z.enum(guardedActs)).max(guardedActs.length).describe('The acts that another owner or admin must approve.'),
    purgeCount,
  })
  .meta({ id: 'OrgSecurity' });
export type OrgSecurity = z.infer<typeof OrgSecurity>;

export const UpdateOrgSecurity = z
  .strictObject({
    requiresSecondFactor: z.boolean().optional(),
    secondPerson: z.array(z.enum(guardedActs)).max(guardedActs.length).optional(),
    purgeCount: purgeCount.optional(),
  })
  .meta({ id: 'UpdateOrgSecurity' });
export type UpdateOrgSecurity = z.input<typeof UpdateOrgSecurity>;

/** The answer, with status 202, to a command that waits for a second person. Nothing has been done yet. */
export const ApprovalRequested = z
  .object({ approvalId: Id, kind: ApprovalKind, expiresAt: Timestamp.describe('Until then another owner or admin can approve the act.') })
  .meta({ id: 'ApprovalRequested' });
export type ApprovalRequested = z.infer<typeof ApprovalRequested>;

export const Approval = z
  .object({
    id: Id,
    orgId: Id,
    kind: ApprovalKind,
    summary: z.string().describe('What will be done, as a sentence.'),
    params: z.record(z.string(), z.unknown()).describe('What exactly will be done. It names no person.'),
    status: z
      .enum(['pending', 'approved', 'rejected', 'withdrawn', 'expired', 'ended'])
      .describe('ended: the person who requested the act lost the role for it.'),
    requestedBy: Id,
    requestedAt: Timestamp,
    expiresAt: Timestamp,
    decidedBy: Id.nullable(),
    decidedAt: Timestamp.nullable(),
  })
  .meta({ id: 'Approval' });
export type Approval = z.infer<typeof Approval>;

export const ApprovalQuery = z.strictObject({
  orgId: Id.optional(),
  status: z.enum(['pending', 'all']).default('pending'),
  ...pageQuery(),
});
export type ApprovalQuery = z.input<typeof ApprovalQuery>;

export const ApprovalList = z
  .object({ approvals: z.array(Approval).max(pageRowsMax).describe('Newest first.'), ...nextPage })
  .meta({ id: 'ApprovalList' });
export type ApprovalList = z.infer<typeof ApprovalList>;
