import type { DlqFilter, DlqTrial } from '@tributary/shared/dlq.ts';
import type { KeyRow } from '../deliveries/rows.ts';
import type { ExistingKey } from '../deliveries/store.ts';
import { chunkBySize } from '../platform/chunk-by-size.ts';
import type { Sql } from '../platform/db.ts';
import type { Attempt, ClaimedEntry } from './claims.ts';
import { filterValues, matchesFilter } from './filter.ts';
import { failureOf, type RunDeps, runPart } from './retry.ts';

/** The entries that a trial runs: the oldest and the newest that match, half of each. */
const entriesMax = 20;
/** The most bytes of deliveries that a trial reads, because a person is waiting for it. */
const bytesMax = 4_194_304;

/** The entries to try, under the caller's RLS: the oldest and the newest, because a cause that was corrected in between divides them. */
export async function selectForTrial(sql: Sql, orgId: string, filter: DlqFilter, nowMs: number): Promise<ClaimedEntry[]> {
  const half = (order: 'asc' | 'desc') =>
    `(select d.* from public.dlq_events d where ${matchesFilter} order by d.created_at ${order}, d.id ${order} limit $13)`;
  return sql<ClaimedEntry>(
    `select d.id, d.org_id, d.source_connection_id, d.journal_id, d.record_index, d.error_class, d.is_quarantine, d.attempts,
       (select j.byte_size from public.event_journal j where j.id = d.journal_id limit 1) as byte_size
     from (${half('asc')} union ${half('desc')}) d order by d.created_at desc, d.id desc`,
    [...filterValues(orgId, filter, nowMs), entriesMax / 2],
  );
}

/**
 * Runs the entries through the pipeline as a redrive would, compares the keys of their events with those that are stored, and writes
 * nothing. The rows have passed the caller's RLS; their deliveries are read as `worker`.
 */
export async function tryEntries(deps: RunDeps, entries: readonly ClaimedEntry[]): Promise<DlqTrial> {
  const deliveries = [...Map.groupBy(entries, (entry) => entry.journal_id).values()];
  const [part = []] = chunkBySize(deliveries, ([one]) => one?.byte_size ?? 0, bytesMax);
  const attempts = await runPart(deps, part);
  const existing = await deps.db.worker((sql) => findStoredKeys(sql, attempts.flatMap(keysOf)));
  const failures = new Map<string, DlqTrial['failures'][number]>();
  let tried = 0;
  let failed = 0;
  for (const { entries: run, result } of attempts) {
    tried += run.length;
    const reason = failureOf(result, existing);
    if (reason === undefined) continue;
    failed += run.length;
    const known = failures.get(reason);
    if (known) known.count += run.length;
    else failures.set(reason, { reason, count: run.length, message: 'message' in result ? result.message : null });
  }
  return { tried, succeeded: tried - failed, failures: [...failures.values()].toSorted((a, b) => b.count - a.count) };
}

function keysOf({ result }: Attempt): KeyRow[] {
  if (result.outcome === 'event') return [result.key];
  return result.outcome === 'delivered' ? result.item.records.flatMap((record) => ('key' in record ? record.key : [])) : [];
}

/** The keys that are stored already, as writing them would report them. */
async function findStoredKeys(sql: Sql, keys: readonly KeyRow[]): Promise<ExistingKey[]> {
  if (keys.length === 0) return [];
  return sql<ExistingKey>(
    `select k.event_id, s.event_id as stored_event_id, case when s.body_sha256 = decode(k.body_sha256, 'hex') then 'duplicate' else 'conflict' end as outcome
     from json_populate_recordset(null::private.key_row, $1) k join private.event_keys s using (source_connection_id, idempotency_key)`,
    [JSON.stringify(keys)],
  );
}
