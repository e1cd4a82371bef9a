import type { Approval, ApprovalKind } from '@tributary/shared/approvals.ts';
import type { ApprovalRow } from './store.ts';

export function toApproval(row: ApprovalRow): Approval {
  return {
    id: row.id,
    orgId: row.org_id,
    kind: row.kind,
    summary: summaries[row.kind](row.params),
    params: row.params,
    status: row.status,
    requestedBy: row.requested_by,
    requestedAt: row.requested_at,
    expiresAt: row.expires_at,
    decidedBy: row.decided_by,
    decidedAt: row.decided_at,
  };
}

const listed = (value: unknown): string => (Array.isArray(value) && value.length > 0 ? value.join(', ') : 'nothing');

const summaries: Record<ApprovalKind, (params: Record<string, unknown>) => string> = {
  erase_person: ({ kinds, reference }) =>
    `Erase a person, who is named by ${listed(kinds)}${typeof reference === 'string' ? `, with the reference ${reference}` : ''}.`,
  purge: ({ total }) => `Delete ${total} dead letters for good.`,
  rotate_key: ({ keyKind }) => `Make a new ${keyKind} key.`,
  release_hold: ({ reason }) => `Release the legal hold “${reason}”.`,
  delete_org: ({ name }) => `Delete the org “${name}” after the grace period of seven days.`,
  change_security: ({ requiresSecondFactor, secondPerson, purgeCount }) =>
    `Change the security settings: a second factor is ${requiresSecondFactor ? '' : 'not '}required; a second person is required for ${listed(secondPerson)}; purges of more than ${purgeCount} entries a day count as large.`,
};
