import { CreateLegalHold, type LegalHold, type LegalHoldList, LegalHoldQuery } from '@tributary/shared/holds.ts';
import { Hono } from 'hono';
import { type AuthVariables, requireUser, type VerifyToken } from '../platform/auth.ts';
import type { Db } from '../platform/db.ts';
import { Refusal } from '../platform/refusal.ts';
import { jsonBody, validBody, validId, validQuery } from '../platform/requests.ts';
import { type DoAct, requestApproval } from '../tenancy/approvals.ts';
import { resolveOrg, resolveOrgToWrite } from '../tenancy/callers-org.ts';
import { describe } from './openapi.ts';
import { createHold, findHold, type HoldRow, listHolds, releaseHold } from './store.ts';

/** Mounted at /api/legal-holds. */
export function holdRoutes({ db, verifyToken }: { db: Db; verifyToken: VerifyToken }) {
  const app = new Hono<{ Variables: AuthVariables }>();
  app.use(requireUser(verifyToken), jsonBody);

  app.get('/', describe.listLegalHolds, validQuery(LegalHoldQuery), async (c) => {
    const { orgId, limit, cursor } = c.req.valid('query');
    const page = await db.as(c.var.claims, async (sql) => listHolds(sql, (await resolveOrg(sql, orgId)).id, limit, cursor));
    return c.json({ holds: page.rows.map(toHold), next: page.next } satisfies LegalHoldList);
  });

  app.post('/', describe.createLegalHold, validBody(CreateLegalHold), async (c) => {
    const { orgId, connectionId, reason } = c.req.valid('json');
    const row = await db.as(c.var.claims, async (sql) => {
      const org = await resolveOrgToWrite(sql, orgId);
      return createHold(sql, { orgId: org.id, connectionId, reason });
    });
    if (!row) throw new Refusal('not_found', 'there is no such connection');
    return c.json(toHold(row), 201);
  });

  app.post('/:id/release', describe.releaseLegalHold, validId(), async (c) => {
    const { id } = c.req.valid('param');
    const answer = await db.as(c.var.claims, async (sql) => {
      const hold = await findHold(sql, id);
      if (!hold) throw new Refusal('not_found', 'there is no such hold');
      const act = { orgId: hold.org_id, kind: 'release_hold', params: { holdId: id, reason: hold.reason } } as const;
      const asked = hold.released_at === null && hold.may_write ? await requestApproval(sql, act) : undefined;
      return asked ?? toHold((await releaseHold(sql, id)) ?? hold);
    });
    return 'approvalId' in answer ? c.json(answer, 202) : c.json(answer);
  });

  return app;
}

export const releaseApprovedHold: DoAct = async (sql, { params }) => {
  if (!(await releaseHold(sql, (params as { holdId: string }).holdId))) throw new Refusal('conflict', 'the hold does not exist any more');
};

function toHold(row: HoldRow): LegalHold {
  return {
    id: row.id,
    orgId: row.org_id,
    connectionId: row.source_connection_id,
    reason: row.reason,
    createdBy: row.created_by,
    createdAt: row.created_at,
    releasedBy: row.released_by,
    releasedAt: row.released_at,
  };
}
