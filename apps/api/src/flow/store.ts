import type { FlowInstance, FlowTransition, Mode, OperatorMode } from '@tributary/shared/flow.ts';
import type { Db, Sql } from '../platform/db.ts';
import type { Level } from './levels.ts';

/** What an instance reports about itself once a second. */
export interface Report {
  id: string;
  automatic_mode: Level;
  cause: string;
  obeyed_mode: Mode;
  buffer_records: number;
  buffer_bytes: number;
  oldest_age_seconds: number;
  in_flight: number;
  flushed_turn: number;
  /** Records that senders have lately asked this instance to take, by connection or org with a limit. */
  demands: Record<string, number>;
}

/** What the heartbeat returns to the instance. */
export interface Orders {
  operator_mode: OperatorMode | null;
  brownout_rate: number | null;
  /** The level of the whole fleet. */
  automatic_mode: Level;
  flush_turn: number;
  /** How many instances are alive. */
  instances: number;
  /** What all instances together were asked for, by the keys of the demands that this one reported; absent before the migration that brings it. */
  demands?: Record<string, number>;
}

interface StateRow {
  operator_mode: OperatorMode | null;
  brownout_rate: number | null;
  automatic_mode: Level;
  reason: string;
  changed_by: 'operator' | 'automatic';
  changed_at: string;
  flush_turn: number;
}

type InstanceRow = Omit<Report, 'demands'> & { started_at: string; seen_at: string };

type Statement = Pick<Db, 'workerStatement'>;

export async function beat(db: Statement, report: Report): Promise<Orders> {
  const [row] = await db.workerStatement<{ orders: Orders }>('select private.heartbeat($1) as orders', [JSON.stringify(report)]);
  if (!row) throw new Error('the heartbeat was not answered');
  return row.orders;
}

export async function leaveFleet(db: Statement, instanceId: string): Promise<void> {
  await db.workerStatement('select private.leave_fleet($1)', [instanceId]);
}

export async function setOperatorMode(
  db: Statement,
  order: { mode: OperatorMode | null; brownoutRate: number | null; reason: string; instanceId: string; operator: string },
): Promise<void> {
  await db.workerStatement('select private.set_operator_mode($1, $2, $3, $4, $5)', [
    order.mode,
    order.brownoutRate,
    order.reason,
    order.instanceId,
    order.operator,
  ]);
}

/** Returns the number of the flush. Every live instance reports this number after it has written the records that it holds now. */
export async function requestFlush(db: Statement, operator: string, reason: string | undefined): Promise<number> {
  const [row] = await db.workerStatement<{ turn: string }>(
    `select private.request_flush() as turn, private.record_operator_act($1, 'flush', null, $2, '{}')`,
    [operator, reason ?? null],
  );
  return Number(row?.turn);
}

export async function getOverview(db: Statement): Promise<{ state: StateRow; instances: InstanceRow[] }> {
  const [row] = await db.workerStatement<{ overview: { state: StateRow; instances: InstanceRow[] } }>(
    'select private.flow_overview() as overview',
  );
  if (!row) throw new Error('flow_overview returned no row');
  return row.overview;
}

export function toInstance(row: InstanceRow): FlowInstance {
  return {
    id: row.id,
    startedAt: new Date(row.started_at).toISOString(),
    seenAt: new Date(row.seen_at).toISOString(),
    mode: row.obeyed_mode,
    automaticMode: row.automatic_mode,
    cause: row.cause,
    bufferRecords: row.buffer_records,
    bufferBytes: row.buffer_bytes,
    oldestAgeSeconds: row.oldest_age_seconds,
    inFlight: row.in_flight,
  };
}

/** The changes of the mode, newest first, before the one with the id `before`. */
export async function listTransitions(db: Statement, limit: number, before?: string): Promise<FlowTransition[]> {
  const rows = await db.workerStatement<{
    id: string;
    at: string;
    from_mode: Mode;
    to_mode: Mode;
    cause: string;
    changed_by: 'operator' | 'automatic';
    instance_id: string | null;
    operator: string | null;
  }>('select id, at, from_mode, to_mode, cause, changed_by, instance_id, operator from private.list_flow_transitions($1, $2)', [
    limit,
    before ?? null,
  ]);
  return rows.map(({ id, at, from_mode, to_mode, cause, changed_by, instance_id, operator }) => ({
    id,
    at,
    from: from_mode,
    to: to_mode,
    cause,
    changedBy: changed_by,
    instanceId: instance_id,
    operator,
  }));
}

/**
 * Whether the caller, under RLS, has an active connection whose deliveries a brownout may refuse, in this org or in any of the caller's
 * orgs.
 */
export async function hasLowPriority(sql: Sql, orgId: string | undefined): Promise<boolean> {
  const rows = await sql(
    `select from public.source_connections
     where org_id = any (array(select private.my_orgs())) and ($1::uuid is null or org_id = $1) and priority = 'low' and is_active and deleted_at is null
     limit 1`,
    [orgId ?? null],
  );
  return rows.length > 0;
}
