import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TestDatabase } from '../local/test-cluster.ts';
import { createTestDatabase } from '../local/testing.ts';

// No table grows for ever by accident: every table has a retention, or is bounded by something that is named here, or is permanent for a reason.

/** Tables whose number of rows has a bound. */
const bounded: Record<string, string> = {
  'private.activity_rollup': 'one row',
  'private.alert_channel_secrets': 'one row for each channel; the quota alert_channels',
  'private.alert_clock': 'one row',
  'private.alert_mails': 'deleted with their notification',
  'private.alert_recipients': 'one row for each address of a channel; deleted with the channel',
  'private.alert_turns': 'one row for each org',
  'private.approval_kinds': 'one row for each act that can need a second person',
  'private.approval_secrets': 'one row for each open approval; deleted when it is decided or expires',
  'private.audit_anchors': 'one row for each org',
  'private.audit_keys': 'one row for each org',
  'private.audit_links': 'one row for each entry of the audit log, trimmed with it',
  'private.connection_rhythm': 'one row for each connection',
  'private.erased_persons': 'one row for each identifier of an erasure; deleted with it',
  'private.erasure_persons': 'one row for each running erasure; the quota open_erasures',
  'private.flow_state': 'one row',
  'private.held_move_holds': 'one row for each hold, while held rows are being moved',
  'private.held_moves': 'one row for each partition whose held rows are being moved',
  'private.id_conversions': 'one row for each org that existed before ids became digests',
  'private.instances': 'instances that have not reported for a minute are deleted with the next report',
  'private.invite_tokens': 'one row for each invite; deleted with the invite',
  'private.mail_key': 'one row',
  'private.mail_paces': 'a row whose time has passed is deleted by the next mail',
  'private.operators': 'accounts that operators create by hand',
  'private.org_digest_keys': 'one row for each org',
  'private.org_keys': 'the quota org_keys',
  'private.org_measures': 'one row for each org',
  'private.pending_list_state': 'one row',
  'private.quotas': 'one row for each quota, and for each that an operator set for an org',
  'private.required_secrets': 'one row for each secret that a source needs',
  'private.retention': 'one row for each table',
  'private.retention_cursors': 'one row for each org and table, while a walk is under way',
  'private.retention_walk': 'one row',
  'private.row_retention': 'one row for each table',
  'private.schedule': 'one row for each task',
  'private.sweeps': 'one row for each partition, while a walk is under way',
  'private.turns': 'one row for each org and kind of work',
  'public.alert_incident_connections': 'deleted with their incident',
  'public.alert_notifications': 'deleted with their incident',
  'public.alert_rules': 'one row for each org and kind of alert',
  'public.org_members': 'the quota members',
  'public.org_security': 'one row for each org',
  'public.orgs': 'the quota orgs of each user',
  'public.projects': 'the quota projects',
  'public.retention_settings': 'one row for each org and kind of data',
  'public.source_connections':
    'the quotas connections and connections_per_day; the row of a deleted connection stays, because its data refers to it',
};

/** Tables that are kept on purpose. */
const permanent: Record<string, string> = {
  'private.event_keys': 'a record that is delivered again after years must not become a second event',
  'private.erased_keys': 'as long as private.event_keys: a record of an erased person that is sent again must stay a duplicate',
  'private.operator_acts': 'the journal of the operators, which answers who did what also after years; each act is a command of a person',
  'public.org_deletions': 'one line for each deleted org, without personal data, so that a restored backup can be cleaned again',
};

let database: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.superuserUrl });
  await client.connect();
});
afterAll(async () => {
  await client?.end();
  await database?.drop();
});

const names = async (sql: string) => (await client.query<{ name: string }>(sql)).rows.map((row) => row.name);

it('every table has a retention, or a bound, or a reason to be permanent', async () => {
  const tables = await names(`
    select n.nspname || '.' || c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('public', 'private') and c.relkind in ('r', 'p') and not c.relispartition order by 1`);
  const retained = await names(`
    select table_name as name from private.retention union select table_name from private.row_retention where keep_days is not null`);
  const listed = [...retained, ...Object.keys(bounded), ...Object.keys(permanent)];
  expect(
    listed.filter((name, at) => listed.indexOf(name) !== at),
    'listed twice',
  ).toEqual([]);
  expect(listed.toSorted()).toEqual(tables);
});

it('every rule names a table, a column and a condition that exist', async () => {
  const rules = (
    await client.query<{ table_name: string; clock: string; condition: string; key_columns: string[]; has_org: boolean }>(
      'select * from private.row_retention',
    )
  ).rows;
  expect(rules.length).toBeGreaterThan(15);
  for (const { table_name, clock, condition, key_columns, has_org } of rules)
    await client.query(
      `select ${key_columns.join(', ')}${has_org ? ', org_id' : ''} from ${table_name} s where ${clock} < now() and (${condition}) limit 1`,
    );
});
