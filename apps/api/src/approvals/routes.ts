import { type ApprovalKind, type ApprovalList, ApprovalQuery } from '@tributary/shared/approvals.ts';
import { Hono } from 'hono';
import { type AuthVariables, requireUser, type VerifyToken } from '../platform/auth.ts';
import type { Db, Sql } from '../platform/db.ts';
import { Refusal } from '../platform/refusal.ts';
import { jsonBody, validId, validQuery } from '../platform/requests.ts';
import type { DoAct } from '../tenancy/approvals.ts';
import { resolveOrg } from '../tenancy/callers-org.ts';
import { describe } from './openapi.ts';
import { type ApprovalRow, decideApproval, findApproval, listApprovals } from './store.ts';
import { toApproval } from './wire.ts';

export interface ApprovalDeps {
  db: Db;
  verifyToken: VerifyToken;
  /** How each kind of act is done once it is approved. Each feature does its own. */
  acts: Record<ApprovalKind, DoAct>;
}

/** Mounted at /api/approvals. */
export function approvalRoutes({ db, verifyToken, acts }: ApprovalDeps) {
  const app = new Hono<{ Variables: AuthVariables }>();
  app.use(requireUser(verifyToken), jsonBody);

  app.get('/', describe.listApprovals, validQuery(ApprovalQuery), async (c) => {
    const { orgId, status, limit, cursor } = c.req.valid('query');
    const page = await db.as(c.var.claims, async (sql) =>
      listApprovals(sql, { orgId: await resolveAdmin(sql, orgId), status, limit, cursor }),
    );
    return c.json({ approvals: page.rows.map(toApproval), next: page.next } satisfies ApprovalList);
  });

  app.get('/:id', describe.getApproval, validId(), async (c) =>
    c.json(toApproval(await db.as(c.var.claims, (sql) => requireApproval(sql, c.req.valid('param').id)))),
  );

  app.post('/:id/approve', describe.approve, validId(), async (c) => {
    const { id } = c.req.valid('param');
    const row = await db.as(c.var.claims, async (sql) => {
      const { org_id: orgId, kind, params } = await requireApproval(sql, id);
      await decide(sql, id, 'approved');
      await acts[kind](sql, { id, orgId, params });
      return requireApproval(sql, id);
    });
    return c.json(toApproval(row));
  });

  for (const [action, decision] of [
    ['reject', 'rejected'],
    ['withdraw', 'withdrawn'],
  ] as const)
    app.post(`/:id/${action}`, describe[action], validId(), async (c) => {
      const { id } = c.req.valid('param');
      const row = await db.as(c.var.claims, async (sql) => {
        await requireApproval(sql, id);
        await decide(sql, id, decision);
        return requireApproval(sql, id);
      });
      return c.json(toApproval(row));
    });

  return app;
}

async function resolveAdmin(sql: Sql, orgId: string | undefined): Promise<string> {
  const { id, role } = await resolveOrg(sql, orgId);
  if (role === 'analyst') throw new Refusal('forbidden', 'only an owner or admin of the org may do this');
  return id;
}

async function requireApproval(sql: Sql, id: string): Promise<ApprovalRow> {
  const row = await findApproval(sql, id);
  if (!row) throw new Refusal('not_found', 'there is no such request');
  return row;
}

async function decide(sql: Sql, id: string, decision: 'approved' | 'rejected' | 'withdrawn'): Promise<void> {
  const refusal = await decideApproval(sql, id, decision);
  if (refusal !== undefined) throw new Refusal('conflict', refusal);
}
