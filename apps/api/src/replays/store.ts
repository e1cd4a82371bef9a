import type { ReplayFilter, ReplayStatus } from '@tributary/shared/replays.ts';
import type { Sql } from '../platform/db.ts';
import { type Cursor, type Page, readNewest } from '../platform/pages.ts';

export interface PlanRow {
  id: string;
  org_id: string;
  name: string | null;
  mode: 'replay' | 'reprocess';
  filter: ReplayFilter;
  throttle_per_second: number;
  status: ReplayStatus;
  matched_count: number;
  needs_second_approval: boolean;
  reference: string | null;
  created_by: string;
  created_at: string;
  approved_by: string | null;
  approved_at: string | null;
  started_at: string | null;
  finished_at: string | null;
  processed: number;
  accepted: number;
  duplicates: number;
  dead_lettered: number;
  failed: number;
  rate_per_second: number | null;
  error: string | null;
}

/** A plan that this process works on. Times are text, because a Date would lose the microseconds. */
export interface ClaimedPlan {
  id: string;
  org_id: string;
  mode: PlanRow['mode'];
  filter: ReplayFilter;
  throttle_per_second: number;
  approved_at: string;
  checkpoint_at: string | null;
  checkpoint_id: string | null;
  connection_ids: string[];
  /** How far the rate of the plan is used up ahead of now; negative when the plan is behind its rate. */
  paced_seconds: number;
}

/** The fields of a delivery that are needed to fetch the delivery and to make it the checkpoint. */
export interface Head {
  id: string;
  at: string;
  byte_size: number;
}

const columns = `id, org_id, name, mode, filter, throttle_per_second, status, matched_count, needs_second_approval, reference, created_by, created_at,
  approved_by, approved_at, started_at, finished_at, processed, accepted, duplicates, dead_lettered, failed, rate_per_second, error`;

// The deliveries that a plan matches: $1 org, $2 and $3 the range, $4 an earlier end of the range, $5 connections, $6 outcomes,
// $7 event types, $8 whether replays match too. Rejected deliveries never match, because they are not proved genuine, and erased
// deliveries never match, because their bodies are deleted.
const inRange = `j.org_id = $1 and j.received_at >= $2::timestamptz and j.received_at < least($3::timestamptz, $4::timestamptz)`;
const isMatch = `(j.source_connection_id = any ($5::uuid[]) and j.outcome <> 'rejected' and j.erased_at is null and ($6::text[] is null or j.outcome = any ($6))
  and ($7::text[] is null or j.event_types && $7) and ($8::boolean or j.replay_of is null))`;

const filterValues = (orgId: string, filter: ReplayFilter, before: string | null, connectionIds: readonly string[]) => [
  orgId,
  filter.from,
  filter.to,
  before ?? 'infinity',
  connectionIds,
  filter.outcomes ?? null,
  filter.eventTypes ?? null,
  filter.includeReplays ?? false,
];

// As the caller, under RLS.

/** The project and connection ids of the filter that do not exist in the org. */
export async function findUnknown(sql: Sql, orgId: string, filter: ReplayFilter): Promise<string[]> {
  const rows = await sql<{ id: string }>(
    `select n.id from unnest($2::uuid[]) as n (id) where not exists (select from public.projects p where p.org_id = $1 and p.id = n.id)
     union all
     select n.id from unnest($3::uuid[]) as n (id)
     where not exists (select from public.source_connections c where c.org_id = $1 and c.id = n.id and c.deleted_at is null)`,
    [orgId, filter.projectIds ?? [], filter.connectionIds ?? []],
  );
  return rows.map((row) => row.id);
}

export async function findConnectionIds(sql: Sql, orgId: string, filter: ReplayFilter): Promise<string[]> {
  const [row] = await sql<{ ids: string[] }>('select private.replay_connections($1, $2) as ids', [orgId, JSON.stringify(filter)]);
  return row?.ids ?? [];
}

/** Returns the exact number of deliveries. `before` is the time of the approval; null stands for the time of this transaction. */
export async function countMatches(
  sql: Sql,
  plan: { orgId: string; filter: ReplayFilter; before: string | null; connectionIds: readonly string[] },
): Promise<number> {
  const [row] = await sql<{ count: number }>(
    `select count(*)::integer as count from public.event_journal j where ${inRange} and j.received_at < now() and ${isMatch}`,
    filterValues(plan.orgId, plan.filter, plan.before, plan.connectionIds),
  );
  return row?.count ?? 0;
}

/** The deliveries of the plans that the caller created and approved alone in the last 24 hours. */
export async function countOfDay(sql: Sql, orgId: string, userId: string): Promise<number> {
  const [row] = await sql<{ count: number }>('select private.replays_of_day($1, $2) as count', [orgId, userId]);
  return row?.count ?? 0;
}

export async function createPlan(
  sql: Sql,
  plan: {
    orgId: string;
    name: string | undefined;
    mode: string;
    filter: ReplayFilter;
    throttlePerSecond: number;
    matched: number;
    needsSecond: boolean;
  },
): Promise<string> {
  const [row] = await sql<{ id: string }>('select private.create_replay($1, $2, $3, $4, $5, $6, $7) as id', [
    plan.orgId,
    plan.name ?? null,
    plan.mode,
    JSON.stringify(plan.filter),
    plan.throttlePerSecond,
    plan.matched,
    plan.needsSecond,
  ]);
  if (!row) throw new Error('create_replay returned no row');
  return row.id;
}

export async function findPlan(sql: Sql, id: string): Promise<(PlanRow & { may_write: boolean; cutoff: string | null }) | undefined> {
  const [row] = await sql<PlanRow & { may_write: boolean; cutoff: string | null }>(
    `select ${columns}, approved_at::text as cutoff, org_id = any (array(select private.my_orgs('{owner,admin}'))) as may_write
     from public.replay_plans where id = $1`,
    [id],
  );
  return row;
}

/** A page of the org's plans, newest first. */
export async function listPlans(sql: Sql, orgId: string, limit: number, after: Cursor | undefined): Promise<Page<PlanRow>> {
  return readNewest<PlanRow>(
    sql,
    { columns, from: 'public.replay_plans', where: 'org_id = $1', values: [orgId], time: 'created_at', id: 'id' },
    limit,
    after,
  );
}

/** Moves the plan to its next status. Returns undefined, or the reason when the step is not allowed. */
export async function stepPlan(
  sql: Sql,
  id: string,
  step: { action: string; reference?: string | undefined; matched?: number | undefined; threshold: number },
): Promise<string | undefined> {
  const [row] = await sql<{ refusal: string | null }>('select private.step_replay($1, $2, $3, $4, $5) as refusal', [
    id,
    step.action,
    step.reference ?? null,
    step.matched ?? null,
    step.threshold,
  ]);
  return row?.refusal ?? undefined;
}

/** Who did what to the plan, oldest first, the newest 200 entries. The policy of the audit log shows it to owners and admins only. */
export async function findAudit(
  sql: Sql,
  plan: PlanRow,
): Promise<{ created_at: string; actor_id: string | null; action: string; detail: Record<string, { to?: unknown }> }[]> {
  return sql(
    `select * from (
       select created_at, actor_id, action, detail, id from public.audit_log
       where org_id = $1 and created_at >= $2 and target_id = $3 and action like 'replay\\_plans.%' order by created_at desc, id desc limit 200
     ) newest order by created_at, id`,
    [plan.org_id, plan.created_at, plan.id],
  );
}

// As `worker`.

/** Claims running plans that no process holds, those of the orgs in `holding` last. */
export async function claimPlans(sql: Sql, owner: string, leaseSeconds: number, most: number, holding: string[]): Promise<ClaimedPlan[]> {
  return sql<ClaimedPlan>('select * from private.claim_replays($1, $2, $3, $4)', [owner, leaseSeconds, most, holding]);
}

/**
 * The plan's next deliveries after its checkpoint, in order of arrival, among the next `scannedMax` of the org. `tail` is the last delivery
 * that was looked at, so that the checkpoint advances also when few deliveries match. `done`: there are no more.
 */
export async function findNextHeads(
  sql: Sql,
  plan: ClaimedPlan,
  scannedMax: number,
): Promise<{ heads: Head[]; tail: Head | undefined; done: boolean }> {
  const rows = await sql<Head & { matches: boolean; scanned: number }>(
    `select id, at, byte_size, matches, scanned from (
       select s.*, count(*) over ()::integer as scanned, lead(1) over (order by s.received_at, s.id) is null as is_last from (
         select j.id, j.received_at, j.received_at::text as at, j.byte_size, ${isMatch} as matches
         from public.event_journal j
         where ${inRange} and ($9::timestamptz is null or (j.received_at, j.id) > ($9::timestamptz, $10::uuid))
         order by j.received_at, j.id limit ${scannedMax}) s) t
     where matches or is_last order by received_at, id`,
    [...filterValues(plan.org_id, plan.filter, plan.approved_at, plan.connection_ids), plan.checkpoint_at, plan.checkpoint_id],
  );
  return { heads: rows.filter((row) => row.matches), tail: rows.at(-1), done: (rows[0]?.scanned ?? 0) < scannedMax };
}

/**
 * Whether the plan is running and leased by this owner. Locks the plan until the transaction ends, so that a pause waits for the current
 * batch.
 */
export async function lockPlan(sql: Sql, id: string, owner: string): Promise<boolean> {
  const rows = await sql(`select from public.replay_plans where id = $1 and lease_owner = $2 and status = 'running' for update`, [
    id,
    owner,
  ]);
  return rows.length > 0;
}

export interface Progress {
  processed: number;
  accepted: number;
  duplicates: number;
  deadLettered: number;
  failed: number;
}

/** Adds the progress since the last checkpoint and renews the lease. Call it in the transaction of the batch, after {@link lockPlan}. */
export async function saveProgress(
  sql: Sql,
  id: string,
  to: Progress & {
    checkpoint: Head | undefined;
    ratePerSecond: number | undefined;
    done: boolean;
    leaseSeconds: number;
    pacedSeconds: number;
  },
): Promise<void> {
  await sql(
    `update public.replay_plans
     set checkpoint_at = coalesce($2::timestamptz, checkpoint_at), checkpoint_id = coalesce($3::uuid, checkpoint_id),
       processed = processed + $4, accepted = accepted + $5, duplicates = duplicates + $6, dead_lettered = dead_lettered + $7, failed = failed + $8,
       failures = 0, error = null, lease_until = now() + make_interval(secs => $9), paced_until = clock_timestamp() + make_interval(secs => $12),
       rate_per_second = case when $10::boolean then null else coalesce($11::real, rate_per_second) end,
       status = case when $10 then 'completed' else status end, finished_at = case when $10 then now() end
     where id = $1`,
    [
      id,
      to.checkpoint?.at ?? null,
      to.checkpoint?.id ?? null,
      to.processed,
      to.accepted,
      to.duplicates,
      to.deadLettered,
      to.failed,
      to.leaseSeconds,
      to.done,
      to.ratePerSecond ?? null,
      to.pacedSeconds,
    ],
  );
}

/** Pauses a plan that this owner holds, until a person resumes it. */
export async function pausePlan(sql: Sql, id: string, owner: string, error: string): Promise<void> {
  await sql(
    `update public.replay_plans set status = 'paused', error = $3, rate_per_second = null, lease_owner = null, lease_until = null
     where id = $1 and lease_owner = $2 and status = 'running'`,
    [id, owner, error],
  );
}

/** Gives the plan back for another try in two seconds. At the fifth failure in a row the plan fails, until a person resumes it. */
export async function failSlice(sql: Sql, id: string, owner: string, failures: 0 | 1, error: string): Promise<void> {
  await sql(
    `update public.replay_plans
     set failures = failures + $4, error = $3, status = case when failures + $4 >= 5 then 'failed' else status end, rate_per_second = null,
       lease_owner = null, lease_until = now() + interval '2 seconds'
     where id = $1 and lease_owner = $2 and status = 'running'`,
    [id, owner, error, failures],
  );
}

/** Gives the plan back: any process may claim it after `waitMs`. */
export async function releasePlan(sql: Sql, id: string, owner: string, waitMs: number): Promise<void> {
  await sql(
    `update public.replay_plans set lease_owner = null, lease_until = now() + make_interval(secs => $3)
     where id = $1 and lease_owner = $2 and status = 'running'`,
    [id, owner, waitMs / 1000],
  );
}
