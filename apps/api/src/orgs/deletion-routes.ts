import { type OrgDeletion, RequestOrgDeletion } from '@tributary/shared/org-deletion.ts';
import type { Hono } from 'hono';
import type { AuthVariables } from '../platform/auth.ts';
import type { Db, Sql } from '../platform/db.ts';
import { Refusal } from '../platform/refusal.ts';
import { invalidRequest, validBody, validId } from '../platform/requests.ts';
import { type DoAct, requestApproval } from '../tenancy/approvals.ts';
import { requireNotHeld } from '../tenancy/require-not-held.ts';
import { describe } from './openapi.ts';
import { cancelDeletion, findDeletion, findOrg, type OrgRow, requestDeletion } from './store.ts';

/** Adds the routes by which an owner deletes an org. The job `orgs.delete` carries the deletion out. */
export function addDeletionRoutes(app: Hono<{ Variables: AuthVariables }>, { db }: { db: Db }): void {
  app.get('/:id/deletion', describe.getOrgDeletion, validId(), async (c) => {
    const { id } = c.req.valid('param');
    const answer = await db.as(c.var.claims, async (sql) => {
      await requireOrg(sql, id);
      return toDeletion(sql, id);
    });
    return c.json(answer);
  });

  app.post('/:id/deletion', describe.requestOrgDeletion, validId(), validBody(RequestOrgDeletion), async (c) => {
    const { id } = c.req.valid('param');
    const { name } = c.req.valid('json');
    const answer = await db.as(c.var.claims, async (sql) => {
      const org = await requireOwner(sql, id);
      if (name !== org.name) throw invalidRequest([{ path: ['name'], message: 'this is not the name of the org: type it exactly' }]);
      await requireNotHeld(sql, id);
      const asked = await requestApproval(sql, { orgId: id, kind: 'delete_org', params: { orgId: id, name } });
      if (asked) return asked;
      await requestDeletion(sql, id, name);
      return toDeletion(sql, id);
    });
    return c.json(answer, 202);
  });

  app.delete('/:id/deletion', describe.cancelOrgDeletion, validId(), async (c) => {
    const { id } = c.req.valid('param');
    const answer = await db.as(c.var.claims, async (sql) => {
      await requireOwner(sql, id);
      const cancelled = await cancelDeletion(sql, id);
      const now = await toDeletion(sql, id);
      if (!cancelled && now.status === 'running')
        throw new Refusal('conflict', 'the grace period is over and the keys are destroyed: the deletion cannot be cancelled');
      return now;
    });
    return c.json(answer);
  });
}

export const requestApprovedDeletion: DoAct = async (sql, { orgId, params }) => {
  await requireNotHeld(sql, orgId);
  await requestDeletion(sql, orgId, (params as { name: string }).name);
};

async function requireOrg(sql: Sql, id: string): Promise<OrgRow> {
  const org = await findOrg(sql, id);
  if (!org) throw new Refusal('not_found', 'there is no such org');
  return org;
}

async function requireOwner(sql: Sql, id: string): Promise<OrgRow> {
  const org = await requireOrg(sql, id);
  if (org.role !== 'owner') throw new Refusal('forbidden', 'only an owner of the org may do this');
  return org;
}

async function toDeletion(sql: Sql, orgId: string): Promise<OrgDeletion> {
  const row = await findDeletion(sql, orgId);
  return {
    orgId,
    status: row?.status ?? 'none',
    requestedAt: row?.requested_at ?? null,
    requestedBy: row?.requested_by ?? null,
    startsAt: row?.starts_at ?? null,
    waitsFor: row?.waits_for ?? null,
    rowsDeleted: row?.rows_deleted ?? 0,
  };
}
