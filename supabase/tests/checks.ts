import type pg from 'pg';
import { columnGrants, tableGrants } from './grants.ts';
import { type Command, commands, matrix, type Rule } from './matrix.ts';
import * as world from './world.ts';
import { type Actor, actors, become, type Org } from './world.ts';

/** The result of one statement: it touched rows, it touched no row, or a grant, policy or constraint refused it. */
export type Outcome = 'done' | 'no row' | 'no grant' | 'refused by policy' | 'refused by foreign key' | `error ${string}`;

/** Runs one statement as the actor inside the open transaction, and rolls it back. */
export async function attempt(client: pg.ClientBase, actor: Check['actor'], sql: string): Promise<Outcome> {
  try {
    const results = (await client.query(
      `savepoint attempt; ${actor === 'owner of the tables' ? 'set local role postgres' : become(actor)}; ${sql}`,
    )) as unknown as pg.QueryResult[];
    return (results.at(-1)?.rowCount ?? 0) > 0 ? 'done' : 'no row';
  } catch (error) {
    const { code, message } = error as pg.DatabaseError;
    if (code === '42501' && message.startsWith('permission denied')) return 'no grant';
    // A view that joins tables takes no command but select, from any role; Postgres says so before it looks at grants.
    if ((code === '55000' && / view "/.test(message)) || (code === '42809' && message.endsWith('is not a table'))) return 'no grant';
    if (code === '42501' && message.includes('row-level security')) return 'refused by policy';
    if (code === '23503') return 'refused by foreign key';
    return `error ${code}: ${message}`;
  } finally {
    await client.query('rollback to savepoint attempt');
  }
}

export type Check = { table: string; title: string; actor: Actor | 'owner of the tables'; sql: string; expected: Outcome };
export type Failure = { check: string; expected: Outcome; got: Outcome };

function expectedOutcome(table: string, command: Command, rule: Rule, actor: Actor, org: Org): Outcome {
  // The role of server scripts bypasses row level security: only grants bind it, and it may read and write nothing.
  if (actor === 'service_role') return command === 'select' && tableGrants[`${table} service_role`] === 'SELECT' ? 'done' : 'no grant';
  if (rule.allowed[org].includes(actor)) return 'done';
  if (rule.checked?.[org].includes(actor)) return 'refused by policy';
  if (!rule.granted.includes(actor)) return 'no grant';
  return command === 'insert' ? 'refused by policy' : 'no row';
}

/** The whole matrix as checks of one statement each: every table × command × actor × org. */
export function isolationChecks(): Check[] {
  return Object.entries(matrix).flatMap(([table, expectation]) => {
    const sqlOf: Record<Command, (org: Org) => string> = {
      select: (org) => `select 1 from ${table} where ${expectation.rows(org)}`,
      insert: expectation.insert,
      update: (org) => `update ${table} set ${expectation.column} = ${expectation.column} where ${expectation.rows(org)}`,
      delete: (org) => `delete from ${table} where ${expectation.rows(org)}`,
    };
    // For actors without the grant: the statement names no column to read, so that only the missing grant can refuse it.
    const sqlWithoutColumns: Partial<Record<Command, string>> = {
      select: `select from ${table}`,
      update: `update ${table} set ${expectation.column} = default`,
      delete: `delete from ${table}`,
    };
    return commands.flatMap((command) =>
      [expectation.rules[command]].flat().flatMap((rule) =>
        (['A', 'B'] as const).flatMap((org) =>
          actors.map((actor) => {
            const expected = expectedOutcome(table, command, rule, actor, org);
            const sql = (rule.sql ?? sqlOf[command])(org);
            return {
              table,
              title: `${actor} × ${command} ${table} of ${org}${rule.title ? ` (${rule.title})` : ''}`,
              actor,
              sql: expected === 'no grant' ? (sqlWithoutColumns[command] ?? sql) : sql,
              expected,
            };
          }),
        ),
      ),
    );
  });
}

const narrowed: readonly Actor[] = ['owner A', 'ingest', 'maintenance', 'worker'];

/**
 * Columns that a role may not write, whether or not it may write others of the table, and columns that it may not read although it may read
 * others.
 */
export async function columnChecks(client: pg.ClientBase): Promise<Check[]> {
  const { rows } = await client.query<{ table: string; column: string }>(`
    select n.nspname || '.' || c.relname as table, t.attname as column
    from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute t on t.attrelid = c.oid
    where n.nspname in ('public', 'private') and c.relkind in ('r', 'p') and not c.relispartition and t.attnum > 0 and not t.attisdropped
    order by 1, t.attnum`);
  return rows.flatMap(({ table, column }) =>
    narrowed.flatMap((actor) => {
      const { role } = world.identities[actor];
      const granted = (command: string) =>
        tableGrants[`${table} ${role}`]?.split(', ').includes(command) ||
        columnGrants[`${table} ${role} ${command}`]?.split(', ').includes(column);
      const check = (command: string, sql: string): Check[] =>
        granted(command)
          ? []
          : [{ table, actor, title: `${actor} × ${command.toLowerCase()} of column ${table}.${column}`, sql, expected: 'no grant' }];
      return [
        ...check('UPDATE', `update ${table} set ${column} = default where false`),
        ...check('INSERT', `insert into ${table} (${column}) values (default)`),
        ...(columnGrants[`${table} ${role} SELECT`] ? check('SELECT', `select ${column} from ${table}`) : []),
      ];
    }),
  );
}

/** Rows of org A that point at org B, written by the actors who may write the table. */
export function pointerChecks(): Check[] {
  const fresh = 'a0000000-0000-4000-8000-00000000bbbb';
  const [project, connection] = [world.projectId('B'), world.connectionId('B')];
  const check = (table: string, actor: Actor | 'owner of the tables', title: string, sql: string): Check => ({
    table,
    actor,
    title: `${table}: ${title}`,
    sql,
    expected: 'refused by foreign key',
  });
  return [
    check(
      'public.dlq_events',
      'owner of the tables',
      "a dead letter of A with B's connection",
      world.insertDeadLetter('A', fresh, { connection }),
    ),
    check(
      'public.dlq_events',
      'owner of the tables',
      "a dead letter of A with B's project",
      world.insertDeadLetter('A', fresh, { project }),
    ),
    check('public.legal_holds', 'owner A', "a hold of A on B's connection", world.insertHold('A', { connection })),
    check(
      'public.connection_activity',
      'owner of the tables',
      "activity of A with B's connection",
      world.insertActivity('A', { connection }),
    ),
    check(
      'public.connection_rejections',
      'owner of the tables',
      "rejections of A with B's connection",
      world.insertRejection('A', connection),
    ),
    ...(['activity_minutes', 'activity_hours', 'activity_days'] as const).map((table) =>
      check(
        `public.${table}`,
        'owner of the tables',
        "rolled-up activity of A with B's connection",
        world.insertRollup('A', table, '2026-01-02', connection),
      ),
    ),
    check(
      'public.source_connections',
      'owner of the tables',
      "a connection of A in B's project",
      `insert into public.source_connections (org_id, project_id, name, type) values ('${world.orgId('A')}', '${project}', 'Mine', 'stripe')`,
    ),
    check(
      'private.alert_channel_secrets',
      'owner of the tables',
      "a secret of A for B's alert channel",
      `insert into private.alert_channel_secrets (channel_id, org_id, sealed) values ('${world.alertChannelId('B')}', '${world.orgId('A')}', '\\x00')`,
    ),
    check(
      'private.alert_recipients',
      'owner of the tables',
      "a recipient of A for B's alert channel",
      `insert into private.alert_recipients (org_id, digest, channel_id) values ('${world.orgId('A')}', '\\x03', '${world.alertChannelId('B')}')`,
    ),
    check(
      'public.alert_incidents',
      'owner of the tables',
      "an incident of A on B's connection",
      world.insertAlertIncident('A', fresh, 'ConnectionLag', connection),
    ),
    check(
      'public.alert_incidents',
      'owner of the tables',
      'an incident by a rule that A does not have',
      world.insertAlertIncident('A', fresh, 'Unknown'),
    ),
    check(
      'public.alert_incident_connections',
      'owner of the tables',
      "a connection of A in B's incident",
      world.insertIncidentConnection('A', world.alertIncidentId('B')),
    ),
    check(
      'public.alert_incident_connections',
      'owner of the tables',
      "B's connection in an incident of A",
      world.insertIncidentConnection('A', world.alertIncidentId('A'), connection),
    ),
    check(
      'public.alert_notifications',
      'owner of the tables',
      "a notification of A about B's incident",
      world.insertAlertNotification('A', 'resolved', { incident: world.alertIncidentId('B') }),
    ),
    check(
      'public.alert_notifications',
      'owner of the tables',
      "a notification of A over B's channel",
      world.insertAlertNotification('A', 'resolved', { channel: world.alertChannelId('B') }),
    ),
    check(
      'private.connection_rhythm',
      'owner of the tables',
      "a rhythm of A for B's connection",
      `insert into private.connection_rhythm (source_connection_id, org_id, learned_at, active_minutes, expected_gap_seconds)
        values ('${world.deletedConnectionId('B')}', '${world.orgId('A')}', now(), 5, 60)`,
    ),
    check(
      'private.connection_secrets',
      'owner of the tables',
      "a secret of A for B's connection",
      `insert into private.connection_secrets (org_id, source_connection_id, name, sealed) values ('${world.orgId('A')}', '${connection}', 'x', '\\x00')`,
    ),
  ];
}

/** Runs checks inside the open transaction of a superuser connection whose database holds the world. */
export async function runChecks(
  client: pg.ClientBase,
  checks: readonly Check[],
  options: { stopAtFirst?: boolean } = {},
): Promise<Failure[]> {
  const failures: Failure[] = [];
  for (const { title, actor, sql, expected } of checks) {
    const got = await attempt(client, actor, sql);
    if (got === expected) continue;
    failures.push({ check: title, expected, got });
    if (options.stopAtFirst) break;
  }
  return failures;
}
