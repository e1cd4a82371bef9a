import { randomBytes } from 'node:crypto';
import { type MasterKeys, wrapKey } from '@tributary/pipeline/crypto/master-keys.ts';
import { keyAad } from '@tributary/pipeline/crypto/seal.ts';
import { type ApprovalRequested, OrgSecurity, type UpdateOrgSecurity } from '@tributary/shared/approvals.ts';
import type { Sql } from '../platform/db.ts';
import { Refusal } from '../platform/refusal.ts';
import { type DoAct, requestApproval } from '../tenancy/approvals.ts';
import { addKey, findNewestVersion, findSecurity, type KeyRow, setSecurity } from './store.ts';

/** Makes the next version of a key, wrapped by the master key. */
export async function rotateKey(sql: Sql, masterKeys: MasterKeys, orgId: string, kind: KeyRow['kind']): Promise<void> {
  const version = (await requireVersion(sql, orgId, kind)) + 1;
  const { wrapped, version: masterVersion } = wrapKey(masterKeys, randomBytes(32), keyAad(orgId, kind, version));
  if (!(await addKey(sql, { orgId, kind, version, wrapped, masterVersion })))
    throw new Refusal('conflict', 'another request made a new key at the same moment: check the list of keys before you make another one');
}

/** The newest version of a key. Throws Refusal `conflict` for an org that has no keys yet. */
export async function requireVersion(sql: Sql, orgId: string, kind: KeyRow['kind']): Promise<number> {
  const newest = await findNewestVersion(sql, orgId, kind);
  if (newest === undefined)
    throw new Refusal('conflict', 'the org has no keys yet: its first keys are made with its first secret or delivery');
  return newest;
}

export const rotateApprovedKey =
  (masterKeys: MasterKeys): DoAct =>
  (sql, { orgId, params }) =>
    rotateKey(sql, masterKeys, orgId, (params as { keyKind: KeyRow['kind'] }).keyKind);

/** Changes the security settings, or requests the approval of a second owner when the change weakens them. */
export async function changeSecurity(sql: Sql, orgId: string, changes: UpdateOrgSecurity): Promise<ApprovalRequested | undefined> {
  const before = await findSecurity(sql, orgId);
  const settings: OrgSecurity = {
    requiresSecondFactor: changes.requiresSecondFactor ?? before.requiresSecondFactor,
    secondPerson: [...new Set(changes.secondPerson ?? before.secondPerson)].sort(),
    purgeCount: changes.purgeCount ?? before.purgeCount,
  };
  const refusal = await setSecurity(sql, orgId, settings);
  if (refusal === 'approval_required') return requestApproval(sql, { orgId, kind: 'change_security', params: settings });
  requireChanged(refusal);
  return undefined;
}

export const changeApprovedSecurity: DoAct = async (sql, { orgId, params }) =>
  requireChanged(await setSecurity(sql, orgId, OrgSecurity.parse(params)));

function requireChanged(refusal: string | undefined): void {
  if (refusal === 'alone')
    throw new Refusal('conflict', 'the org has only one owner or admin, so nobody could approve anything: invite a second one first');
  if (refusal !== undefined) throw new Refusal('approval_required', 'this change needs the approval of a second owner');
}
