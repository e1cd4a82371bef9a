import { type Retention, retentionKinds, SetRetention } from '@tributary/shared/retention.ts';
import type { Hono } from 'hono';
import type { AuthVariables } from '../platform/auth.ts';
import type { Db, Sql } from '../platform/db.ts';
import { Refusal } from '../platform/refusal.ts';
import { invalidRequest, validBody, validId } from '../platform/requests.ts';
import { describe } from './openapi.ts';
import { findOrg, listRetention, setRetention } from './store.ts';

/** Adds the routes for how long an org keeps its data. */
export function addRetentionRoutes(app: Hono<{ Variables: AuthVariables }>, { db }: { db: Db }): void {
  app.get('/:id/retention', describe.getRetention, validId(), async (c) => {
    const { id } = c.req.valid('param');
    return c.json(await db.as(c.var.claims, (sql) => readRetention(sql, id)));
  });

  app.patch('/:id/retention', describe.setRetention, validId(), validBody(SetRetention), async (c) => {
    const { id } = c.req.valid('param');
    const wanted = c.req.valid('json');
    const answer = await db.as(c.var.claims, async (sql) => {
      const before = await readRetention(sql, id);
      if ((await findOrg(sql, id))?.role === 'analyst') throw new Refusal('forbidden', 'only an owner or admin of the org may do this');
      for (const kind of retentionKinds) {
        const days = wanted[kind];
        if (days === undefined) continue;
        const maximum = before.rules.find((rule) => rule.kind === kind)?.maximumDays ?? 0;
        if (days !== null && days > maximum)
          throw invalidRequest([{ path: [kind], message: `the platform keeps this for ${maximum} days at most` }]);
        await setRetention(sql, id, kind, days);
      }
      return readRetention(sql, id);
    });
    return c.json(answer);
  });
}

async function readRetention(sql: Sql, orgId: string): Promise<Retention> {
  const rows = await listRetention(sql, orgId);
  if (rows.length === 0) throw new Refusal('not_found', 'there is no such org');
  return {
    orgId,
    rules: rows.map((row) => ({
      kind: row.kind,
      keepDays: row.keep_days,
      maximumDays: row.maximum_days,
      chosenDays: row.chosen_days,
      appliesFrom: row.applies_from,
    })),
  };
}
