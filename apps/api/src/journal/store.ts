import { type JournalRow, journalColumns } from '../deliveries/journal-rows.ts';
import type { Sql } from '../platform/db.ts';
import { type Cursor, type Page, readNewest } from '../platform/pages.ts';

// As the caller, under RLS.

/** A page of the newest deliveries of an org or a connection, after the place that a cursor names. */
export async function findLatestEntries(
  sql: Sql,
  { orgId, connectionId, after, limit }: { orgId: string; connectionId?: string | undefined; after?: Cursor | undefined; limit: number },
): Promise<Page<JournalRow>> {
  return readNewest<JournalRow>(
    sql,
    {
      columns: journalColumns,
      from: 'public.event_journal j join public.source_connections c on c.org_id = j.org_id and c.id = j.source_connection_id',
      where: 'j.org_id = $1 and ($2::uuid is null or j.source_connection_id = $2)',
      values: [orgId, connectionId ?? null],
      time: 'j.received_at',
      id: 'j.id',
    },
    limit,
    after,
  );
}

/** The place of an entry in the list of deliveries. Undefined when there is no such entry. */
export async function findPlace(sql: Sql, orgId: string, id: string): Promise<Cursor | undefined> {
  const [row] = await sql<Cursor & { us: string }>(
    'select (extract(epoch from received_at) * 1000000)::bigint as us, id from public.event_journal where org_id = $1 and id = $2',
    [orgId, id],
  );
  return row;
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
