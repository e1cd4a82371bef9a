import type { MasterKeys } from '@tributary/pipeline/crypto/master-keys.ts';
import { type Org, OrgKeyQuery, type OrgKeys, RotateKey, UpdateOrg } from '@tributary/shared/api.ts';
import { pageRowsMax } from '@tributary/shared/pages.ts';
import { Hono } from 'hono';
import { type AuthVariables, requireUser, type VerifyToken } from '../platform/auth.ts';
import type { Db } from '../platform/db.ts';
import type { Page } from '../platform/pages.ts';
import { Refusal } from '../platform/refusal.ts';
import { jsonBody, validBody, validId, validQuery } from '../platform/requests.ts';
import { requestApproval } from '../tenancy/approvals.ts';
import { requireVersion, rotateKey } from './commands.ts';
import { addDeletionRoutes } from './deletion-routes.ts';
import { describe } from './openapi.ts';
import { addRetentionRoutes } from './retention-routes.ts';
import { addSecurityRoutes } from './security-routes.ts';
import { findOrg, type KeyRow, listKeys, type OrgRow, updateOrg } from './store.ts';

/** Mounted at /api/orgs. */
export function orgRoutes({ db, verifyToken, masterKeys }: { db: Db; verifyToken: VerifyToken; masterKeys: MasterKeys }) {
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
      if (before.role === 'analyst') throw new Refusal('forbidden');
      await updateOrg(sql, id, c.req.valid('json'));
      return findOrg(sql, id);
    });
    return c.json(toOrg(requireOrg(row)));
  });

  app.get('/:id/keys', describe.listOrgKeys, validId(), validQuery(OrgKeyQuery), async (c) => {
    const { id } = c.req.valid('param');
    const { limit, cursor } = c.req.valid('query');
    const page = await db.as(c.var.claims, async (sql) => {
      requireOrg(await findOrg(sql, id));
      return listKeys(sql, id, limit, cursor);
    });
    return c.json(toKeys(page));
  });

  app.post('/:id/keys/rotate', describe.rotateOrgKey, validId(), validBody(RotateKey), async (c) => {
    const { id } = c.req.valid('param');
    const { kind } = c.req.valid('json');
    const { asked, page } = await db.as(c.var.claims, async (sql) => {
      const org = requireOrg(await findOrg(sql, id));
      if (org.role === 'analyst') throw new Refusal('forbidden');
      await requireVersion(sql, id, kind);
      const asked = await requestApproval(sql, { orgId: id, kind: 'rotate_key', params: { keyKind: kind } });
      if (!asked) await rotateKey(sql, masterKeys, id, kind);
      return { asked, page: await listKeys(sql, id, pageRowsMax) };
    });
    return asked ? c.json(asked, 202) : c.json(toKeys(page), 201);
  });

  addRetentionRoutes(app, { db });
  addDeletionRoutes(app, { db });
  addSecurityRoutes(app, { db });

  return app;
}

function toKeys({ rows, next }: Page<KeyRow>): OrgKeys {
  return {
    keys: rows.map((row) => ({
      kind: row.kind,
      version: row.version,
      createdAt: row.created_at,
      retiredAt: row.retired_at,
      current: row.is_current,
    })),
    next,
  };
}

function requireOrg(row: OrgRow | undefined): OrgRow {
  if (!row) throw new Refusal('not_found', 'there is no such org');
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
