import {
  ApproveReplay,
  CreateReplay,
  type ReplayFilter,
  type ReplayList,
  type ReplayPlan,
  type ReplayPreview,
  ReplayQuery,
} from '@tributary/shared/replays.ts';
import { Hono } from 'hono';
import { requireKnownSources } from '../deliveries/known-sources.ts';
import { type AuthVariables, requireUser, type VerifyToken } from '../platform/auth.ts';
import type { Claims, Db, Sql } from '../platform/db.ts';
import { parseCursor } from '../platform/pages.ts';
import { Refusal } from '../platform/refusal.ts';
import { jsonBody, validBody, validId, validQuery } from '../platform/requests.ts';
import { resolveOrg, resolveOrgToWrite } from '../tenancy/callers-org.ts';
import { requireNotHeld } from '../tenancy/require-not-held.ts';
import { describe } from './openapi.ts';
import {
  countMatches,
  countOfDay,
  createPlan,
  findAudit,
  findConnectionIds,
  findPlan,
  findUnknown,
  listPlans,
  type PlanRow,
  stepPlan,
} from './store.ts';

export interface ReplayPlanDeps {
  db: Db;
  verifyToken: VerifyToken;
  /** When a person's plans of a day cover more deliveries than this, the next one must be approved by a second person, with a reference. */
  approvalThreshold: number;
}

/** Mounted at /api/replays. */
export function replayPlanRoutes({ db, verifyToken, approvalThreshold: threshold }: ReplayPlanDeps) {
  const app = new Hono<{ Variables: AuthVariables }>();
  app.use(requireUser(verifyToken), jsonBody);

  app.post('/', describe.createReplay, validBody(CreateReplay), async (c) => {
    const { orgId, name, mode, throttlePerSecond, filter, dryRun } = c.req.valid('json');
    requireKnownSources(filter.sources, 'filter.sources');
    const { matched, needsSecond, plan } = await db.as(c.var.claims, async (sql) => {
      const org = await resolveOrgToWrite(sql, orgId);
      if ((await findUnknown(sql, org.id, filter)).length > 0) throw new Refusal('not_found', 'there is no such project or connection');
      const matched = await countAllowed(sql, { org_id: org.id, filter, cutoff: null });
      const needsSecond = matched + (await countOfDay(sql, org.id, c.var.claims.sub)) > threshold;
      if (dryRun) return { matched, needsSecond, plan: undefined };
      const id = await createPlan(sql, { orgId: org.id, name, mode, filter, throttlePerSecond, matched, needsSecond });
      return { matched, needsSecond, plan: await findPlan(sql, id) };
    });
    if (plan) return c.json(toPlan(plan), 201);
    const estimatedSeconds = Math.ceil(matched / throttlePerSecond);
    return c.json({ dryRun: true, count: matched, estimatedSeconds, needsSecondApproval: needsSecond } satisfies ReplayPreview);
  });

  app.get('/', describe.listReplays, validQuery(ReplayQuery), async (c) => {
    const { orgId, limit, cursor } = c.req.valid('query');
    const page = await db.as(c.var.claims, async (sql) => listPlans(sql, (await resolveOrg(sql, orgId)).id, limit, parseCursor(cursor)));
    return c.json({ plans: page.rows.map(toPlan), next: page.next } satisfies ReplayList);
  });

  app.get('/:id', describe.getReplay, validId(), async (c) => {
    const { id } = c.req.valid('param');
    const plan = await db.as(c.var.claims, async (sql) => {
      const row = await findPlan(sql, id);
      return row && withAudit(sql, row);
    });
    if (!plan) throw new Refusal('not_found', 'there is no such plan');
    return c.json(plan);
  });

  app.post('/:id/approve', describe.approveReplay, validId(), validBody(ApproveReplay), async (c) =>
    c.json(await step(c.var.claims, c.req.valid('param').id, 'approve', c.req.valid('json').reference)),
  );
  app.post('/:id/run', describe.runReplay, validId(), async (c) => c.json(await step(c.var.claims, c.req.valid('param').id, 'run')));
  app.post('/:id/pause', describe.pauseReplay, validId(), async (c) => c.json(await step(c.var.claims, c.req.valid('param').id, 'pause')));
  app.post('/:id/resume', describe.resumeReplay, validId(), async (c) =>
    c.json(await step(c.var.claims, c.req.valid('param').id, 'resume')),
  );
  app.post('/:id/cancel', describe.cancelReplay, validId(), async (c) =>
    c.json(await step(c.var.claims, c.req.valid('param').id, 'cancel')),
  );

  function step(
    claims: Claims,
    id: string,
    action: 'approve' | 'run' | 'pause' | 'resume' | 'cancel',
    reference?: string,
  ): Promise<ReplayPlan> {
    return db.as(claims, async (sql) => {
      const plan = await findPlan(sql, id);
      if (!plan) throw new Refusal('not_found', 'there is no such plan');
      if (!plan.may_write) throw new Refusal('forbidden');
      // The deliveries are counted again, because more may have arrived since the last count.
      const isCounted = (action === 'approve' && plan.status === 'pending_approval') || (action === 'run' && plan.status === 'approved');
      const matched = isCounted ? await countAllowed(sql, plan) : undefined;
      if (action === 'resume') await findAllowed(sql, plan);
      const refusal = await stepPlan(sql, id, { action, reference, matched, threshold });
      if (refusal) throw new Refusal('conflict', refusal);
      const after = await findPlan(sql, id);
      if (!after) throw new Error('the plan was deleted during the step');
      return withAudit(sql, after);
    });
  }

  return app;
}

interface Scope {
  org_id: string;
  filter: ReplayFilter;
  /** When the plan was approved; null before its approval. */
  cutoff: string | null;
}

/** Returns the ids of the plan's connections. Throws Refusal `legal_hold` when one of them, or the org, is under a hold. */
async function findAllowed(sql: Sql, { org_id, filter }: Scope): Promise<string[]> {
  const connectionIds = await findConnectionIds(sql, org_id, filter);
  await requireNotHeld(sql, org_id, connectionIds);
  return connectionIds;
}

async function countAllowed(sql: Sql, scope: Scope): Promise<number> {
  const connectionIds = await findAllowed(sql, scope);
  return countMatches(sql, { orgId: scope.org_id, filter: scope.filter, before: scope.cutoff, connectionIds });
}

async function withAudit(sql: Sql, row: PlanRow & { may_write: boolean }): Promise<ReplayPlan> {
  if (!row.may_write) return toPlan(row);
  const trail = await findAudit(sql, row);
  const audit = trail.map(({ created_at, actor_id, action, detail }) => {
    const { status, reference, error, processed } = detail;
    const isCreation = action === 'replay_plans.insert';
    return {
      at: created_at,
      actorId: actor_id,
      action: isCreation ? 'created' : String(status?.to),
      detail: isCreation ? {} : { reference: reference?.to, error: error?.to, processed: processed?.to },
    };
  });
  return { ...toPlan(row), audit };
}

function toPlan(row: PlanRow): ReplayPlan {
  const isRunning = row.status === 'running';
  return {
    id: row.id,
    orgId: row.org_id,
    name: row.name,
    mode: row.mode,
    filter: row.filter,
    throttlePerSecond: row.throttle_per_second,
    status: row.status,
    matchedCount: row.matched_count,
    estimatedSeconds: Math.ceil(row.matched_count / row.throttle_per_second),
    needsSecondApproval: row.needs_second_approval,
    reference: row.reference,
    createdBy: row.created_by,
    createdAt: row.created_at,
    approvedBy: row.approved_by,
    approvedAt: row.approved_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    processed: row.processed,
    accepted: row.accepted,
    duplicates: row.duplicates,
    deadLettered: row.dead_lettered,
    failed: row.failed,
    ratePerSecond: isRunning ? row.rate_per_second : null,
    etaSeconds: isRunning
      ? Math.ceil(Math.max(0, row.matched_count - row.processed) / (row.rate_per_second || row.throttle_per_second))
      : null,
    error: row.error,
  };
}
