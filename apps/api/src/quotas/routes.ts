import type { Quotas } from '@tributary/shared/quotas.ts';
import { Hono } from 'hono';
import { type AuthVariables, requireUser, type VerifyToken } from '../platform/auth.ts';
import type { Db } from '../platform/db.ts';
import { validId } from '../platform/requests.ts';
import { resolveOrgToWrite } from '../tenancy/callers-org.ts';
import { describe } from './openapi.ts';
import { findQuotas } from './store.ts';

/** Mounted at /api/orgs, beside the routes of the feature orgs. */
export function quotaRoutes({ db, verifyToken }: { db: Db; verifyToken: VerifyToken }) {
  const app = new Hono<{ Variables: AuthVariables }>();

  app.get('/:id/quotas', requireUser(verifyToken), describe.listQuotas, validId(), async (c) => {
    const { id } = c.req.valid('param');
    const quotas = await db.as(c.var.claims, async (sql) => {
      await resolveOrgToWrite(sql, id);
      return findQuotas(sql, id);
    });
    return c.json({ quotas } satisfies Quotas);
  });

  return app;
}
