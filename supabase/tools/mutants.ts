import { withClient } from '../local/database.ts';
import { type Check, columnChecks, isolationChecks, pointerChecks, runChecks } from '../tests/checks.ts';
import { clientRoles } from '../tests/grants.ts';
import { createWorld, identities } from '../tests/world.ts';
import { runTool, withFreshDatabase } from './database.ts';

// Weakens one rule at a time and requires that an isolation check fails. When no check fails, the rule has no test.

/** `about`: for a grant, its command and role. */
export type Mutant = { name: string; table: string; sql: string; about: string | null };
export type Verdict = Mutant & { killedBy: string | undefined };

const mutantsSql = `
  -- each clause of each policy, unless it is already true
  select format('policy %s %s', policyname, clause) as name, format('%I.%I', schemaname, tablename) as table,
    format('alter policy %I on %I.%I %s (true)', policyname, schemaname, tablename, clause) as sql, null as about, 1 as class
  from pg_policies, lateral (values ('using', qual), ('with check', with_check)) as c (clause, condition)
  where schemaname in ('public', 'private') and condition <> 'true'
  union all
  -- row level security itself
  select format('row level security of %I.%I', nspname, relname), format('%I.%I', nspname, relname),
    format('alter table %I.%I disable row level security', nspname, relname), null, 2
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where nspname in ('public', 'private') and relkind in ('r', 'p') and not relispartition
    and exists (select from pg_policy p where p.polrelid = c.oid and (pg_get_expr(p.polqual, c.oid) <> 'true' or pg_get_expr(p.polwithcheck, c.oid) <> 'true'))
  union all
  -- each command on a whole table that a role does not hold
  select format('grant of %s to %s', command, role), format('%I.%I', nspname, relname),
    format('grant %s on %I.%I to %I', command, nspname, relname, role), command || ' ' || role, 3
  from pg_class c join pg_namespace n on n.oid = c.relnamespace, unnest($1::text[]) role, unnest('{select,insert,update,delete}'::text[]) command
  where nspname in ('public', 'private') and relkind in ('r', 'p') and not relispartition
    and has_schema_privilege(role, n.oid, 'usage') and not has_table_privilege(role, c.oid, command)
  union all
  -- each foreign key that carries the org
  select format('foreign key %s', conname), conrelid::regclass::text, format('alter table %s drop constraint %I', conrelid::regclass, conname), null, 4
  from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
  where contype = 'f' and nspname in ('public', 'private') and not relispartition and cardinality(conkey) > 1
  order by class, "table", name`;

function byDistance(checks: readonly Check[], { table, about }: Mutant): Check[] {
  const distance = (check: Check) => {
    if (check.table !== table) return 2;
    const { role } = check.actor === 'owner of the tables' ? { role: 'postgres' } : identities[check.actor];
    return about === `${check.sql.trimStart().split(/\s/, 1)[0]} ${role}` ? 0 : 1;
  };
  return checks.toSorted((a, b) => distance(a) - distance(b));
}

/**
 * Makes every mutant of the migrated database behind `superuserUrl` that `only` selects, inside one transaction, which is rolled back, and reports
 * which check noticed the mutant. Throws when the checks fail before anything is weakened.
 */
export async function runMutants(
  superuserUrl: string,
  { report = () => {}, only = () => true }: { report?: (verdict: Verdict) => void; only?: (mutant: Mutant) => boolean } = {},
): Promise<Verdict[]> {
  return withClient(superuserUrl, async (client) => {
    await client.query(`set search_path = ''; begin`);
    await createWorld(client);
    // The login role of the Data API has no grants, because it only switches to the other roles.
    const roles = clientRoles.filter((role) => role !== 'authenticator');
    const { rows } = await client.query<Mutant>(mutantsSql, [roles]);
    const mutants = rows.filter(only);
    const checks: Check[] = [...isolationChecks(), ...(await columnChecks(client)), ...pointerChecks()];
    const broken = await runChecks(client, checks, { stopAtFirst: true });
    if (broken[0]) throw new Error(`The isolation checks fail without any mutation: ${JSON.stringify(broken[0])}`);

    const verdicts: Verdict[] = [];
    for (const mutant of mutants) {
      await client.query(`savepoint mutant; ${mutant.sql}`);
      // The checks of the mutant's table run first, because they kill nearly every mutant.
      const [failure] = await runChecks(client, byDistance(checks, mutant), { stopAtFirst: true });
      await client.query('rollback to savepoint mutant');
      const verdict = { ...mutant, killedBy: failure && `${failure.check}: expected "${failure.expected}", got "${failure.got}"` };
      report(verdict);
      verdicts.push(verdict);
    }
    await client.query('rollback');
    return verdicts;
  });
}

if (import.meta.main)
  await runTool(async () => {
    const verdicts = await withFreshDatabase((database) =>
      runMutants(database.superuserUrl, {
        report: ({ name, table, killedBy }) =>
          console.log(killedBy ? `killed    ${table}: ${name}  (${killedBy})` : `SURVIVED  ${table}: ${name}`),
      }),
    );
    const survived = verdicts.filter((verdict) => !verdict.killedBy).length;
    console.log(`${verdicts.length - survived} killed, ${survived} survived`);
    if (survived > 0) process.exitCode = 1;
  });
