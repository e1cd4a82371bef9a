import { type JournalRow, journalColumns } from '../deliveries/journal-rows.ts';
import type { Sql } from '../platform/db.ts';

// As the caller, under RLS.

/**
 * The newest deliveries of an org or a connection; with `after`, only deliveries older than that entry. Undefined when the entry does not
 * exist.
 */
export async function findLatestEntries(
  sql: Sql,
  { orgId, connectionId, after, limit }: { orgId: string; connectionId?: string | undefined; after?: string | undefined; limit: number },
): Promise<JournalRow[] | undefined> {
  let before: { received_at: string } | undefined;
  if (after !== undefined) {
    // As text: a Date would lose the microseconds of the column.
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

/** Undefined when there is no such entry, or when the caller may not see the entry. */
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
