import type { Verdict } from '@tributary/shared/api.ts';
import type { Sql } from '../platform/db.ts';
import { type Cursor, type Page, readNewest } from '../platform/pages.ts';

export interface ConnectionRow {
  id: string;
  org_id: string;
  project_id: string;
  type: string;
  name: string;
  is_active: boolean;
  rate_limit_per_second: number | null;
  priority: 'normal' | 'low';
  suspended_reason: string | null;
  allowed_ips: string[] | null;
  config_json: Record<string, unknown>;
  created_at: string;
  updated_at: string;
  last_event_at: string | null;
  /** Whether the caller is an owner or admin of the connection's org. */
  may_write: boolean;
  secrets: SecretRow[];
  verdict: Verdict;
}

export interface SecretRow {
  name: string;
  created_at: string;
  expires_at: string | null;
}

// Every statement here runs as the caller, under RLS.

const columns = `c.id, c.org_id, c.project_id, c.type, c.name, c.is_active, c.rate_limit_per_second, c.priority,
  c.suspended_reason, c.allowed_ips::text[] as allowed_ips, c.config_json, c.created_at, c.updated_at, c.last_event_at,
  c.org_id = any (array(select private.my_orgs('{owner,admin}'))) as may_write`;

type OwnColumns = Omit<ConnectionRow, 'secrets' | 'verdict'>;

/** The rows with their secrets and verdicts. A connection that was deleted meanwhile is left out. */
async function complete(sql: Sql, rows: OwnColumns[]): Promise<ConnectionRow[]> {
  const ids = rows.map((row) => row.id);
  const secrets = await sql<SecretRow & { source_connection_id: string }>('select * from private.list_connection_secrets($1)', [ids]);
  const verdicts = await sql<Omit<Verdict, 'state'> & { source_connection_id: string; verdict: Verdict['state'] }>(
    'select * from private.my_connection_verdicts($1)',
    [ids],
  );
  const secretsOf = Map.groupBy(secrets, (secret) => secret.source_connection_id);
  const verdictOf = new Map(
    verdicts.map(({ source_connection_id, verdict, reason, level, since }) => [
      source_connection_id,
      { state: verdict, reason, level, since },
    ]),
  );
  return rows.flatMap((row) => {
    const verdict = verdictOf.get(row.id);
    return verdict ? [{ ...row, secrets: secretsOf.get(row.id) ?? [], verdict }] : [];
  });
}

export async function findConnection(sql: Sql, id: string): Promise<ConnectionRow | undefined> {
  const rows = await sql<OwnColumns & Record<string, unknown>>(
    `select ${columns} from public.source_connections c where c.id = $1 and c.deleted_at is null`,
    [id],
  );
  return (await complete(sql, rows))[0];
}

export interface ConnectionFilter {
  /** The caller's orgs when left out. */
  orgId?: string | undefined;
  projectId?: string | undefined;
  /** A part of the name or of the id, in any case. */
  search?: string | undefined;
}

/** A page of the connections that match, newest first. */
export async function listConnections(
  sql: Sql,
  { orgId, projectId, search }: ConnectionFilter,
  limit: number,
  after: Cursor | undefined,
): Promise<Page<ConnectionRow>> {
  const page = await readNewest<OwnColumns>(
    sql,
    {
      columns,
      from: 'public.source_connections c',
      where: `c.org_id = any (array(select private.my_orgs())) and c.deleted_at is null
        and ($1::uuid is null or c.org_id = $1) and ($2::uuid is null or c.project_id = $2)
        and ($3::text is null or strpos(lower(c.name), lower($3)) > 0 or strpos(c.id::text, lower($3)) > 0)`,
      values: [orgId ?? null, projectId ?? null, search ?? null],
      time: 'c.created_at',
      id: 'c.id',
    },
    limit,
    after,
  );
  return { ...page, rows: await complete(sql, page.rows) };
}

export async function findProject(sql: Sql, id: string): Promise<{ org_id: string; may_write: boolean } | undefined> {
  const [row] = await sql<{ org_id: string; may_write: boolean }>(
    `select org_id, org_id = any (array(select private.my_orgs('{owner,admin}'))) as may_write from public.projects where id = $1`,
    [id],
  );
  return row;
}

export async function createConnection(
  sql: Sql,
  row: { orgId: string; projectId: string; type: string; name: string; config: unknown },
): Promise<string> {
  const [created] = await sql<{ id: string }>('select private.create_connection($1, $2, $3, $4, $5) as id', [
    row.orgId,
    row.projectId,
    row.type,
    row.name,
    JSON.stringify(row.config),
  ]);
  if (!created) throw new Error('create_connection returned no row');
  return created.id;
}

export async function updateConnection(
  sql: Sql,
  id: string,
  changes: {
    name?: string | undefined;
    isActive?: boolean | undefined;
    /** Has passed the schema of the source. */
    config?: unknown;
    /** null removes the limit. */
    rateLimitPerSecond?: number | null | undefined;
    priority?: 'normal' | 'low' | undefined;
    /** null allows every address. */
    allowedIps?: readonly string[] | null | undefined;
    /** null ends the suspension. */
    suspendedReason?: string | null | undefined;
  },
): Promise<void> {
  if (changes.config !== undefined) await sql('select private.set_connection_config($1, $2)', [id, JSON.stringify(changes.config)]);
  await sql(
    `update public.source_connections
     set name = coalesce($2, name), is_active = coalesce($3, is_active), priority = coalesce($4, priority),
       rate_limit_per_second = case when $5 then $6 else rate_limit_per_second end,
       -- network() turns 10.0.0.1/8 into 10.0.0.0/8.
       allowed_ips = case when $7 then (select array_agg(network(ip::inet)) from unnest($8::text[]) ip) else allowed_ips end,
       suspended_reason = case when $9 then $10 else suspended_reason end
     where id = $1 and deleted_at is null`,
    [
      id,
      changes.name ?? null,
      changes.isActive ?? null,
      changes.priority ?? null,
      changes.rateLimitPerSecond !== undefined,
      changes.rateLimitPerSecond ?? null,
      changes.allowedIps !== undefined,
      changes.allowedIps ?? null,
      changes.suspendedReason !== undefined,
      changes.suspendedReason ?? null,
    ],
  );
}

/** The old secrets of this name stay valid for the grace period, in seconds. */
export async function rotateSecret(sql: Sql, connectionId: string, name: string, sealed: Buffer, graceSeconds: number): Promise<void> {
  await sql('select private.rotate_connection_secret($1, $2, $3, $4)', [connectionId, name, sealed, graceSeconds]);
}

/** Returns false when there is no such connection. */
export async function deleteConnection(sql: Sql, id: string): Promise<boolean> {
  const [row] = await sql<{ deleted: boolean }>('select private.delete_connection($1) as deleted', [id]);
  return row?.deleted ?? false;
}

/** Bodies that are opened to be explained. */
const explainedBytesMax = 32_768;

const explainable = `j.org_id = $1 and j.source_connection_id = $2 and j.outcome <> 'rejected' and j.erased_at is null and j.byte_size <= $3`;

/**
 * The newest delivery that was proved genuine, is not erased and is light; one that is no test is preferred. The journal has no index by connection:
 * it is searched in the last minutes in which the connection received something, and for a connection that has been silent for longer than the
 * minutes are kept, by its newest events.
 */
export async function findExplainable(sql: Sql, { id, org_id }: Pick<ConnectionRow, 'id' | 'org_id'>): Promise<string | undefined> {
  const values = [org_id, id, explainedBytesMax];
  const [recent] = await sql<{ id: string }>(
    `select f.id
     from (
       select distinct a.bucket from public.connection_activity a
       where a.org_id = $1 and a.source_connection_id = $2 and a.received > a.rejected order by a.bucket desc limit 20
     ) a
     cross join lateral (
       select j.id, j.received_at, j.is_test
       from (
         select * from public.event_journal n
         where n.org_id = $1 and n.received_at >= a.bucket - interval '1 minute' and n.received_at < a.bucket + interval '1 minute'
         order by n.received_at desc, n.id desc limit 2000
       ) j
       where ${explainable}
       order by j.is_test, j.received_at desc limit 1
     ) f
     order by f.is_test, f.received_at desc limit 1`,
    values,
  );
  if (recent) return recent.id;
  const [older] = await sql<{ id: string }>(
    `select j.id
     from (
       select e.journal_id from public.canonical_events e
       where e.org_id = $1 and e.source_connection_id = $2 order by e.event_time desc limit 20
     ) e
     join public.event_journal j on j.id = e.journal_id
     where ${explainable}
     order by j.received_at desc limit 1`,
    values,
  );
  return older?.id;
}

/** Whether this delivery of the connection may be opened to be explained. */
export async function isExplainable(sql: Sql, { id, org_id }: Pick<ConnectionRow, 'id' | 'org_id'>, journalId: string): Promise<boolean> {
  const found = await sql(`select from public.event_journal j where ${explainable} and j.id = $4`, [
    org_id,
    id,
    explainedBytesMax,
    journalId,
  ]);
  return found.length > 0;
}
