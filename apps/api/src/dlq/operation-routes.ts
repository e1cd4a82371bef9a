import {
  DlqCommand,
  type DlqDryRun,
  type DlqFilter,
  type DlqOperationKind,
  type DlqOperations,
  DlqOperationsQuery,
} from '@tributary/shared/dlq.ts';
import type { Hono } from 'hono';
import { requireKnownSources } from '../deliveries/known-sources.ts';
import type { AuthVariables } from '../platform/auth.ts';
import type { Db } from '../platform/db.ts';
import { parseCursor } from '../platform/pages.ts';
import { Refusal } from '../platform/refusal.ts';
import { invalidRequest, validBody, validId, validQuery } from '../platform/requests.ts';
import { type DoAct, requestApproval } from '../tenancy/approvals.ts';
import { resolveOrg, resolveOrgToWrite } from '../tenancy/callers-org.ts';
import { heldRefusal } from '../tenancy/require-not-held.ts';
import { fixedFilter, operationFilter } from './filter.ts';
import { describe } from './openapi.ts';
import { cancelOperation, findHold, findOperation, listOperations, startOperation } from './operations.ts';
import type { RunDeps } from './retry.ts';
import { countEntries } from './store.ts';
import { selectForTrial, tryEntries } from './trial.ts';
import { toOperation } from './wire.ts';

type OperationDeps = Omit<RunDeps, 'db'> & { db: Db };

/** Adds the commands that change every dead letter that matches a filter, and the operations that carry them out. */
export function addOperationRoutes(app: Hono<{ Variables: AuthVariables }>, { db, now, ...run }: OperationDeps): void {
  for (const kind of ['redrive', 'discard', 'purge', 'reverify'] as const) {
    const isRun = kind === 'redrive' || kind === 'reverify';
    app.post(`/${kind}`, describe[kind], validBody(DlqCommand), async (c) => {
      const { dryRun, ...wanted } = c.req.valid('json');
      requireKnownSources(wanted.sources, 'sources');
      const filter = operationFilter(kind, wanted);
      if (filter.statuses.length === 0) throw invalidRequest([{ path: ['statuses'], message: unaffected(kind, wanted) }]);
      const started = await db.as(c.var.claims, async (sql) => {
        const org = await resolveOrgToWrite(sql, wanted.orgId);
        const nowMs = now();
        const hold = await findHold(sql, org.id, filter, nowMs);
        if (hold !== null) throw heldRefusal(hold);
        const count = await countEntries(sql, org.id, filter, nowMs);
        if (dryRun) return { count, sample: isRun && count > 0 ? await selectForTrial(sql, org.id, filter, nowMs) : [] };
        if (kind === 'purge') {
          const params = { filter: fixedFilter(filter, nowMs), total: count };
          const asked = await requestApproval(sql, { orgId: org.id, kind, params, count });
          if (asked) return asked;
        }
        return startOperation(sql, org.id, kind, filter, count);
      });
      if ('sample' in started) {
        const { count, sample } = started;
        const answer: DlqDryRun = { dryRun: true, count };
        if (sample.length > 0) answer.trial = await tryEntries({ ...run, now, db: db.onBehalfOf(c.var.claims) }, sample);
        return c.json(answer);
      }
      if ('approvalId' in started) return c.json(started, 202);
      return c.json({ operation: toOperation(started) }, 202);
    });
  }

  app.get('/operations', describe.listDlqOperations, validQuery(DlqOperationsQuery), async (c) => {
    const { orgId, limit, cursor } = c.req.valid('query');
    const page = await db.as(c.var.claims, async (sql) =>
      listOperations(sql, (await resolveOrg(sql, orgId)).id, limit, parseCursor(cursor)),
    );
    const answer: DlqOperations = { operations: page.rows.map(toOperation), next: page.next };
    return c.json(answer);
  });

  app.get('/operations/:id', describe.getDlqOperation, validId(), async (c) => {
    const { id } = c.req.valid('param');
    const row = await db.as(c.var.claims, (sql) => findOperation(sql, id));
    if (!row) throw new Refusal('not_found', 'there is no such operation');
    return c.json(toOperation(row));
  });

  app.post('/operations/:id/cancel', describe.cancelDlqOperation, validId(), async (c) => {
    const { id } = c.req.valid('param');
    const row = await db.as(c.var.claims, async (sql) => {
      const before = await findOperation(sql, id);
      if (!before) throw new Refusal('not_found', 'there is no such operation');
      if (!before.may_write) throw new Refusal('forbidden', 'only an owner or admin of the org may do this');
      await cancelOperation(sql, id);
      return (await findOperation(sql, id)) ?? before;
    });
    return c.json(toOperation(row));
  });
}

/** Purges the entries that matched when the purge was requested; those that came later are not part of it. */
export const startApprovedPurge =
  (now: () => number): DoAct =>
  async (sql, { orgId, params }) => {
    const { filter, total } = params as { filter: DlqFilter; total: number };
    const hold = await findHold(sql, orgId, filter, now());
    if (hold !== null) throw heldRefusal(hold);
    await startOperation(sql, orgId, 'purge', filter, total);
  };

function unaffected(kind: DlqOperationKind, { statuses = [] }: DlqFilter): string {
  return `${kind} never changes an entry that is ${statuses.join(' or ')}`;
}
