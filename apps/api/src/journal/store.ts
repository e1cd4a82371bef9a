import { type JournalRow, journalColumns } from '../deliveries/journal-rows.ts';
import type { Sql } from '../platform/db.ts';

/** A delivery as the journal keeps it, with its sealed bytes. */
export interface JournalEntry {
  id: string;
  org_id: string;
  source_connection_id: string;
  received_at: string;
  record_count: number;
  outcome: 'accepted' | 'duplicate' | 'dead_lettered' | 'mixed' | 'rejected';
  is_test: boolean;
  replay_of: string | null;
  key_version: number;
  sealed: Buffer;
}

/** As `worker`. Entries whose partition was dropped by retention are simply not among the answer. */
export async function findJournalEntries(sql: Sql, ids: readonly string[]): Promise<Map<string, JournalEntry>> {
  const rows = await sql<JournalEntry>(
    `select j.id, j.org_id, j.source_connection_id, j.received_at, j.record_count, j.outcome, j.is_test, j.replay_of, p.key_version, p.sealed
     from public.event_journal j
     join private.journal_payloads p on p.journal_id = j.id and p.received_at = j.received_at
     where j.id = any ($1::uuid[])`,
    [ids],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

// As the caller, under RLS.

/** The newest deliveries of an org, or of one connection; with `after`, those before that entry. Undefined: there is no such entry. */
export async function findLatestEntries(
  sql: Sql,
  { orgId, connectionId, after, limit }: { orgId: string; connectionId?: string | undefined; after?: string | undefined; limit: number },
): Promise<JournalRow[] | undefined> {
  let before: { received_at: string } | undefined;
  if (after !== undefined) {
    // As text: a timestamp of JavaScript ends at the millisecond, the column's at the microsecond.
    [before] = await sql<{ received_at: string }>('select received_at::text from public.event_journal where org_id = $1 and id = $2', [
      orgId,
      after,
    ]);
    if (!before) return undefined;
  }
  return sql<JournalRow>(
    `select ${journalColumns}
     from public.event_journal j join public.source_connections c on c.org_id = j.org_id and c.id = j.source_connection_id
     where j.org_id = $1 and ($2::uuid is null or j.source_connection_id = $2)
       and ($3::uuid is null or (j.received_at, j.id) < ($4::timestamptz, $3))
     order by j.received_at desc, j.id desc limit $5`,
    [orgId, connectionId ?? null, after ?? null, before?.received_at ?? null, limit],
  );
}

export async function hasConnection(sql: Sql, orgId: string, connectionId: string): Promise<boolean> {
  return (await sql('select from public.source_connections where org_id = $1 and id = $2', [orgId, connectionId])).length > 0;
}

/** Undefined: no such entry, for this caller. */
export async function findEntryHead(sql: Sql, id: string): Promise<{ org_id: string; may_write: boolean } | undefined> {
  const [row] = await sql<{ org_id: string; may_write: boolean }>(
    `select org_id, org_id = any (array(select private.my_orgs('{owner,admin}'))) as may_write from public.event_journal where id = $1`,
    [id],
  );
  return row;
}

export async function auditReplay(sql: Sql, id: string, mode: string): Promise<void> {
  await sql('select private.audit_replay($1, $2)', [id, mode]);
}
