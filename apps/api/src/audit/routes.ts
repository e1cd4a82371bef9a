import { type AuditPage, AuditQuery, type AuditVerdict, VerifyAuditQuery } from '@tributary/shared/audit.ts';
import { Hono } from 'hono';
import { type AuthVariables, requireUser, type VerifyToken } from '../platform/auth.ts';
import type { Db, Sql } from '../platform/db.ts';
import { Refusal } from '../platform/refusal.ts';
import { invalidRequest, validQuery } from '../platform/requests.ts';
import { resolveOrg } from '../tenancy/callers-org.ts';
import { describe } from './openapi.ts';
import { listAudit, verifyAudit } from './store.ts';
import { toRecord } from './wire.ts';

/** Entries that one request verifies, which takes about a tenth of a second. */
const perRequest = 10_000;

/** Mounted at /api/audit. */
export function auditRoutes({ db, verifyToken }: { db: Db; verifyToken: VerifyToken }) {
  const app = new Hono<{ Variables: AuthVariables }>();
  app.use(requireUser(verifyToken));

  app.get('/', describe.listAudit, validQuery(AuditQuery), async (c) => {
    const { orgId, limit, cursor } = c.req.valid('query');
    const page = await db.as(c.var.claims, async (sql) => listAudit(sql, await resolveReader(sql, orgId), limit, cursor));
    c.header('cache-control', 'no-store');
    return c.json({ entries: page.rows.map(toRecord), next: page.next } satisfies AuditPage);
  });

  app.get('/verify', describe.verifyAudit, validQuery(VerifyAuditQuery), async (c) => {
    const { orgId, after, hash } = c.req.valid('query');
    if ((after === undefined) !== (hash === undefined))
      throw invalidRequest([{ path: ['hash'], message: 'give `after` and `hash` together' }]);
    const known = after !== undefined && hash !== undefined ? { after, hash } : undefined;
    const verdict = await db.as(c.var.claims, async (sql) => verifyAudit(sql, await resolveReader(sql, orgId), known, perRequest));
    c.header('cache-control', 'no-store');
    return c.json(verdict satisfies AuditVerdict);
  });

  return app;
}

/** The org whose audit log the caller may read. */
export async function resolveReader(sql: Sql, orgId: string | undefined): Promise<string> {
  const { id, role } = await resolveOrg(sql, orgId);
  if (role === 'analyst') throw new Refusal('forbidden', 'only an owner or admin of the org may read the audit log');
  return id;
}
