import { type ErrorClass, errorClasses } from '@tributary/shared/errors.ts';
import { recordArgument, recordValues } from '../deliveries/columns.ts';
import type { EventRow, KeyRow, WriteItem } from '../deliveries/rows.ts';
import type { Config } from '../platform/config.ts';
import type { Sql } from '../platform/db.ts';
import { matchesFilter } from './filter.ts';

// Every statement here runs as `worker`.

/** An attempt that takes longer counts as abandoned, and another worker takes the entry. */
const leaseSeconds = 60;

/** A dead letter that is claimed to be run again. `attempts` includes this attempt. */
export interface ClaimedEntry {
  id: string;
  org_id: string;
  source_connection_id: string;
  journal_id: string;
  record_index: number | null;
  error_class: string;
  is_quarantine: boolean;
  attempts: number;
  /** The size of the delivery's body; null when the body is no longer kept. */
  byte_size: number | null;
}

/** The outcome of running a dead letter again. */
export type RetryOutcome =
  | { outcome: 'event'; key: KeyRow; event: EventRow }
  /** The whole delivery was run, and gets a new journal row. */
  | { outcome: 'delivered'; item: WriteItem }
  | {
      outcome: 'failed';
      errorClass: ErrorClass;
      message: string;
      fieldPath?: string | null;
      sourceEventType?: string | null;
      idempotencyKey?: string | null;
      sample?: unknown;
      recordKey?: string | null;
      recordDigest?: string | null;
    }
  /** The entry can never be run again: its delivery or its connection is gone. */
  | { outcome: 'lost'; message: string };

/** Dead letters that share one outcome, and are settled in one transaction. */
export interface Attempt {
  entries: ClaimedEntry[];
  result: RetryOutcome;
}

const columns = `d.id, d.org_id, d.source_connection_id, d.journal_id, d.record_index, d.error_class, d.is_quarantine, d.attempts,
  (select j.byte_size from public.event_journal j where j.id = d.journal_id limit 1) as byte_size`;

/**
 * Claims entries that are due, the same number from each org whose turn it is. Those under a legal hold are put off for an hour instead, so that
 * they do not take the turns of others; for them, the claim does not count as an attempt.
 */
export async function claimDue(sql: Sql, owner: string, limit: number, attemptsMax: number): Promise<ClaimedEntry[]> {
  const claimed = await sql<ClaimedEntry>(`select ${columns} from private.claim_dead_letters($1, $2, $3, $4) d`, [
    owner,
    limit,
    leaseSeconds,
    attemptsMax,
  ]);
  if (claimed.length === 0) return claimed;
  const held = await sql<{ id: string }>(
    `with held as (
       select c.org_id, c.connection_id from (
         select distinct * from unnest($2::uuid[], $3::uuid[]) as u (org_id, connection_id)
       ) c where private.legal_hold_reason(c.org_id, c.connection_id) is not null
     )
     update public.dlq_events d set status = 'pending', next_retry_at = now() + interval '1 hour', attempts = d.attempts - 1
     from held h
     where d.status = 'retrying' and d.lease_owner = $1 and d.org_id = h.org_id and d.source_connection_id = h.connection_id
     returning d.id`,
    [owner, claimed.map((entry) => entry.org_id), claimed.map((entry) => entry.source_connection_id)],
  );
  const isHeld = new Set(held.map((row) => row.id));
  return claimed.filter((entry) => !isHeld.has(entry.id));
}

/** Gives back entries that were claimed and not run: the claim no longer counts as an attempt. */
export async function releaseDue(sql: Sql, owner: string, orgId: string): Promise<void> {
  await sql(
    `update public.dlq_events set status = 'pending', next_retry_at = now(), attempts = attempts - 1
     where status = 'retrying' and lease_owner = $1 and org_id = $2`,
    [owner, orgId],
  );
}

/** Gives back the entries that an ended operation still holds. Only a person retries them again. */
export async function abandonClaims(sql: Sql, operationId: string, attemptsMax: number): Promise<void> {
  await sql(
    `update public.dlq_events set status = case when attempts > $2 then 'exhausted' else 'pending' end, next_retry_at = null, attempts = attempts - 1
     where status = 'retrying' and lease_owner = $1`,
    [operationId, attemptsMax],
  );
}

/** Claims again the entries that an earlier run of the operation claimed and did not settle. */
export function reclaim(sql: Sql, operationId: string): Promise<ClaimedEntry[]> {
  return sql<ClaimedEntry>(
    `with mine as (
       update public.dlq_events set next_retry_at = now() + make_interval(secs => $2) where status = 'retrying' and lease_owner = $1 returning *
     ) select ${columns} from mine d`,
    [operationId, leaseSeconds],
  );
}

/** How far an operation has come among the entries. Times are text, because a Date would lose the microseconds. */
export interface Position {
  cursor_at: string | null;
  cursor_id: string | null;
  /** Entries that came after the operation was started are not part of it. */
  started_at: string;
}

/** The next entries that match, oldest first, locked until the transaction ends. */
export function lockChunk(
  sql: Sql,
  filter: unknown[],
  position: Position,
  limit: number,
): Promise<{ id: string; source_connection_id: string; at: string }[]> {
  return sql(
    `select d.id, d.source_connection_id, d.created_at::text as at from public.dlq_events d
     where ${matchesFilter} and d.status <> 'retrying' and d.created_at <= $13::timestamptz
       and ($14::timestamptz is null or (d.created_at, d.id) > ($14::timestamptz, $15::uuid))
     order by d.created_at, d.id limit $16 for update skip locked`,
    [...filter, position.started_at, position.cursor_at, position.cursor_id, limit],
  );
}

export function claimChunk(sql: Sql, ids: readonly string[], operationId: string): Promise<ClaimedEntry[]> {
  return sql<ClaimedEntry>(
    `with mine as (
       update public.dlq_events set status = 'retrying', lease_owner = $2, next_retry_at = now() + make_interval(secs => $3), attempts = attempts + 1
       where id = any ($1::uuid[]) returning *
     ) select ${columns} from mine d`,
    [ids, operationId, leaseSeconds],
  );
}

/** Gives the entries up. The history of each names the operation, which private.remember_attempt reads from `lease_owner`. */
export async function discardChunk(sql: Sql, ids: readonly string[], operationId: string): Promise<void> {
  await sql(`update public.dlq_events set status = 'discarded', next_retry_at = null, lease_owner = $2 where id = any ($1::uuid[])`, [
    ids,
    operationId,
  ]);
}

export async function purgeChunk(sql: Sql, ids: readonly string[]): Promise<void> {
  await sql('delete from public.dlq_events where id = any ($1::uuid[])', [ids]);
}

export interface Settled {
  id: string;
  status: string;
}

/**
 * Ends the attempts in the open transaction. Returns undefined, and writes nothing, when the owner has lost the claim to one of the
 * entries.
 */
export async function settle(sql: Sql, owner: string, attempts: readonly Attempt[], retry: Config['dlq']): Promise<Settled[] | undefined> {
  const records = attempts.flatMap(({ result }) => (result.outcome === 'event' ? [result] : []));
  const entries = attempts.flatMap((attempt) => attempt.entries.map((entry) => settlement(entry, attempt.result, retry)));
  const [row] = await sql<{ settled: Settled[] | null }>(`select private.settle_dead_letters($1, $2, ${recordArgument(3)}) as settled`, [
    owner,
    JSON.stringify(entries),
    ...recordValues(records),
  ]);
  return row?.settled ?? undefined;
}

function settlement({ id, attempts }: ClaimedEntry, result: RetryOutcome, retry: Config['dlq']): object {
  const isLast = attempts >= retry.attemptsMax;
  const unresolved = isLast ? 'exhausted' : 'pending';
  switch (result.outcome) {
    case 'event':
      return {
        id,
        outcome: 'event',
        status: 'resolved',
        conflict_status: unresolved,
        source_event_type: result.event.source_event_type,
        idempotency_key: result.key.idempotency_key,
      };
    case 'delivered':
      return { id, outcome: 'delivered', status: 'resolved' };
    case 'lost':
      return { id, outcome: 'lost', status: 'exhausted', last_error_message: result.message };
    case 'failed':
      return {
        id,
        outcome: 'failed',
        status: unresolved,
        // An entry that only a person can correct waits for a person, also after somebody has retried it.
        retry_seconds: !isLast && errorClasses[result.errorClass].retryable === 'yes' ? backoffSeconds(attempts, retry) : null,
        error_class: result.errorClass satisfies ErrorClass,
        last_error_message: result.message,
        field_path: result.fieldPath ?? null,
        source_event_type: result.sourceEventType ?? null,
        idempotency_key: result.idempotencyKey ?? null,
        sample: result.sample ?? null,
        record_key: result.recordKey ?? null,
        record_digest: result.recordDigest ?? null,
      };
  }
}

/** A random pause between the base and a ceiling that doubles with every attempt (base 30 s: 60 s, 2 min, 4 min … 1 h). */
export function backoffSeconds(attempts: number, { retryBaseSeconds, retryMaxSeconds }: Config['dlq'], random = Math.random()): number {
  const ceiling = Math.min(retryMaxSeconds, retryBaseSeconds * 2 ** Math.min(attempts, 30));
  return retryBaseSeconds + random * Math.max(0, ceiling - retryBaseSeconds);
}
