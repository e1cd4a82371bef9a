import { UpdateOrgSecurity } from '@tributary/shared/approvals.ts';
import type { Hono } from 'hono';
import type { AuthVariables } from '../platform/auth.ts';
import type { Db, Sql } from '../platform/db.ts';
import { Refusal } from '../platform/refusal.ts';
import { validBody, validId } from '../platform/requests.ts';
import { changeSecurity } from './commands.ts';
import { describe } from './openapi.ts';
import { findOrg, findSecurity, type OrgRow } from './store.ts';

/** Adds the security settings of an org to its routes. */
export function addSecurityRoutes(app: Hono<{ Variables: AuthVariables }>, { db }: { db: Db }): void {
  app.get('/:id/security', describe.getOrgSecurity, validId(), async (c) => {
    const { id } = c.req.valid('param');
    const settings = await db.as(c.var.claims, async (sql) => {
      await requireMember(sql, id);
      return findSecurity(sql, id);
    });
    return c.json(settings);
  });

  app.patch('/:id/security', describe.updateOrgSecurity, validId(), validBody(UpdateOrgSecurity), async (c) => {
    const { id } = c.req.valid('param');
    const { asked, settings } = await db.as(c.var.claims, async (sql) => {
      const org = await requireMember(sql, id);
      if (org.role !== 'owner') throw new Refusal('forbidden', 'only an owner of the org may do this');
      return { asked: await changeSecurity(sql, id, c.req.valid('json')), settings: await findSecurity(sql, id) };
    });
    return asked ? c.json(asked, 202) : c.json(settings);
  });
}

async function requireMember(sql: Sql, id: string): Promise<OrgRow> {
  const org = await findOrg(sql, id);
  if (!org) throw new Refusal('not_found', 'there is no such org');
  return org;
}
