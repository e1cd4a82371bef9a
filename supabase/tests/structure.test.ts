import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestDatabase } from '../local/test-cluster.ts';
import { createTestDatabase } from '../local/testing.ts';
import { clientRoles, columnGrants, functionGrants, schemaGrants, tableGrants } from './grants.ts';

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.superuserUrl });
  await client.connect();
  // With an empty search path, every name is printed with its schema.
  await client.query(`set search_path = ''`);
});
afterAll(async () => {
  await client?.end();
  await database?.drop();
});

const rows = async <T extends pg.QueryResultRow>(sql: string, values: unknown[] = []) => (await client.query<T>(sql, values)).rows;
/** The first column of each row; most rules read "this list is empty". */
const list = async (sql: string, values: unknown[] = []) =>
  (await rows<Record<string, string>>(sql, values)).map((row) => Object.values(row)[0] ?? '');
const dictionary = async (sql: string) =>
  Object.fromEntries((await rows<{ name: string; value: string }>(sql)).map(({ name, value }) => [name, value]));

// our objects, without those of extensions
const relations = `
  (select c.*, c.oid::regclass as name, n.nspname from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname in ('public', 'private'))`;
const functions = `
  (select p.*, n.nspname || '.' || p.proname as name, n.nspname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
   where n.nspname in ('public', 'private') and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e'))`;
const policies = `(select * from pg_policies where schemaname in ('public', 'private'))`;
const grantee = `coalesce((select rolname from pg_roles where oid = a.grantee), 'PUBLIC')`;

describe('row level security', () => {
  it('is on for every table, partitioned parent and partition', async () => {
    expect(await list(`select name from ${relations} c where relkind in ('r', 'p') and not relrowsecurity`)).toEqual([]);
  });

  it('covers every kind of relation that exists: there is no materialized view and no foreign table', async () => {
    expect(await list(`select name from ${relations} c where relkind in ('m', 'f')`)).toEqual([]);
  });

  it('applies in views too: every view runs as its caller', async () => {
    const unsafe = `relkind = 'v' and not coalesce('security_invoker=true' = any (reloptions) or 'security_invoker=on' = any (reloptions), false)`;
    expect(await list(`select name from ${relations} c where ${unsafe}`)).toEqual([]);
  });
});

describe('policies', () => {
  it('name the roles they are for, and only roles of clients', async () => {
    const roles = [...clientRoles];
    expect(await list(`select tablename || '.' || policyname from ${policies} p where not roles <@ $1::name[]`, [roles])).toEqual([]);
  });

  it('are for one command each, never for all', async () => {
    expect(await list(`select tablename || '.' || policyname from ${policies} p where cmd = 'ALL'`)).toEqual([]);
  });

  it('are permissive at most once per table, command and role', async () => {
    expect(
      await list(`select schemaname || '.' || tablename || ' ' || cmd || ' ' || role from ${policies} p, unnest(roles) role
                  where permissive = 'PERMISSIVE' group by schemaname, tablename, cmd, role having count(*) > 1`),
    ).toEqual([]);
  });

  const clauses = async () =>
    (
      await rows<{ name: string; clause: string }>(
        `select tablename || '.' || policyname as name, coalesce(qual, '') || ' ' || coalesce(with_check, '') as clause from ${policies} p`,
      )
    ).map(({ name, clause }) => ({ name, clause: clause.replace(/\s+/g, ' ') }));

  it('look up the caller once per statement, not once per row', async () => {
    // the stored form of (select auth.uid()) is ( SELECT auth.uid() AS uid); one wrapped call must not excuse a bare one beside it
    const bare = (await clauses()).filter(({ clause }) =>
      /\bauth\.\w+\(|current_setting\(/.test(clause.replace(/\( SELECT auth\.\w+\(\) AS \w+\)/g, '')),
    );
    expect(bare).toEqual([]);
  });

  it('call helpers only as array(select private.f(constants)), so that no helper runs per row', async () => {
    const helper = /ARRAY\( SELECT private\.\w+\((?:'[^']*'::text\[\])?\) AS \w+\)/g;
    const others = (await clauses()).filter(({ clause }) => /private\.\w+\(/.test(clause.replace(helper, '')));
    expect(others).toEqual([]);
  });

  it('do not read user_metadata, which users can edit', async () => {
    expect((await clauses()).filter(({ clause }) => clause.includes('user_metadata'))).toEqual([]);
  });
});

describe('grants', () => {
  it('on whole tables are exactly the listed ones', async () => {
    expect(
      await dictionary(`select c.name || ' ' || ${grantee} as name, string_agg(a.privilege_type, ', ' order by a.privilege_type) as value
                        from ${relations} c, aclexplode(c.relacl) a where a.grantee <> c.relowner group by 1`),
    ).toEqual(tableGrants);
  });

  it('a server script with the secret key reads every table that members read, and nothing else', () => {
    const readBy = (role: string) =>
      Object.entries(tableGrants)
        .filter(([grant, privileges]) => grant.endsWith(` ${role}`) && privileges.includes('SELECT'))
        .map(([grant]) => grant.split(' ')[0]);
    // The view data_retention asks functions of the schema private, which that role may not call; the tables behind it have everything that it shows.
    expect(readBy('service_role').sort()).toEqual(
      readBy('authenticated')
        .filter((table) => table !== 'public.data_retention')
        .sort(),
    );
    const grants = Object.entries(tableGrants).filter(([grant]) => grant.endsWith(' service_role'));
    expect(new Set(grants.map(([, privileges]) => privileges))).toEqual(new Set(['SELECT']));
  });

  it('on columns are exactly the listed ones', async () => {
    expect(
      await dictionary(`select c.name || ' ' || ${grantee} || ' ' || a.privilege_type as name, string_agg(t.attname, ', ' order by t.attnum) as value
                        from ${relations} c join pg_attribute t on t.attrelid = c.oid, aclexplode(t.attacl) a group by 1`),
    ).toEqual(columnGrants);
  });

  it('give anon and PUBLIC no table, column, sequence or function', async () => {
    expect(
      await list(`
        select c.name || ' ' || ${grantee} from ${relations} c, aclexplode(c.relacl) a where ${grantee} in ('anon', 'PUBLIC')
        union all
        select c.name || '.' || t.attname from ${relations} c join pg_attribute t on t.attrelid = c.oid, aclexplode(t.attacl) a where ${grantee} in ('anon', 'PUBLIC')
        union all
        select p.name from ${functions} p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a where ${grantee} in ('anon', 'PUBLIC')`),
    ).toEqual([]);
  });

  it('name no partition: rows are reached through the parent only', async () => {
    expect(
      await list(
        `select c.name || ' ' || ${grantee} from ${relations} c, aclexplode(c.relacl) a where c.relispartition and a.grantee <> c.relowner`,
      ),
    ).toEqual([]);
    expect(await list(`select name from ${relations} c where relispartition and nspname <> 'private'`)).toEqual([]);
  });

  it('on schemas are exactly the listed ones', async () => {
    expect(
      await dictionary(`select n.nspname || ' ' || ${grantee} as name, string_agg(a.privilege_type, ', ' order by a.privilege_type) as value
                        from pg_namespace n, aclexplode(n.nspacl) a where n.nspname in ('public', 'private')
                        and a.grantee not in (n.nspowner, 'postgres'::regrole) group by 1`),
    ).toEqual(schemaGrants);
  });

  it('on objects that are created later do not exist by default', async () => {
    expect(
      await list(`select defaclobjtype::text || ' ' || ${grantee} from pg_default_acl d, aclexplode(d.defaclacl) a
                  where defaclrole = 'postgres'::regrole and defaclnamespace in (0, 'public'::regnamespace, 'private'::regnamespace) and a.grantee <> defaclrole`),
    ).toEqual([]);
  });
});

describe('what a client may write', () => {
  // Checked by a trigger, because every role that updates the table would need a grant on a function that a check constraint calls.
  const byTrigger: Record<string, string> = { 'public.alert_rules.thresholds': 'check_thresholds' };

  it('has a size in every column that holds texts, lists or JSON', async () => {
    const columns = await rows<{ name: string; field: string; checks: string[]; triggers: string[] }>(`
      select c.name || '.' || t.attname as name, t.attname as field,
        array(select pg_get_constraintdef(k.oid) from pg_constraint k where k.conrelid = c.oid and k.contype = 'c' and t.attnum = any (k.conkey)) as checks,
        array(select g.tgname::text from pg_trigger g where g.tgrelid = c.oid and not g.tgisinternal) as triggers
      from ${relations} c join pg_attribute t on t.attrelid = c.oid and t.attnum > 0 and not t.attisdropped
      join pg_type y on y.oid = t.atttypid
      where c.nspname = 'public' and c.relkind in ('r', 'p')
        and (y.typcategory in ('S', 'A') or y.typname in ('json', 'jsonb', 'bytea', 'numeric'))
        and (has_column_privilege('authenticated', c.oid, t.attnum, 'INSERT') or has_column_privilege('authenticated', c.oid, t.attnum, 'UPDATE'))
      order by 1`);
    expect(columns.length).toBeGreaterThanOrEqual(10);
    const sized = ({ name, field, checks, triggers }: (typeof columns)[number]) =>
      checks.some(
        (check) =>
          // A bound on the value itself: a bound on the trimmed text accepts any number of spaces.
          new RegExp(`\\b(length|pg_column_size|cardinality|array_length)\\(${field}(, 1)?\\)\\)? <=`).test(check) ||
          new RegExp(`\\(${field} = ANY \\(`).test(check) ||
          new RegExp(`\\b(length|cardinality)\\(${field}\\) >= \\d+\\) AND \\((length|cardinality)\\(${field}\\) <=`).test(check) ||
          // A pattern with a bounded length, from its beginning to its end.
          new RegExp(`\\(${field} ~ '\\^[^']*\\{\\d+,\\d+\\}\\$'`).test(check),
      ) || triggers.includes(byTrigger[name] ?? '');
    expect(columns.filter((column) => !sized(column))).toEqual([]);
  });

  it('has visible text without hidden characters in every name and reason', async () => {
    expect(
      await list(`
        select c.name || '.' || t.attname from ${relations} c join pg_attribute t on t.attrelid = c.oid and t.attname in ('name', 'reason', 'reference', 'suspended_reason')
        where c.nspname = 'public' and c.relkind in ('r', 'p')
          and not exists (select from pg_constraint k where k.conrelid = c.oid and k.conname = c.relname || '_' || t.attname || '_text')`),
    ).toEqual([]);
  });
});

describe('functions', () => {
  it("run with their owner's rights only outside the exposed schema", async () => {
    expect(await list(`select name from ${functions} p where prosecdef and nspname = 'public'`)).toEqual([]);
  });

  it('all set an empty search_path', async () => {
    expect(await list(`select name from ${functions} p where not coalesce('search_path=""' = any (proconfig), false)`)).toEqual([]);
  });

  it.each(['definer', 'invoker'] as const)('that run as their %s are executable by exactly these roles', async (security) => {
    expect(
      await dictionary(`select p.name, string_agg(${grantee}, ', ' order by ${grantee}) as value
                        from ${functions} p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
                        where prosecdef = ${security === 'definer'} and a.grantee <> p.proowner group by 1`),
    ).toEqual(functionGrants[security]);
  });

  it('that policies call only read', async () => {
    expect(await list(`select provolatile::text from ${functions} p where name = 'private.my_orgs'`)).toEqual(['s']);
  });
});

describe('comments', () => {
  it('describe the purpose of every table, function and type', async () => {
    expect(
      await list(`
        select name::text from ${relations} c where relkind in ('r', 'p', 'v') and not relispartition and obj_description(c.oid, 'pg_class') is null
        union all
        select name::text from ${relations} c where relkind = 'c' and obj_description(c.reltype, 'pg_type') is null
        union all
        select name from ${functions} p where obj_description(p.oid, 'pg_proc') is null`),
    ).toEqual([]);
  });
});

describe('foreign keys', () => {
  const foreignKeys = `
    (select k.*, k.conrelid::regclass || ' (' || (select string_agg(attname, ', ' order by u.n) from unnest(k.conkey) with ordinality u (num, n)
       join pg_attribute t on t.attrelid = k.conrelid and t.attnum = u.num) || ') -> ' || k.confrelid::regclass as name
     from pg_constraint k join ${relations} c on c.oid = k.conrelid where k.contype = 'f' and not c.relispartition)`;
  const hasOrgId = (table: string) => `exists (select from pg_attribute t where t.attrelid = ${table} and t.attname = 'org_id')`;

  it('between rows of a tenant include the org', async () => {
    expect(
      await list(`select name from ${foreignKeys} k where ${hasOrgId('k.conrelid')} and ${hasOrgId('k.confrelid')}
                  and not exists (select from unnest(k.conkey, k.confkey) u (here, there)
                    join pg_attribute h on h.attrelid = k.conrelid and h.attnum = u.here
                    join pg_attribute r on r.attrelid = k.confrelid and r.attnum = u.there
                    where h.attname = 'org_id' and r.attname = 'org_id')`),
    ).toEqual([]);
  });

  it('are covered by an index', async () => {
    expect(
      await list(`select name from ${foreignKeys} k where not exists (
        select from pg_index i where i.indrelid = k.conrelid and i.indpred is null
        and (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey) order by 1`),
    ).toEqual([]);
  });
});

describe('partitions', () => {
  const parents = [
    'private.journal_payloads',
    'public.activity_hours',
    'public.activity_minutes',
    'public.canonical_events',
    'public.connection_activity',
    'public.event_journal',
  ];

  it('exist for exactly the tables that retention names', async () => {
    expect(await list(`select name::text from ${relations} c where relkind = 'p' order by 1`)).toEqual(parents);
    expect(await list(`select table_name::regclass::text from private.retention order by 1`)).toEqual(parents);
  });

  it.each(parents)('%s has a default partition, this month and at least two months ahead', async (parent) => {
    const bounds = await list(
      `select pg_get_expr(c.relpartbound, c.oid) from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = $1::regclass`,
      [parent],
    );
    expect(bounds).toContain('DEFAULT');
    const [{ months }] = (await rows<{ months: string[] }>(
      `select array_agg(to_char(date_trunc('month', now() at time zone 'utc') + make_interval(months => n), 'YYYY-MM-DD')) as months from generate_series(0, 2) n`,
    )) as [{ months: string[] }];
    for (const month of months) expect(bounds.some((bound) => bound.includes(`FROM ('${month} 00:00:00+00')`))).toBe(true);
  });
});

describe('roles', () => {
  it('the API logs in as a role that inherits no grant, bypasses no policy and owns no object', async () => {
    expect(
      await rows(
        `select rolcanlogin, rolinherit, rolbypassrls, rolsuper, rolcreaterole, rolcreatedb, rolreplication from pg_roles where rolname = 'tributary_api'`,
      ),
    ).toEqual([
      {
        rolcanlogin: true,
        rolinherit: false,
        rolbypassrls: false,
        rolsuper: false,
        rolcreaterole: false,
        rolcreatedb: false,
        rolreplication: false,
      },
    ]);
    // in pg_shdepend, 'o' is ownership of anything in any database
    expect(await list(`select objid::text from pg_shdepend where refobjid = 'tributary_api'::regrole and deptype = 'o'`)).toEqual([]);
  });

  it('and may become exactly ingest, maintenance, worker or authenticated', async () => {
    expect(
      await list(
        `select m.roleid::regrole::text from pg_auth_members m where m.member = 'tributary_api'::regrole and m.set_option and not m.admin_option order by 1`,
      ),
    ).toEqual(['authenticated', 'ingest', 'maintenance', 'worker']);
    expect(
      await list(
        `select rolname from pg_roles where pg_has_role('tributary_api', oid, 'member') and rolname <> 'tributary_api' order by 1`,
      ),
    ).toEqual(['authenticated', 'ingest', 'maintenance', 'worker']);
  });

  it.each(['ingest', 'maintenance'])('%s cannot log in, bypasses no policy and is a member of no role', async (role) => {
    expect(
      await rows(`select rolcanlogin, rolbypassrls, rolsuper, rolcreaterole, rolcreatedb from pg_roles where rolname = $1`, [role]),
    ).toEqual([{ rolcanlogin: false, rolbypassrls: false, rolsuper: false, rolcreaterole: false, rolcreatedb: false }]);
    expect(await list(`select roleid::regrole::text from pg_auth_members where member = $1::regrole`, [role])).toEqual([]);
  });
});
