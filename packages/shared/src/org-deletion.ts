import { z } from 'zod';

// The deletion of an org: requested by an owner, begun after a grace period.

export const OrgDeletion = z
  .object({
    orgId: z.guid(),
    status: z
      .enum(['none', 'scheduled', 'running'])
      .describe('scheduled: every owner can cancel until `startsAt`. running: the keys are destroyed, and the rest is being deleted.'),
    requestedAt: z.iso.datetime().nullable(),
    requestedBy: z.guid().nullable(),
    startsAt: z.iso.datetime().nullable().describe('The end of the grace period of seven days.'),
    waitsFor: z.string().nullable().describe('The reason of the legal hold because of which the deletion waits.'),
    rowsDeleted: z.int().describe('How many rows are deleted so far.'),
  })
  .meta({ id: 'OrgDeletion' });
export type OrgDeletion = z.infer<typeof OrgDeletion>;

export const RequestOrgDeletion = z
  .strictObject({
    name: z.string().max(120).describe('The name of the org, typed again exactly.'),
    irreversible: z
      .literal(true, 'must be true: say that you know that nothing can be restored')
      .describe('States once more that everything of the org is deleted and cannot be restored after the grace period.'),
  })
  .meta({ id: 'RequestOrgDeletion' });
export type RequestOrgDeletion = z.input<typeof RequestOrgDeletion>;
