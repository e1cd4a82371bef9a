import type { EventsImported } from '@tributary/shared/event-import.ts';
import type { EventCursor, EventExportFormat, EventFilter, EventRow } from '@tributary/shared/events.ts';
import { type JournalRow, journalColumns } from '../deliveries/journal-rows.ts';
import type { Sql } from '../platform/db.ts';

// Every statement but the last runs as the caller, under RLS.

/** A page of `search_events`, unparsed. */
export async function searchEvents(
  sql: Sql,
  { orgId, filter, before, limit }: { orgId: string; filter: EventFilter; before: EventCursor | null; limit: number },
): Promise<unknown> {
  const [row] = await sql<{ page: unknown }>('select public.search_events($1, $2, $3, $4) as page', [
    orgId,
    JSON.stringify(filter),
    before === null ? null : JSON.stringify(before),
    limit,
  ]);
  return row?.page;
}

/** The columns of canonical_events in the order of a CSV file. JSON columns are JSON text in a cell. */
export const exportColumns = [
  'id',
  'event_time',
  'received_at',
  'type',
  'source_type',
  'source_event_type',
  'source_event_id',
  'source_connection_id',
  'project_id',
  'order_ref',
  'amount_minor',
  'currency',
  'is_test',
  'idempotency_key',
  'subject',
  'attribution',
  'properties',
  'journal_id',
  'ingested_at',
  'schema_version',
  'rewritten_at',
  'revision',
] as const;

/**
 * The first events of a page with all their columns, in the page's order, as many as fit into `bytesMax`, and at least one: for CSV a list
 * of cells, otherwise the event as JSON text in the form of `CanonicalEvent`. `cutAfter` is the place of the last one when others did not fit.
 */
export async function findExportRows(
  sql: Sql,
  orgId: string,
  page: readonly EventRow[],
  format: EventExportFormat,
  bytesMax: number,
): Promise<{ rows: (string | (string | null)[])[]; cutAfter: EventCursor | undefined }> {
  const [newest, oldest] = [page[0], page.at(-1)];
  if (!newest || !oldest) return { rows: [], cutAfter: undefined };
  const time = (column: string) => `to_char(e.${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
  const cell = (column: string) => (/_(at|time)$/.test(column) ? time(column) : `e.${column}::text`);
  const row =
    format === 'csv'
      ? `json_build_array(${exportColumns.map(cell).join(', ')})`
      : `(to_jsonb(e) || jsonb_build_object('amount_minor', e.amount_minor::text, ${['event_time', 'received_at', 'ingested_at', 'rewritten_at'].map((column) => `'${column}', ${time(column)}`).join(', ')}))::text`;
  const rows = await sql<{ row: string | (string | null)[]; id: string; found: number }>(
    `with events as materialized (
       select e.id, e.event_time, ${row} as row from public.canonical_events e
       where e.org_id = $1 and e.id = any ($2::uuid[]) and e.event_time between $3 and $4
     ), measured as (
       select id, row, (count(*) over ())::integer as found, row_number() over place as nth, sum(octet_length(row::text)) over place as bytes
       from events window place as (order by event_time desc, id desc rows unbounded preceding)
     )
     select row, id, found from measured where nth = 1 or bytes <= $5 order by nth`,
    [orgId, page.map(({ id }) => id), oldest.eventTime, newest.eventTime, bytesMax],
  );
  const last = rows.at(-1);
  const cut = last && rows.length < last.found ? page.find(({ id }) => id === last.id) : undefined;
  return { rows: rows.map((one) => one.row), cutAfter: cut && { time: cut.eventTime, id: cut.id } };
}

export async function auditExport(sql: Sql, orgId: string, filter: EventFilter, format: EventExportFormat): Promise<void> {
  await sql('select private.audit_export($1, $2, $3)', [orgId, JSON.stringify(filter), format]);
}

/** Run it as an owner or admin of the connection's org: for others the database refuses. */
export async function importEvents(sql: Sql, connectionId: string, rows: readonly object[]): Promise<EventsImported> {
  const [row] = await sql<EventsImported>('select stored, restored, duplicates from private.import_events($1, $2)', [
    connectionId,
    JSON.stringify(rows),
  ]);
  if (!row) throw new Error('import_events returned no row');
  return row;
}

/** The connection that imported events will belong to. */
export interface ImportTarget {
  id: string;
  org_id: string;
  type: string;
}

/** The connection, for members of its org. */
export async function findImportTarget(sql: Sql, connectionId: string): Promise<ImportTarget | undefined> {
  const [row] = await sql<ImportTarget>('select id, org_id, type from public.source_connections where id = $1 and deleted_at is null', [
    connectionId,
  ]);
  return row;
}

export interface EventHead {
  org_id: string;
  journal_id: string;
}

/** Returns undefined when there is no such event that the caller may see. */
/** Those of the hashes with which the org has an event. Empty for an org that the caller is not a member of. */
export async function knownSubjects(sql: Sql, orgId: string, hashes: readonly string[]): Promise<string[]> {
  const [row] = await sql<{ known: string[] }>('select private.known_subjects($1, $2) as known', [orgId, hashes]);
  return row?.known ?? [];
}

export async function findEventHead(sql: Sql, id: string): Promise<EventHead | undefined> {
  const [row] = await sql<EventHead>('select org_id, journal_id from public.canonical_events where id = $1', [id]);
  return row;
}

/**
 * The event's delivery with all replays of the same original delivery, oldest first: when the delivery is a replay itself, the original
 * and its other replays are included.
 */
export async function findAttempts(sql: Sql, { org_id, journal_id }: EventHead): Promise<JournalRow[]> {
  return sql<JournalRow>(
    `with recursive up as (
       select j.id, j.replay_of from public.event_journal j where j.org_id = $1 and j.id = $2
       union select j.id, j.replay_of from up join public.event_journal j on j.org_id = $1 and j.id = up.replay_of
     ), down as (
       select u.id from up u
       union select j.id from down join public.event_journal j on j.org_id = $1 and j.replay_of = down.id
     )
     select ${journalColumns}
     from public.event_journal j join public.source_connections c on c.org_id = j.org_id and c.id = j.source_connection_id
     where j.org_id = $1 and j.id in (select id from down limit 1000) order by j.received_at, j.id limit 100`,
    [org_id, journal_id],
  );
}

export interface RecordRow {
  kind: 'event' | 'dead_letter';
  id: string;
  type: string;
  event_time: string;
  revision: number;
  record_index: number | null;
  error_class: string;
  status: 'pending' | 'retrying' | 'resolved' | 'exhausted' | 'discarded';
  created_at: string;
}

/** The events and dead letters that the delivery became, at most 100 of each. */
export async function findRecords(sql: Sql, { org_id, journal_id }: EventHead): Promise<RecordRow[]> {
  return sql<RecordRow>(
    `(select 'event' as kind, e.id, e.type, e.event_time, e.revision, null::integer as record_index, null as error_class, null as status, null::timestamptz as created_at
      from public.canonical_events e where e.org_id = $1 and e.journal_id = $2 order by e.event_time, e.id limit 100)
     union all
     (select 'dead_letter', d.id, null, null, null, d.record_index, d.error_class, d.status, d.created_at
      from public.dlq_events d where d.org_id = $1 and d.journal_id = $2 order by d.record_index nulls first, d.id limit 100)`,
    [org_id, journal_id],
  );
}

/** The reason of the legal hold that covers the connection, or null. */
export async function findHold(sql: Sql, orgId: string, connectionId: string): Promise<string | null> {
  const [row] = await sql<{ reason: string | null }>('select private.legal_hold_reason($1, $2) as reason', [orgId, connectionId]);
  return row?.reason ?? null;
}

/** Whether the connection was deleted. */
export async function isDeleted(sql: Sql, orgId: string, connectionId: string): Promise<boolean> {
  const [row] = await sql<{ deleted: boolean }>(
    'select deleted_at is not null as deleted from public.source_connections where org_id = $1 and id = $2',
    [orgId, connectionId],
  );
  return row?.deleted ?? true;
}

/** Whether the delivery's body is still stored. Runs as `worker`. */
export async function isBodyKept(sql: Sql, journalId: string): Promise<boolean> {
  return (await sql('select from private.journal_payloads where journal_id = $1', [journalId])).length > 0;
}
