import type pg from 'pg';

// Two orgs with rows in every table, and the actors that try to reach these rows.

export type Org = 'A' | 'B';
export type Actor =
  | 'owner A'
  | 'admin A'
  | 'analyst A'
  | 'owner B'
  | 'admin B'
  | 'stranger'
  | 'no sub'
  | 'anon'
  | 'service_role'
  | 'ingest'
  | 'maintenance'
  | 'worker'
  | 'api login';

const id = (org: Org, n: number) => `${org.toLowerCase()}0000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

export const orgId = (org: Org) => id(org, 1);
export const projectId = (org: Org) => id(org, 2);
export const connectionId = (org: Org) => id(org, 3);
export const deletedConnectionId = (org: Org) => id(org, 4);
export const inviteId = (org: Org) => id(org, 5);
export const deadLetterId = (org: Org) => id(org, 6);
export const journalId = (org: Org) => id(org, 7);
export const eventId = (org: Org) => id(org, 8);
export const holdId = (org: Org) => id(org, 9);
export const erasureId = (org: Org) => id(org, 10);
export const approvalId = (org: Org) => id(org, 11);
export const alertChannelId = (org: Org) => id(org, 21);
export const deletedAlertChannelId = (org: Org) => id(org, 23);
export const alertIncidentId = (org: Org) => id(org, 22);
export const userId = (org: Org, role: 'owner' | 'admin' | 'analyst') => id(org, { owner: 91, admin: 92, analyst: 93 }[role]);
export const strangerId = 'c0000000-0000-4000-8000-000000000099';

type Identity = { role: string; claims: Record<string, unknown> };

const signedIn = (sub: string, email: string): Identity => ({
  role: 'authenticated',
  claims: { sub, role: 'authenticated', email, aal: 'aal1', is_anonymous: false },
});
const machine = (role: string): Identity => ({ role, claims: {} });

export const identities: Record<Actor, Identity> = {
  'owner A': signedIn(userId('A', 'owner'), 'owner@a.example'),
  'admin A': signedIn(userId('A', 'admin'), 'admin@a.example'),
  'analyst A': signedIn(userId('A', 'analyst'), 'analyst@a.example'),
  'owner B': signedIn(userId('B', 'owner'), 'owner@b.example'),
  'admin B': signedIn(userId('B', 'admin'), 'admin@b.example'),
  stranger: signedIn(strangerId, 'stranger@c.example'),
  'no sub': { role: 'authenticated', claims: { role: 'authenticated' } },
  anon: { role: 'anon', claims: { role: 'anon' } },
  service_role: machine('service_role'),
  ingest: machine('ingest'),
  maintenance: machine('maintenance'),
  worker: machine('worker'),
  'api login': machine('tributary_api'),
};
export const actors = Object.keys(identities) as Actor[];
export const people: readonly Actor[] = actors.filter((actor) => identities[actor].role === 'authenticated');

/** SQL that makes the rest of the transaction, or of the savepoint, run as the actor. */
export function become(actor: Actor): string {
  const { role, claims } = identities[actor];
  return `select set_config('role', '${role}', true), set_config('request.jwt.claims', '${JSON.stringify(claims)}', true)`;
}

/** Fills the database through a superuser connection. The rows' ids are the constants above. */
export async function createWorld(client: pg.ClientBase): Promise<void> {
  await client.query(`
    insert into auth.users (id, email) values ('${strangerId}', 'stranger@c.example');
    insert into private.schedule (task, started_at) values ('some.task', now());
    ${insertSweep('canonical_events_y2001m01_held')};
    ${insertHeldMove('canonical_events_y2001m01')};
    ${insertHeldMoveHold('canonical_events_y2001m01')};
    ${insertInstance('c0000000-0000-4000-8000-000000000001')};
    ${insertTransition};
    insert into private.operators (name, token_sha256, created_by) values ('ana', sha256('a token'), 'bootstrap');
    insert into private.operator_acts (operator, action) values ('ana', 'drain');
    ${orgSql('A')}
    ${orgSql('B')}
    -- Entries of the audit log are linked when a transaction commits, and the world is never committed.
    set constraints all immediate; set constraints all deferred;
    insert into private.audit_anchors (org_id, seq, hash) select org_id, seq, hash from private.audit_links where seq = 1;
  `);
}

function orgSql(org: Org): string {
  const [o, p, c] = [orgId(org), projectId(org), connectionId(org)];
  const roles = ['owner', 'admin', 'analyst'] as const;
  return `
    insert into auth.users (id, email) values
      ${roles.map((role) => `('${userId(org, role)}', '${role}@${org.toLowerCase()}.example')`).join(', ')};
    insert into public.orgs (id, name, slug) values ('${o}', 'Org ${org}', 'org-${org.toLowerCase()}');
    insert into public.audit_log (org_id, action, created_at) values ('${o}', 'orgs.insert', now() - interval '60 days');
    insert into public.org_members (org_id, user_id, role) values
      ${roles.map((role) => `('${o}', '${userId(org, role)}', '${role}')`).join(', ')};
    insert into public.projects (id, org_id, name, slug) values ('${p}', '${o}', 'Project', 'project');
    insert into public.org_invites (id, org_id, email, role) values ('${inviteId(org)}', '${o}', 'invited@c.example', 'analyst');
    insert into private.invite_tokens (invite_id, token_sha256) values ('${inviteId(org)}', sha256('${org}'));
    insert into public.source_connections (id, org_id, project_id, name, type) values ('${c}', '${o}', '${p}', 'Shop', 'hotmart');
    insert into public.source_connections (id, org_id, project_id, name, type, is_active, deleted_at)
      values ('${deletedConnectionId(org)}', '${o}', '${p}', 'Gone', 'stripe', false, now());
    insert into private.connection_secrets (org_id, source_connection_id, name, sealed) values ('${o}', '${c}', 'hottok', '\\x00');
    insert into private.org_keys (org_id, kind, version, wrapped, master_version)
      values ('${o}', 'data', 1, '\\x00', 1), ('${o}', 'hash', 1, '\\x00', 1);
    insert into private.org_digest_keys (org_id, key_version, sealed) values ('${o}', 1, '\\x00');
    ${insertJournal(org, journalId(org))};
    ${insertPayload(org, journalId(org))};
    ${insertKey(org, 'first')};
    ${insertEvent(org, eventId(org))};
    ${insertDeadLetter(org, deadLetterId(org))};
    insert into public.dlq_operations (org_id, kind, filter, total) values ('${o}', 'redrive', '{}', 1);
    ${insertActivity(org)};
    ${rollups.map((table) => insertRollup(org, table, '2026-01-01')).join(';')};
    ${insertQuarantine(org, '2026-01-01')};
    ${insertRejection(org, connectionId(org), '2026-01-01')};
    ${insertRetentionSetting(org, 'events')};
    ${insertRetentionCursor(org, 'public.dlq_events')};
    ${insertOrgDeletion(o)};
    ${insertHold(org, { id: holdId(org) })};
    ${insertErasure(org, erasureId(org))};
    insert into private.erased_persons (erasure_id, digest) values ('${erasureId(org)}', repeat('d', 64));
    insert into private.erased_keys (org_id, digest) values ('${o}', repeat('d', 64));
    ${insertErasedPerson(org)};
    insert into private.id_conversions (org_id) values ('${o}');
    ${insertReplay(org)};
    insert into public.org_security (org_id) values ('${o}');
    ${insertApproval(org, { id: approvalId(org) })};
    insert into private.approval_secrets (approval_id, key_version, sealed) values ('${approvalId(org)}', 1, '\\x00');
    ${insertAlertChannel(org, alertChannelId(org))};
    ${insertAlertChannel(org, deletedAlertChannelId(org))};
    update public.alert_channels set is_enabled = false, deleted_at = now() where id = '${deletedAlertChannelId(org)}';
    insert into private.alert_channel_secrets (channel_id, org_id, sealed) values ('${alertChannelId(org)}', '${o}', '\\x00');
    ${insertAlertIncident(org, alertIncidentId(org), 'ConnectionSilent')};
    ${insertAlertNotification(org, 'opened')};
    insert into private.alert_recipients (org_id, digest, channel_id) values ('${o}', '\\x02', '${alertChannelId(org)}');
    insert into private.alert_mails (notification_id, digest)
      select id, '\\x02' from public.alert_notifications where org_id = '${o}';
    insert into private.mail_paces (key, used_until) values ('mail of ${o}', now());
    insert into private.required_secrets (source_type, name) values ('source-of-${org.toLowerCase()}', 'secret');
    insert into private.connection_rhythm (source_connection_id, org_id, learned_at, active_minutes, expected_gap_seconds)
      values ('${c}', '${o}', now(), 5, 60);
    insert into private.quotas (name, org_id, value) values ('projects', '${o}', 1000);
    insert into private.quota_usage (org_id, quota, day, used) values ('${o}', 'invites_per_day', '2026-01-01', 1);
    insert into private.org_measures (org_id, counted_until) values ('${o}', now());
  `;
}

export const insertJournal = (org: Org, journal: string, connection = connectionId(org)) => `
  insert into public.event_journal (id, org_id, source_connection_id, received_at, byte_size, body_sha256, record_count, outcome)
  values ('${journal}', '${orgId(org)}', '${connection}', now(), 2, repeat('a', 64), 1, 'accepted')`;

export const insertPayload = (org: Org, journal: string) => `
  insert into private.journal_payloads (journal_id, received_at, org_id, key_version, sealed)
  values ('${journal}', now(), '${orgId(org)}', 1, '\\x00')`;

export const insertKey = (org: Org, key: string) => `
  insert into private.event_keys (source_connection_id, idempotency_key, event_id, event_time, body_sha256)
  values ('${connectionId(org)}', '${key}', '${eventId(org)}', now(), sha256('body'))`;

type Pointers = { project?: string; connection?: string };

export const insertEvent = (
  org: Org,
  event: string,
  { project, connection, at, received }: Pointers & { at?: string; received?: string } = {},
) => `
  insert into public.canonical_events (id, org_id, project_id, source_connection_id, type, source_type, source_event_type, event_time,
    received_at, ingested_at, idempotency_key, journal_id, schema_version)
  values ('${event}', '${orgId(org)}', '${project ?? projectId(org)}', '${connection ?? connectionId(org)}', 'order.paid', 'hotmart',
    'PURCHASE_APPROVED', '${at ?? 'now'}', '${received ?? at ?? 'now'}', now(), 'first', '${journalId(org)}', 1)`;

export const insertDeadLetter = (org: Org, letter: string, { project, connection }: Pointers = {}) => `
  insert into public.dlq_events (id, org_id, project_id, source_connection_id, journal_id, error_class, last_error_message)
  values ('${letter}', '${orgId(org)}', '${project ?? projectId(org)}', '${connection ?? connectionId(org)}', '${journalId(org)}', 'PARSE_ERROR',
    'not JSON')`;

export const insertActivity = (org: Org, { connection, lastEventTime }: { connection?: string; lastEventTime?: string } = {}) => `
  insert into public.connection_activity (org_id, source_connection_id, bucket, received, accepted, lag_histogram, last_event_time)
  values ('${orgId(org)}', '${connection ?? connectionId(org)}', date_trunc('minute', now()), 1, 1, '{1,0,0,0,0,0,0,0,0,0,0,0}',
    '${lastEventTime ?? 'now'}')`;

const rollups = ['activity_minutes', 'activity_hours', 'activity_days'] as const;

export const insertRollup = (org: Org, table: (typeof rollups)[number], bucket: string, connection = connectionId(org)) => `
  insert into public.${table} (org_id, source_connection_id, bucket, received, accepted)
  values ('${orgId(org)}', '${connection}', '${bucket}', 1, 1)`;

export const insertQuarantine = (org: Org, hour: string) => `
  insert into private.quarantine_hours (source_connection_id, hour, stored) values ('${connectionId(org)}', '${hour}', 1)`;

export const insertRejection = (org: Org, connection = connectionId(org), hour = '2026-01-02') => `
  insert into public.connection_rejections (org_id, source_connection_id, hour, code, rejected, last_at)
  values ('${orgId(org)}', '${connection}', '${hour}', 'invalid_signature', 1, now())`;

export const insertHold = (org: Org, { connection, id: hold }: Pick<Pointers, 'connection'> & { id?: string } = {}) => `
  insert into public.legal_holds (${hold ? 'id, ' : ''}org_id, source_connection_id, reason)
  values (${hold ? `'${hold}', ` : ''}'${orgId(org)}', '${connection ?? deletedConnectionId(org)}', 'Case 7')`;

export const insertErasure = (org: Org, erasure: string) => `
  insert into public.erasures (id, org_id, kinds, created_by) values ('${erasure}', '${orgId(org)}', '{email}', '${userId(org, 'owner')}')`;

export const insertErasedPerson = (org: Org) => `
  insert into private.erasure_persons (erasure_id, key_version, sealed) values ('${erasureId(org)}', 1, '\\x00')`;

export const insertApproval = (org: Org, { id: approval }: { id?: string } = {}) => `
  insert into public.approvals (${approval ? 'id, ' : ''}org_id, kind, params, requested_by)
  values (${approval ? `'${approval}', ` : ''}'${orgId(org)}', 'rotate_key', '{"keyKind":"data"}', '${userId(org, 'owner')}')`;

export const insertAlertChannel = (org: Org, channel: string) => `
  insert into public.alert_channels (id, org_id, type, name, target) values ('${channel}', '${orgId(org)}', 'email', 'On call', 'oncall@${org.toLowerCase()}.example')`;

export const insertAlertIncident = (org: Org, incident: string, kind: string, connection = connectionId(org)) => `
  insert into public.alert_incidents (id, org_id, kind, source_connection_id, level, peak_level, value, threshold, message, opened_at, last_seen_at, last_notified_at)
  values ('${incident}', '${orgId(org)}', '${kind}', '${connection}', 'critical', 'critical', 1000, 900, 'Shop is silent', now(), now(), now())`;

/** One that has left the incident: the index of those in it asks a function that not every role may call, which would refuse the row before a grant does. */
export const insertIncidentConnection = (org: Org, incident: string, connection = connectionId(org)) => `
  insert into public.alert_incident_connections (org_id, incident_id, source_connection_id, kind, level, value, threshold, joined_at, last_seen_at, left_at, resolution)
  values ('${orgId(org)}', '${incident}', '${connection}', 'RejectedRateHigh', 'critical', 1, 0.9, now(), now(), now(), 'recovered')`;

export const insertAlertNotification = (org: Org, kind: string, { incident, channel }: { incident?: string; channel?: string } = {}) => `
  insert into public.alert_notifications (org_id, incident_id, channel_id, kind, round, level, value, threshold, message, next_attempt_at, created_at)
  values ('${orgId(org)}', '${incident ?? alertIncidentId(org)}', '${channel ?? alertChannelId(org)}', '${kind}', 0, 'critical', 1000, 900, 'Shop is silent', now(), now())`;

export const insertInstance = (id: string) => `
  insert into private.instances (id, automatic_mode, cause, obeyed_mode, buffer_records, buffer_bytes, oldest_age_seconds, in_flight, flushed_turn)
  values ('${id}', 'normal', 'started', 'normal', 0, 0, 0, 0, 0)`;

export const insertRetentionSetting = (org: Org, kind: string, days = 30) =>
  `insert into public.retention_settings (org_id, kind, keep_days, applies_from) values ('${orgId(org)}', '${kind}', ${days}, '2026-01-01')`;

export const insertRetentionCursor = (org: Org, table: string) =>
  `insert into private.retention_cursors (org_id, table_name, cursor_at, cursor_id) values ('${orgId(org)}', '${table}', '2001-01-01', gen_random_uuid())`;

/** The deletion of an org is done, so that the triggers that protect an org in deletion stay out of the way. */
export const insertOrgDeletion = (org: string) =>
  `insert into public.org_deletions (org_id, starts_at, status, started_at, completed_at) values ('${org}', now(), 'done', now(), now())`;

/** The progress of retention belongs to no org. */
export const insertSweep = (table: string) =>
  `insert into private.sweeps (table_name, cursor_at, cursor_id) values ('${table}', '2001-01-01', gen_random_uuid())`;

export const insertHeldMove = (partition: string) => `
  insert into private.held_moves (partition_name, parent, held_name, lower_bound, upper_bound)
  values ('${partition}', 'public.canonical_events', '${partition}_held', '2001-01-01', '2001-02-01')`;

export const insertHeldMoveHold = (partition: string) =>
  `insert into private.held_move_holds (partition_name, hold_id) values ('${partition}', gen_random_uuid())`;

export const insertTransition = `
  insert into private.flow_transitions (from_mode, to_mode, cause, changed_by) values ('normal', 'drain', 'a migration', 'operator')`;

export const insertReplay = (org: Org) => `
  insert into public.replay_plans (org_id, mode, filter, throttle_per_second, matched_count, needs_second_approval, created_by)
  values ('${orgId(org)}', 'replay', '{}', 100, 1, false, '${userId(org, 'owner')}')`;
