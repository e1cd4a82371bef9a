import type {
  AlertChannelType,
  AlertKind,
  AlertLevel,
  AlertNotification,
  AlertThresholds,
  IncidentStatus,
  RecipientStatus,
} from '@tributary/shared/alerts.ts';
import { pageRowsMax } from '@tributary/shared/pages.ts';
import type { Db, Sql } from '../platform/db.ts';
import { type Cursor, type Page, readNewest } from '../platform/pages.ts';

// As the caller, under RLS --------------------------------------------------------------------------------------------

export interface RuleRow {
  id: string;
  org_id: string;
  kind: AlertKind;
  enabled: boolean;
  thresholds: AlertThresholds;
  renotify_minutes: number | null;
  resolve_after_minutes: number;
  updated_at: string;
  /** Whether the caller is an owner or admin of the rule's org. */
  may_write: boolean;
}

const mayWrite = `t.org_id = any (array(select private.my_orgs('{owner,admin}'))) as may_write`;
const ruleColumns = `t.id, t.org_id, t.kind, t.enabled, t.thresholds, t.renotify_minutes, t.resolve_after_minutes, t.updated_at, ${mayWrite}`;

export async function listRules(sql: Sql, orgId: string): Promise<RuleRow[]> {
  return sql<RuleRow>(`select ${ruleColumns} from public.alert_rules t where t.org_id = $1 order by t.kind limit ${pageRowsMax}`, [orgId]);
}

/** With `forUpdate`, the row is locked until the transaction ends. */
export async function findRule(sql: Sql, id: string, { forUpdate = false } = {}): Promise<RuleRow | undefined> {
  const [row] = await sql<RuleRow>(`select ${ruleColumns} from public.alert_rules t where t.id = $1${forUpdate ? ' for update' : ''}`, [
    id,
  ]);
  return row;
}

export async function updateRule(
  sql: Sql,
  rule: Pick<RuleRow, 'id' | 'enabled' | 'thresholds' | 'renotify_minutes' | 'resolve_after_minutes'>,
): Promise<void> {
  await sql(
    'update public.alert_rules set enabled = $2, thresholds = $3, renotify_minutes = $4, resolve_after_minutes = $5 where id = $1',
    [rule.id, rule.enabled, JSON.stringify(rule.thresholds), rule.renotify_minutes, rule.resolve_after_minutes],
  );
}

export interface ChannelRow {
  id: string;
  org_id: string;
  org_name: string;
  type: AlertChannelType;
  name: string;
  target: string;
  min_level: AlertLevel;
  is_enabled: boolean;
  last_sent_at: string | null;
  last_failed_at: string | null;
  last_error: string | null;
  created_at: string;
  updated_at: string;
  may_write: boolean;
  recipients: { address: string; status: RecipientStatus; asked_at: string | null }[];
}

const channels = `select t.id, t.org_id, o.name as org_name, t.type, t.name, t.target, t.min_level, t.is_enabled, t.last_sent_at, t.last_failed_at,
  t.last_error, t.created_at, t.updated_at, ${mayWrite}, case when t.type = 'email' then (
    select json_agg(json_build_object('address', r.address, 'status', r.status, 'asked_at', r.asked_at)) from private.alert_recipients_of(array[t.id]) r
  ) else '[]' end as recipients from public.alert_channels t join public.orgs o on o.id = t.org_id where t.deleted_at is null`;

export async function listChannels(sql: Sql, orgId: string): Promise<ChannelRow[]> {
  return sql<ChannelRow>(`${channels} and t.org_id = $1 order by t.created_at, t.id limit ${pageRowsMax}`, [orgId]);
}

export async function findChannel(sql: Sql, id: string): Promise<ChannelRow | undefined> {
  const [row] = await sql<ChannelRow>(`${channels} and t.id = $1`, [id]);
  return row;
}

/** Returns false when the org already has the maximum number of channels. */
export async function createChannel(
  sql: Sql,
  channel: { id: string; orgId: string; type: string; name: string; target: string; minLevel: string; sealed: Buffer },
): Promise<boolean> {
  const [row] = await sql<{ created: boolean }>('select private.create_alert_channel($1, $2, $3, $4, $5, $6, $7) as created', [
    channel.id,
    channel.orgId,
    channel.type,
    channel.name,
    channel.target,
    channel.minLevel,
    channel.sealed,
  ]);
  return row?.created ?? false;
}

export async function updateChannel(
  sql: Sql,
  id: string,
  changes: { name?: string | undefined; minLevel?: AlertLevel | undefined; enabled?: boolean | undefined },
): Promise<void> {
  await sql(
    `update public.alert_channels set name = coalesce($2, name), min_level = coalesce($3, min_level), is_enabled = coalesce($4, is_enabled)
     where id = $1 and deleted_at is null`,
    [id, changes.name ?? null, changes.minLevel ?? null, changes.enabled ?? null],
  );
}

export async function setChannelTarget(sql: Sql, id: string, target: string, sealed: Buffer): Promise<void> {
  await sql('select private.set_alert_channel_target($1, $2, $3)', [id, target, sealed]);
}

/** Returns false when there is no such channel. */
export async function deleteChannel(sql: Sql, id: string): Promise<boolean> {
  const [row] = await sql<{ deleted: boolean }>('select private.delete_alert_channel($1) as deleted', [id]);
  return row?.deleted ?? false;
}

export interface IncidentRow {
  id: string;
  org_id: string;
  kind: AlertKind;
  source_connection_id: string;
  connection_name: string;
  source_type: string;
  connections: number;
  status: IncidentStatus;
  level: AlertLevel;
  peak_level: AlertLevel;
  value: number;
  threshold: number;
  message: string;
  opened_at: string;
  last_seen_at: string;
  acknowledged_at: string | null;
  acknowledged_by: string | null;
  resolved_at: string | null;
  resolved_by: string | null;
  resolution: 'recovered' | 'no_traffic' | 'not_watched' | 'by_person' | null;
}

const incidentColumns = `i.id, i.org_id, i.kind, i.source_connection_id, c.name as connection_name, c.type as source_type, i.connections, i.status, i.level,
  i.peak_level, i.value, i.threshold, i.message, i.opened_at, i.last_seen_at,
  i.acknowledged_at, i.acknowledged_by, i.resolved_at, i.resolved_by, i.resolution`;
const incidents = 'public.alert_incidents i join public.source_connections c on c.org_id = i.org_id and c.id = i.source_connection_id';

export interface IncidentFilter {
  statuses: readonly IncidentStatus[] | undefined;
  connectionId: string | undefined;
  kind: AlertKind | undefined;
}

/** A page of the org's incidents, newest first. */
export async function listIncidents(
  sql: Sql,
  orgId: string,
  { statuses, connectionId, kind }: IncidentFilter,
  limit: number,
  after: Cursor | undefined,
): Promise<Page<IncidentRow>> {
  return readNewest<IncidentRow>(
    sql,
    {
      columns: incidentColumns,
      from: incidents,
      where: `i.org_id = $1 and ($2::text[] is null or i.status = any ($2)) and ($3::uuid is null or exists (
          select from public.alert_incident_connections m where m.org_id = i.org_id and m.incident_id = i.id and m.source_connection_id = $3))
        and ($4::text is null or i.kind = $4)`,
      values: [orgId, statuses ?? null, connectionId ?? null, kind ?? null],
      time: 'i.opened_at',
      id: 'i.id',
    },
    limit,
    after,
  );
}

export async function findIncident(sql: Sql, id: string): Promise<IncidentRow | undefined> {
  const [row] = await sql<IncidentRow>(`select ${incidentColumns} from ${incidents} where i.id = $1`, [id]);
  return row;
}

export interface IncidentConnectionRow {
  source_connection_id: string;
  connection_name: string;
  kind: AlertKind;
  level: AlertLevel;
  value: number;
  threshold: number;
  joined_at: string;
  left_at: string | null;
}

/** The connections of the incident, those first that still have the condition, and of these the gravest first. */
export async function listIncidentConnections(sql: Sql, incident: Pick<IncidentRow, 'id' | 'org_id'>): Promise<IncidentConnectionRow[]> {
  return sql<IncidentConnectionRow>(
    `select m.source_connection_id, c.name as connection_name, m.kind, m.level, m.value, m.threshold, m.joined_at, m.left_at
     from public.alert_incident_connections m join public.source_connections c on c.org_id = m.org_id and c.id = m.source_connection_id
     where m.org_id = $1 and m.incident_id = $2
     order by m.left_at is not null, array_position('{critical,warning,info}', m.level), m.value desc, m.source_connection_id limit ${pageRowsMax}`,
    [incident.org_id, incident.id],
  );
}

export interface NotificationRow {
  id: string;
  channel_id: string;
  channel_name: string;
  channel_type: AlertChannelType;
  kind: AlertNotification['kind'];
  level: AlertLevel;
  message: string;
  status: AlertNotification['status'];
  attempts: number;
  next_attempt_at: string;
  last_error: string | null;
  created_at: string;
  settled_at: string | null;
}

/** The newest 200 notifications of the incident, oldest first. */
export async function listNotifications(sql: Sql, incident: Pick<IncidentRow, 'id' | 'org_id'>): Promise<NotificationRow[]> {
  return sql<NotificationRow>(
    `select * from (select n.seq, n.id, n.channel_id, c.name as channel_name, c.type as channel_type, n.kind, n.level, n.message, n.status, n.attempts, n.next_attempt_at,
       n.last_error, n.created_at, n.settled_at
     from public.alert_notifications n join public.alert_channels c on c.org_id = n.org_id and c.id = n.channel_id
     where n.org_id = $1 and n.incident_id = $2 order by n.seq desc limit ${pageRowsMax}) newest order by seq`,
    [incident.org_id, incident.id],
  );
}

/** Changes the incident once, also when called again. Returns false when there is no such incident. */
export async function changeIncident(sql: Sql, id: string, status: 'acknowledged' | 'resolved'): Promise<boolean> {
  const [row] = await sql<{ found: boolean }>('select private.change_alert_incident($1, $2) as found', [id, status]);
  return row?.found ?? false;
}

// As the worker, past RLS ---------------------------------------------------------------------------------------------

/** Check the caller's permission for the channel first: this runs past RLS. */
export async function findSealedDestination(db: Pick<Db, 'worker'>, channelId: string): Promise<Buffer | undefined> {
  const [row] = await db.worker((sql) =>
    sql<{ sealed: Buffer | null }>('select private.find_alert_channel_secret($1) as sealed', [channelId]),
  );
  return row?.sealed ?? undefined;
}

/** Records on the channel whether a test, which does not go through the outbox, arrived. */
export async function recordChannelResult(db: Pick<Db, 'worker'>, channelId: string, error: string | undefined): Promise<void> {
  await db.worker((sql) => sql('select private.record_alert_channel_result($1, $2)', [channelId, error ?? null]));
}

/** What an evaluation changed. */
export interface Evaluated {
  opened: number;
  escalated: number;
  reminded: number;
  resolved: number;
  notifications: number;
}

/** A pass over the orgs, with the time of the database at which it began. */
export interface Pass {
  now: string;
  watchingSince: string;
}

/** Begins a pass; `now` is given by tests only. */
export async function beginPass(db: Pick<Db, 'worker'>, now?: string): Promise<Pass> {
  const [row] = await db.worker((sql) =>
    sql<{ now: string; watching_since: string }>(
      `select n.now::text as now, private.begin_alert_pass(n.now)::text as watching_since
       from (select coalesce($1::timestamptz, clock_timestamp()) as now) n`,
      [now ?? null],
    ),
  );
  if (!row) throw new Error('begin_alert_pass returned no row');
  return { now: row.now, watchingSince: row.watching_since };
}

/** The next orgs of the pass; empty at its end. */
export async function claimOrgs(db: Pick<Db, 'worker'>, { now }: Pass, most: { orgs: number; connections: number }): Promise<string[]> {
  const [row] = await db.worker((sql) =>
    sql<{ orgs: string[] }>('select private.claim_alert_orgs($1, $2, $3, 60) as orgs', [now, most.orgs, most.connections]),
  );
  return row?.orgs ?? [];
}

/** Evaluates the alerts of the orgs in one transaction, which Postgres ends after `withinMs`. */
export async function evaluateOrgs(
  db: Pick<Db, 'worker'>,
  { now, watchingSince }: Pass,
  orgs: readonly string[],
  withinMs: number,
): Promise<Evaluated> {
  return db.worker(async (sql) => {
    await sql(`select set_config('statement_timeout', $1, true)`, [String(withinMs)]);
    const [row] = await sql<Evaluated & Record<string, unknown>>('select * from private.evaluate_alerts($1, $2, $3)', [
      orgs,
      now,
      watchingSince,
    ]);
    if (!row) throw new Error('evaluate_alerts returned no row');
    return row;
  });
}

/** The evaluation of the org failed: it is tried again later. */
export async function postponeOrg(db: Pick<Db, 'worker'>, orgId: string): Promise<void> {
  await db.worker((sql) => sql('select private.postpone_alerts($1)', [orgId]));
}

export interface ClaimedNotification {
  id: string;
  attempts: number;
  kind: AlertNotification['kind'];
  level: AlertLevel;
  value: number;
  threshold: number;
  message: string;
  created_at: string;
  org_id: string;
  org_name: string;
  incident_id: string;
  rule: string;
  opened_at: string;
  actor_email: string | null;
  connection_id: string;
  connection_name: string;
  source_type: string;
  connections: number;
  channel_id: string;
  channel_type: AlertChannelType;
  sealed: Buffer | null;
}

export async function claimNotifications(db: Pick<Db, 'worker'>, limit: number, leaseSeconds: number): Promise<ClaimedNotification[]> {
  return db.worker((sql) =>
    sql<ClaimedNotification & Record<string, unknown>>('select * from private.claim_alert_notifications($1, $2)', [limit, leaseSeconds]),
  );
}

/** The result of an attempt to deliver a notification; `afterSeconds` is the wait before the next attempt. */
export interface AttemptResult {
  outcome: 'sent' | 'retry' | 'postponed' | 'failed';
  error: string | undefined;
  afterSeconds: number;
}

export async function recordAttempt(
  db: Pick<Db, 'worker'>,
  claimed: ClaimedNotification,
  { outcome, error, afterSeconds }: AttemptResult,
): Promise<void> {
  await db.worker((sql) =>
    sql('select private.settle_alert_notification($1, $2, $3, $4, $5)', [
      claimed.id,
      claimed.attempts,
      outcome,
      error ?? null,
      afterSeconds,
    ]),
  );
}
