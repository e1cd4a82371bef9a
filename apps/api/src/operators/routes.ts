import {
  ActsQuery,
  CreateOperator,
  OperatorName,
  type OrgDetailForOperator,
  OrgsQuery,
  ReactivateOrg,
  SetQuotas,
  SuspendOrg,
} from '@tributary/shared/operators.ts';
import type { Quotas } from '@tributary/shared/quotas.ts';
import { Hono } from 'hono';
import type { OperatorVariables } from '../platform/auth.ts';
import type { Db } from '../platform/db.ts';
import { parseCursor, parsePlace } from '../platform/pages.ts';
import { Refusal } from '../platform/refusal.ts';
import { invalidRequest, validBody, validId, validQuery } from '../platform/requests.ts';
import { createOperatorToken } from './accounts.ts';
import { describe } from './openapi.ts';
import * as store from './store.ts';

/**
 * The accounts of the operators, their journal, and the orgs of the installation. Mounted at /api/admin by operate/routes.ts, whose
 * middleware recognises the operator and reads the body.
 */
export function operatorRoutes(db: Pick<Db, 'worker' | 'workerStatement'>) {
  const app = new Hono<{ Variables: OperatorVariables }>();

  app.get('/operators', describe.listOperators, async (c) => c.json({ operators: await store.listOperators(db) }));

  app.post('/operators', describe.createOperator, validBody(CreateOperator), async (c) => {
    const { name } = c.req.valid('json');
    const { token, sha256 } = createOperatorToken();
    await store.createOperator(db, c.var.operator, name, sha256);
    return c.json({ name, token }, 201);
  });

  app.delete('/operators/:name', describe.revokeOperator, async (c) => {
    const { data: name } = OperatorName.safeParse(c.req.param('name'));
    if (name === undefined || !(await store.revokeOperator(db, c.var.operator, name)))
      throw new Refusal('not_found', 'there is no active account of this name');
    return c.body(null, 204);
  });

  app.get('/acts', describe.listActs, validQuery(ActsQuery), async (c) => {
    const { orgId, cursor, limit } = c.req.valid('query');
    const [before] = cursor === undefined ? [] : parsePlace(cursor, [/^\d{1,18}$/]);
    const page = await store.listActs(db, { orgId, before, limit });
    const acts = page.rows.map(({ id, at, operator, action, orgId: org, reason, detail }) => ({
      id,
      at,
      operator,
      action,
      orgId: org,
      reason,
      detail,
    }));
    return c.json({ acts, next: page.next });
  });

  app.get('/orgs', describe.listOrgs, validQuery(OrgsQuery), async (c) => {
    const { search, suspended, cursor, limit } = c.req.valid('query');
    const page = await store.listOrgs(db, { search, suspended, before: parseCursor(cursor), limit });
    return c.json({ orgs: page.rows.map(store.toOrg), next: page.next });
  });

  app.get('/orgs/:id', describe.getOrg, validId(), async (c) => c.json(await findDetail(c.req.valid('param').id)));

  app.post('/orgs/:id/suspend', describe.suspendOrg, validId(), validBody(SuspendOrg), async (c) => {
    const { id } = c.req.valid('param');
    requireOrg(await store.suspendOrg(db, c.var.operator, id, c.req.valid('json').reason));
    return c.json(await findDetail(id));
  });

  app.post('/orgs/:id/reactivate', describe.reactivateOrg, validId(), validBody(ReactivateOrg), async (c) => {
    const { id } = c.req.valid('param');
    requireOrg(await store.reactivateOrg(db, c.var.operator, id, c.req.valid('json').reason));
    return c.json(await findDetail(id));
  });

  app.patch('/orgs/:id/quotas', describe.setOrgQuotas, validId(), validBody(SetQuotas), async (c) => {
    const { id } = c.req.valid('param');
    const { quotas, reason } = c.req.valid('json');
    requireKnown(quotas, await store.listQuotas(db, undefined));
    requireOrg(await store.setQuotas(db, c.var.operator, id, reason, quotas));
    return c.json({ quotas: await store.listQuotas(db, id) } satisfies Quotas);
  });

  app.get('/quotas', describe.listDefaultQuotas, async (c) => c.json({ quotas: await store.listQuotas(db, undefined) } satisfies Quotas));

  app.patch('/quotas', describe.setDefaultQuotas, validBody(SetQuotas), async (c) => {
    const { quotas, reason } = c.req.valid('json');
    requireKnown(quotas, await store.listQuotas(db, undefined));
    if (Object.values(quotas).includes(null)) throw invalidRequest([{ path: ['quotas'], message: 'a default cannot be removed' }]);
    await store.setQuotas(db, c.var.operator, undefined, reason, quotas);
    return c.json({ quotas: await store.listQuotas(db, undefined) } satisfies Quotas);
  });

  async function findDetail(id: string): Promise<OrgDetailForOperator> {
    const row = await store.findOrg(db, id);
    if (!row) throw new Refusal('not_found', 'there is no such org');
    const [owners, quotas] = await Promise.all([store.listOwners(db, id), store.listQuotas(db, id)]);
    return { ...store.toOrg(row), owners, quotas };
  }

  return app;
}

function requireOrg(isFound: boolean): void {
  if (!isFound) throw new Refusal('not_found', 'there is no such org');
}

function requireKnown(given: Record<string, unknown>, quotas: Quotas['quotas']): void {
  const unknown = Object.keys(given).filter((name) => !quotas.some((quota) => quota.name === name));
  if (unknown.length > 0)
    throw invalidRequest(unknown.map((name) => ({ path: ['quotas', name], message: 'is not a quota of this server' })));
}
