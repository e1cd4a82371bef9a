import type { Actor, Org } from './world.ts';
import * as world from './world.ts';

// The commands that every actor may run on every table, as data. An actor that is not named is refused, and the grants decide in which way:
// without the grant, the error is "permission denied"; with the grant, the command finds no row (select, update, delete) or the policy
// refuses the command (insert).

export type Command = 'select' | 'insert' | 'update' | 'delete';
export const commands: readonly Command[] = ['select', 'insert', 'update', 'delete'];

export type Rule = {
  title?: string;
  /** The statement for a row of this org; when it is absent, the statement of the table is used. */
  sql?: (org: Org) => string;
  granted: readonly Actor[];
  allowed: Record<Org, readonly Actor[]>;
  /** The actors that reach the row of an update and are then refused by its `with check`. */
  checked?: Record<Org, readonly Actor[]>;
};

export type Expectation = {
  /** Condition that finds the fixture's rows of an org. */
  rows: (org: Org) => string;
  /** The column that an update touches. */
  column: string;
  insert: (org: Org) => string;
  rules: Record<Command, Rule | readonly Rule[]>;
};

const members: Rule['allowed'] = { A: ['owner A', 'admin A', 'analyst A'], B: ['owner B', 'admin B'] };
const admins: Rule['allowed'] = { A: ['owner A', 'admin A'], B: ['owner B', 'admin B'] };
const owners: Rule['allowed'] = { A: ['owner A'], B: ['owner B'] };
const none: Rule['allowed'] = { A: [], B: [] };
const nobody: Rule = { granted: [], allowed: none };
const people = (allowed: Rule['allowed'], more: Partial<Rule> = {}): Rule => ({ granted: world.people, allowed, ...more });
const machine = (...actors: Actor[]): Rule => ({ granted: actors, allowed: { A: actors, B: actors } });
/** Allows people by their role in the org, and machines for every org. */
const peopleAnd = (allowed: Rule['allowed'], ...machines: Actor[]): Rule => ({
  granted: [...world.people, ...machines],
  allowed: { A: [...allowed.A, ...machines], B: [...allowed.B, ...machines] },
});
const and = (rule: Rule, more: Partial<Rule>): Rule => ({ ...rule, ...more });

const ofOrg = (org: Org) => `org_id = '${world.orgId(org)}'`;
const ofConnection = (org: Org) => `source_connection_id = '${world.connectionId(org)}'`;
const member = (org: Org, role: 'owner' | 'admin' | 'analyst') => `${ofOrg(org)} and user_id = '${world.userId(org, role)}'`;
const fresh = (org: Org) => `${org.toLowerCase()}0000000-0000-4000-8000-00000000aaaa`;

export const matrix: Record<string, Expectation> = {
  'public.orgs': {
    rows: (org) => `id = '${world.orgId(org)}'`,
    column: 'name',
    insert: (org) => `insert into public.orgs (name, slug) values ('Another', 'another-${org.toLowerCase()}')`,
    rules: { select: people(members), insert: nobody, update: people(admins), delete: nobody },
  },
  'public.org_members': {
    rows: ofOrg,
    column: 'role',
    insert: (org) =>
      `insert into public.org_members (org_id, user_id, role) values ('${world.orgId(org)}', '${world.strangerId}', 'owner')`,
    rules: {
      select: people(members),
      insert: nobody,
      update: [
        people(owners, {
          title: "an analyst's role",
          sql: (org) => `update public.org_members set role = 'owner' where ${member(org, 'analyst')}`,
        }),
        people(none, {
          title: "the only owner's role, their own",
          sql: (org) => `update public.org_members set role = 'analyst' where ${member(org, 'owner')}`,
        }),
      ],
      delete: [
        people(
          { A: ['owner A', 'admin A', 'analyst A'], B: ['owner B', 'admin B'] },
          { title: 'an analyst, who may also leave', sql: (org) => `delete from public.org_members where ${member(org, 'analyst')}` },
        ),
        people(admins, { title: 'an admin', sql: (org) => `delete from public.org_members where ${member(org, 'admin')}` }),
        people(none, { title: 'an owner', sql: (org) => `delete from public.org_members where ${member(org, 'owner')}` }),
      ],
    },
  },
  'public.projects': {
    rows: ofOrg,
    column: 'name',
    insert: (org) => `insert into public.projects (org_id, name, slug) values ('${world.orgId(org)}', 'Second', 'second')`,
    rules: { select: people(members), insert: people(admins), update: people(admins), delete: nobody },
  },
  'public.org_invites': {
    rows: ofOrg,
    column: 'role',
    insert: (org) => `insert into public.org_invites (org_id, email, role) values ('${world.orgId(org)}', 'more@c.example', 'admin')`,
    rules: {
      select: people(admins),
      insert: nobody,
      update: nobody,
      delete: [
        people(admins),
        // The statement reads no column, so the select policy does not apply: the delete policy alone must refuse the statement.
        people(
          { A: [...admins.A, ...admins.B], B: [...admins.A, ...admins.B] },
          { title: 'all there are, of any org', sql: () => 'delete from public.org_invites' },
        ),
      ],
    },
  },
  'public.audit_log': {
    rows: ofOrg,
    column: 'action',
    insert: (org) => `insert into public.audit_log (org_id, action) values ('${world.orgId(org)}', 'forged')`,
    rules: { select: people(admins), insert: nobody, update: nobody, delete: nobody },
  },
  'public.org_security': {
    rows: ofOrg,
    column: 'purge_count',
    insert: (org) => `insert into public.org_security (org_id) values ('${world.orgId(org)}')`,
    rules: { select: people(members), insert: nobody, update: nobody, delete: nobody },
  },
  'public.approvals': {
    rows: ofOrg,
    column: 'status',
    insert: (org) => world.insertApproval(org),
    rules: { select: people(admins), insert: nobody, update: nobody, delete: nobody },
  },
  'private.approval_kinds': {
    rows: () => 'true',
    column: 'roles',
    insert: () => `insert into private.approval_kinds (kind, roles) values ('forged', '{admin}')`,
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'private.approval_secrets': {
    rows: (org) => `approval_id = '${world.approvalId(org)}'`,
    column: 'sealed',
    insert: (org) =>
      `insert into private.approval_secrets (approval_id, key_version, sealed) values ('${world.approvalId(org)}', 1, '\\x00')`,
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'private.audit_keys': {
    rows: ofOrg,
    column: 'key',
    insert: (org) => `insert into private.audit_keys (org_id) values ('${world.orgId(org)}')`,
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'private.audit_links': {
    rows: ofOrg,
    column: 'hash',
    insert: (org) =>
      `insert into private.audit_links (org_id, seq, audit_id, hash) values ('${world.orgId(org)}', 99, 99, sha256('forged'))`,
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'private.audit_anchors': {
    rows: ofOrg,
    column: 'seq',
    insert: (org) => `insert into private.audit_anchors (org_id, seq, hash) values ('${world.orgId(org)}', 9, sha256('forged'))`,
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'public.source_connections': {
    rows: (org) => `id = '${world.connectionId(org)}'`,
    column: 'is_active',
    insert: (org) => `insert into public.source_connections (org_id, project_id, name, type)
      values ('${world.orgId(org)}', '${world.projectId(org)}', 'Second', 'stripe')`,
    rules: {
      select: peopleAnd(members, 'worker'),
      insert: nobody,
      update: [
        people(admins),
        people(none, {
          title: 'a deleted connection',
          sql: (org) => `update public.source_connections set is_active = true where id = '${world.deletedConnectionId(org)}'`,
        }),
      ],
      delete: nobody,
    },
  },
  'public.event_journal': {
    rows: ofOrg,
    column: 'outcome',
    insert: (org) => world.insertJournal(org, fresh(org)),
    rules: { select: peopleAnd(members, 'worker'), insert: nobody, update: nobody, delete: nobody },
  },
  'public.canonical_events': {
    rows: ofOrg,
    column: 'type',
    insert: (org) => world.insertEvent(org, fresh(org)),
    rules: { select: people(members), insert: nobody, update: nobody, delete: nobody },
  },
  'public.dlq_events': {
    rows: ofOrg,
    column: 'status',
    insert: (org) => world.insertDeadLetter(org, fresh(org)),
    rules: {
      select: peopleAnd(members, 'worker'),
      insert: nobody,
      update: [
        and(peopleAnd(admins, 'worker'), {
          title: 'asked to retry',
          sql: (org) => `update public.dlq_events set status = 'pending', next_retry_at = now() where ${ofOrg(org)}`,
        }),
        and(peopleAnd(none, 'worker'), {
          title: 'declared resolved, which only the pipeline may',
          sql: (org) => `update public.dlq_events set status = 'resolved' where ${ofOrg(org)}`,
          checked: admins,
        }),
      ],
      delete: machine('worker'),
    },
  },
  'public.dlq_operations': {
    rows: ofOrg,
    column: 'status',
    insert: (org) =>
      `insert into public.dlq_operations (org_id, kind, filter, total) values ('${world.orgId(org)}', 'purge', '{"classes":[]}', 1)`,
    rules: {
      select: peopleAnd(members, 'worker'),
      insert: nobody,
      update: [
        and(peopleAnd(admins, 'worker'), {
          title: 'canceled',
          sql: (org) => `update public.dlq_operations set status = 'canceled' where ${ofOrg(org)}`,
        }),
        and(peopleAnd(none, 'worker'), {
          title: 'declared done, which only the worker may',
          sql: (org) => `update public.dlq_operations set status = 'done' where ${ofOrg(org)}`,
          checked: admins,
        }),
      ],
      delete: nobody,
    },
  },
  'public.connection_activity': {
    rows: ofOrg,
    column: 'received',
    insert: (org) => world.insertActivity(org),
    rules: { select: people(members), insert: nobody, update: nobody, delete: nobody },
  },
  'public.connection_rejections': {
    rows: ofOrg,
    column: 'rejected',
    insert: (org) => world.insertRejection(org),
    rules: { select: people(members), insert: nobody, update: nobody, delete: nobody },
  },
  'public.erasures': {
    rows: ofOrg,
    column: 'status',
    insert: (org) => world.insertErasure(org, fresh(org)),
    rules: {
      select: peopleAnd(members, 'worker'),
      insert: nobody,
      update: [
        nobody,
        { ...machine('worker'), title: 'its progress', sql: (org) => `update public.erasures set scanned = 1 where ${ofOrg(org)}` },
      ],
      delete: nobody,
    },
  },
  'private.erasure_persons': {
    rows: (org) => `erasure_id = '${world.erasureId(org)}'`,
    column: 'sealed',
    insert: (org) => world.insertErasedPerson(org),
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'private.id_conversions': {
    rows: ofOrg,
    column: 'place',
    insert: (org) => `insert into private.id_conversions (org_id) values ('${world.orgId(org)}')`,
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'public.legal_holds': {
    rows: ofOrg,
    column: 'reason',
    insert: (org) => world.insertHold(org),
    rules: { select: peopleAnd(members, 'worker'), insert: people(admins), update: nobody, delete: nobody },
  },
  'public.alert_rules': {
    rows: ofOrg,
    column: 'enabled',
    insert: (org) => `insert into public.alert_rules (org_id, kind, thresholds) values ('${world.orgId(org)}', 'ConnectionLag', '{}')`,
    rules: { select: people(members), insert: nobody, update: people(admins), delete: nobody },
  },
  'public.alert_channels': {
    rows: ofOrg,
    column: 'is_enabled',
    insert: (org) => world.insertAlertChannel(org, fresh(org)),
    rules: {
      select: people(members),
      insert: nobody,
      update: [
        people(admins, {
          sql: (org) => `update public.alert_channels set is_enabled = false where id = '${world.alertChannelId(org)}'`,
        }),
        people(none, {
          title: 'a deleted channel',
          sql: (org) => `update public.alert_channels set is_enabled = true where id = '${world.deletedAlertChannelId(org)}'`,
        }),
      ],
      delete: nobody,
    },
  },
  'public.alert_incidents': {
    rows: ofOrg,
    column: 'status',
    insert: (org) => world.insertAlertIncident(org, fresh(org), 'ConnectionLag'),
    rules: { select: people(members), insert: nobody, update: nobody, delete: nobody },
  },
  'public.alert_incident_connections': {
    rows: ofOrg,
    column: 'level',
    insert: (org) => world.insertIncidentConnection(org, world.alertIncidentId(org), world.deletedConnectionId(org)),
    rules: { select: people(members), insert: nobody, update: nobody, delete: nobody },
  },
  'public.alert_notifications': {
    rows: ofOrg,
    column: 'status',
    insert: (org) => world.insertAlertNotification(org, 'resolved'),
    rules: { select: people(members), insert: nobody, update: nobody, delete: nobody },
  },
  'private.alert_channel_secrets': {
    rows: ofOrg,
    column: 'sealed',
    insert: (org) =>
      `insert into private.alert_channel_secrets (channel_id, org_id, sealed) values ('${world.alertChannelId(org)}', '${world.orgId(org)}', '\\x01')`,
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'private.connection_rhythm': {
    rows: ofOrg,
    column: 'active_minutes',
    insert: (org) => `insert into private.connection_rhythm (source_connection_id, org_id, learned_at, active_minutes, expected_gap_seconds)
      values ('${world.deletedConnectionId(org)}', '${world.orgId(org)}', now(), 5, 60)`,
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'private.alert_clock': {
    rows: () => 'true',
    column: 'watching_since',
    insert: () => `insert into private.alert_clock (evaluated_at, watching_since) values (now(), now())`,
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'private.alert_turns': {
    rows: ofOrg,
    column: 'failures',
    insert: (org) => `insert into private.alert_turns (org_id) values ('${world.orgId(org)}')`,
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'private.turns': {
    rows: () => 'true',
    column: 'after_org',
    insert: () => `insert into private.turns (queue) values ('replays')`,
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'private.mail_key': {
    rows: () => 'true',
    column: 'key',
    insert: () => 'insert into private.mail_key default values',
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'private.required_secrets': {
    rows: () => 'true',
    column: 'name',
    insert: () => `insert into private.required_secrets (source_type, name) values ('another', 'secret')`,
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'private.mail_paces': {
    rows: () => 'true',
    column: 'used_until',
    insert: () => `insert into private.mail_paces (key, used_until) values ('mail of nobody', now())`,
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'private.alert_recipients': {
    rows: ofOrg,
    column: 'confirmed_at',
    insert: (org) =>
      `insert into private.alert_recipients (org_id, digest, channel_id) values ('${world.orgId(org)}', '\\x01', '${world.alertChannelId(org)}')`,
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'private.alert_mails': {
    rows: () => 'true',
    column: 'digest',
    insert: () => `insert into private.alert_mails (notification_id, digest) values (gen_random_uuid(), '\\x01')`,
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'public.activity_minutes': {
    rows: ofOrg,
    column: 'received',
    insert: (org) => world.insertRollup(org, 'activity_minutes', '2026-01-02'),
    rules: { select: peopleAnd(members, 'worker'), insert: nobody, update: nobody, delete: nobody },
  },
  'public.activity_hours': {
    rows: ofOrg,
    column: 'received',
    insert: (org) => world.insertRollup(org, 'activity_hours', '2026-01-02'),
    rules: { select: peopleAnd(members, 'worker'), insert: nobody, update: nobody, delete: nobody },
  },
  'public.activity_days': {
    rows: ofOrg,
    column: 'received',
    insert: (org) => world.insertRollup(org, 'activity_days', '2026-01-02'),
    rules: { select: people(members), insert: nobody, update: nobody, delete: nobody },
  },
  'public.replay_plans': {
    rows: ofOrg,
    column: 'approved_by',
    insert: (org) => world.insertReplay(org),
    rules: {
      select: peopleAnd(members, 'worker'),
      insert: nobody,
      update: [
        nobody,
        { ...machine('worker'), title: 'its progress', sql: (org) => `update public.replay_plans set processed = 1 where ${ofOrg(org)}` },
      ],
      delete: nobody,
    },
  },
  'private.invite_tokens': {
    rows: (org) => `invite_id = '${world.inviteId(org)}'`,
    column: 'token_sha256',
    insert: (org) => `insert into private.invite_tokens (invite_id, token_sha256) values ('${world.inviteId(org)}', sha256('mine'))`,
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'private.connection_secrets': {
    rows: ofOrg,
    column: 'sealed',
    insert: (org) => `insert into private.connection_secrets (org_id, source_connection_id, name, sealed)
      values ('${world.orgId(org)}', '${world.connectionId(org)}', 'hottok', '\\x01')`,
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'private.org_keys': {
    rows: ofOrg,
    column: 'wrapped',
    insert: (org) =>
      `insert into private.org_keys (org_id, kind, version, wrapped, master_version) values ('${world.orgId(org)}', 'data', 2, '\\x01', 1)`,
    rules: {
      select: machine('maintenance'),
      insert: [
        machine('maintenance'),
        {
          title: 'a hash key, whose hashes would not match the old ones',
          sql: (org) => `insert into private.org_keys (org_id, kind, version, wrapped, master_version)
            values ('${world.orgId(org)}', 'hash', 2, '\\x01', 1)`,
          granted: ['maintenance'],
          allowed: none,
        },
      ],
      update: machine('maintenance'),
      delete: nobody,
    },
  },
  'private.erased_persons': {
    rows: (org) => `erasure_id = '${world.erasureId(org)}'`,
    column: 'digest',
    insert: (org) => `insert into private.erased_persons (erasure_id, digest) values ('${world.erasureId(org)}', repeat('e', 64))`,
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'private.erased_keys': {
    rows: ofOrg,
    column: 'digest',
    insert: (org) => `insert into private.erased_keys (org_id, digest) values ('${world.orgId(org)}', repeat('e', 64))`,
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'private.org_digest_keys': {
    rows: ofOrg,
    column: 'sealed',
    insert: (org) => `insert into private.org_digest_keys (org_id, key_version, sealed) values ('${world.orgId(org)}', 1, '\\x01')`,
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'private.journal_payloads': {
    rows: ofOrg,
    column: 'sealed',
    insert: (org) => world.insertPayload(org, fresh(org)),
    rules: { select: machine('worker'), insert: nobody, update: nobody, delete: nobody },
  },
  'private.event_keys': {
    rows: ofConnection,
    column: 'event_id',
    insert: (org) => world.insertKey(org, 'second'),
    rules: { select: machine('worker'), insert: nobody, update: nobody, delete: nobody },
  },
  'private.quarantine_hours': {
    rows: ofConnection,
    column: 'stored',
    insert: (org) => world.insertQuarantine(org, '2026-01-02'),
    rules: { select: machine('ingest'), insert: machine('ingest'), update: machine('ingest'), delete: nobody },
  },
  'private.schedule': {
    rows: () => 'true',
    column: 'started_at',
    insert: () => `insert into private.schedule (task, started_at) values ('another', now())`,
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'private.operators': {
    rows: () => 'true',
    column: 'name',
    insert: () => `insert into private.operators (name, token_sha256, created_by) values ('mallory', sha256('token'), 'mallory')`,
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'private.operator_acts': {
    rows: () => 'true',
    column: 'operator',
    insert: () => `insert into private.operator_acts (operator, action) values ('mallory', 'drain')`,
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'private.quotas': {
    rows: ofOrg,
    column: 'value',
    insert: (org) => `insert into private.quotas (name, org_id, value) values ('members', '${world.orgId(org)}', 1000)`,
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'private.quota_usage': {
    rows: ofOrg,
    column: 'used',
    insert: (org) =>
      `insert into private.quota_usage (org_id, quota, day, used) values ('${world.orgId(org)}', 'exports_per_day', '2026-01-01', 0)`,
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'private.org_measures': {
    rows: ofOrg,
    column: 'exceeded',
    insert: (org) => `insert into private.org_measures (org_id, counted_until) values ('${world.orgId(org)}', now())`,
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'private.flow_state': {
    rows: () => 'true',
    column: 'operator_mode',
    insert: () => `insert into private.flow_state (operator_mode) values ('paused')`,
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'private.instances': {
    rows: () => 'true',
    column: 'buffer_records',
    insert: () => world.insertInstance(fresh('A')),
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'private.flow_transitions': {
    rows: () => 'true',
    column: 'cause',
    insert: () => world.insertTransition,
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'private.activity_rollup': {
    rows: () => 'true',
    column: 'rolled_until',
    insert: () => `insert into private.activity_rollup (rolled_until) values (now())`,
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'private.pending_list_state': {
    rows: () => 'true',
    column: 'pages',
    insert: () => `insert into private.pending_list_state (pages) values (1)`,
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'public.retention_settings': {
    rows: ofOrg,
    column: 'keep_days',
    insert: (org) => world.insertRetentionSetting(org, 'activity'),
    rules: { select: people(members), insert: nobody, update: nobody, delete: nobody },
  },
  'public.data_retention': {
    rows: ofOrg,
    column: 'keep_days',
    insert: (org) => `insert into public.data_retention (org_id, kind, keep_days) values ('${world.orgId(org)}', 'activity', 1)`,
    rules: { select: people(members), insert: nobody, update: nobody, delete: nobody },
  },
  'public.org_deletions': {
    rows: ofOrg,
    column: 'waits_for',
    insert: (org) => world.insertOrgDeletion(fresh(org)),
    rules: { select: people(members), insert: nobody, update: nobody, delete: nobody },
  },
  'private.retention_cursors': {
    rows: ofOrg,
    column: 'cursor_at',
    insert: (org) => world.insertRetentionCursor(org, 'public.event_journal'),
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'private.retention_walk': {
    rows: () => 'true',
    column: 'is_behind',
    insert: () => `insert into private.retention_walk (is_behind) values (true)`,
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'private.row_retention': {
    rows: () => 'true',
    column: 'keep_days',
    insert: () => `insert into private.row_retention (table_name, keep_days, clock) values ('public.orgs', 1, 'created_at')`,
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'private.held_moves': {
    rows: () => 'true',
    column: 'state',
    insert: () => world.insertHeldMove('canonical_events_y2001m02'),
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'private.held_move_holds': {
    rows: () => 'true',
    column: 'done',
    insert: () => world.insertHeldMoveHold('canonical_events_y2001m01'),
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  'private.sweeps': {
    rows: () => 'true',
    column: 'cursor_at',
    insert: () => world.insertSweep('event_journal_y2001m02_held'),
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
  // These tables belong to the installation, not to an org: both columns of the matrix aim at the same rows.
  'private.retention': {
    rows: () => 'true',
    column: 'keep_days',
    insert: () => `insert into private.retention (table_name, keep_days, months_back, months_ahead) values ('public.orgs', 1, 0, 1)`,
    rules: { select: nobody, insert: nobody, update: nobody, delete: nobody },
  },
};
