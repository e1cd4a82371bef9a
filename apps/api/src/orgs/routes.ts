import { type Org, UpdateOrg } from '@tributary/shared/api.ts';
import { Hono } from 'hono';
import { type AuthVariables, requireUser, type VerifyToken } from '../auth.ts';
import type { Db } from '../db.ts';
import { Problem } from '../errors.ts';
import { jsonBody, validBody, validId } from '../requests.ts';
import { describe } from '../route-docs.ts';
import { findOrg, type OrgRow, updateOrg } from './store.ts';

/** Mounted at /api/orgs. */
export function orgRoutes({ db, verifyToken }: { db: Db; verifyToken: VerifyToken }) {
  const app = new Hono<{ Variables: AuthVariables }>();
  app.use(requireUser(verifyToken), jsonBody);

  app.get('/:id', describe.getOrg, validId(), async (c) => {
    const { id } = c.req.valid('param');
    return c.json(toOrg(requireOrg(await db.as(c.var.claims, (sql) => findOrg(sql, id)))));
  });

  app.patch('/:id', describe.updateOrg, validId(), validBody(UpdateOrg), async (c) => {
    const { id } = c.req.valid('param');
    const row = await db.as(c.var.claims, async (sql) => {
      const before = requireOrg(await findOrg(sql, id));
      if (before.role === 'analyst') throw new Problem('forbidden');
      await updateOrg(sql, id, c.req.valid('json'));
      return findOrg(sql, id);
    });
    return c.json(toOrg(requireOrg(row)));
  });

  return app;
}

function requireOrg(row: OrgRow | undefined): OrgRow {
  if (!row) throw new Problem('not_found', 'there is no such org');
  return row;
}

function toOrg(row: OrgRow): Org {
  return {
    id: row.id,
    name: row.name,
    slug: row.slug,
    role: row.role,
    rateLimitPerSecond: row.rate_limit_per_second,
    createdAt: row.created_at,
  };
}
