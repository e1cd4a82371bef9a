-- The schemas public and private as statements, one row per object: (section, object, part, statement), in the order to print them.
-- Partitions are left out, because the date decides which of them exist; objects of extensions are left out too.
with schemas as (
  select oid, nspname, nspacl, nspowner from pg_namespace where nspname in ('public', 'private')
), relations as (
  select c.*, c.oid::regclass::text as name from pg_class c join schemas s on s.oid = c.relnamespace
  where not c.relispartition and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
), functions as (
  select p.*, p.oid::regprocedure::text as name from pg_proc p join schemas s on s.oid = p.pronamespace
  where not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
), grantees as (
  select oid, quote_ident(rolname) as name from pg_roles union all select 0, 'public'
), columns as (
  select a.*, format('  %s %s%s%s%s%s', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
      case when a.attcollation <> t.typcollation then ' collate ' || a.attcollation::regcollation end,
      case when a.attidentity <> '' then format(' generated %s as identity', case a.attidentity when 'a' then 'always' else 'by default' end) end,
      case when a.attgenerated <> '' then format(' generated always as (%s) stored', pg_get_expr(d.adbin, d.adrelid))
           when d.adbin is not null then ' default ' || pg_get_expr(d.adbin, d.adrelid) end,
      case when a.attnotnull then ' not null' end) as definition,
    case when a.attstorage <> t.typstorage then case a.attstorage when 'e' then 'external' when 'm' then 'main' when 'p' then 'plain' else 'extended' end end as storage
  from pg_attribute a join relations r on r.oid = a.attrelid join pg_type t on t.oid = a.atttypid
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where a.attnum > 0 and not a.attisdropped
), constraints as (
  select k.conrelid, format('  constraint %s %s', quote_ident(k.conname), pg_get_constraintdef(k.oid)) as definition,
    row_number() over (partition by k.conrelid order by array_position('{p,u,f,c,x}', k.contype::text), k.conname) as n
  from pg_constraint k join relations r on r.oid = k.conrelid where k.contype in ('p', 'u', 'f', 'c', 'x')
), statements (section, object, part, key, statement) as (
  select 1, rolname::text, 0, '', format('role %I: %s', rolname, concat_ws(', ', case when rolcanlogin then 'login' else 'nologin' end,
      case when rolinherit then 'inherit' else 'noinherit' end, case when rolbypassrls then 'bypassrls' else 'nobypassrls' end,
      case when rolsuper then 'superuser' end, case when rolcreaterole then 'createrole' end, case when rolcreatedb then 'createdb' end,
      'member of ' || (select string_agg(m.roleid::regrole::text, ', ' order by m.roleid::regrole::text) from pg_auth_members m where m.member = r.oid)))
  from pg_roles r where rolname in ('ingest', 'maintenance', 'tributary_api', 'worker')
  union all
  select 2, s.nspname::text, 1, g.name, format('grant %s on schema %I to %s;', lower(string_agg(a.privilege_type, ', ' order by a.privilege_type)), s.nspname, g.name)
  from schemas s, aclexplode(s.nspacl) a join grantees g on g.oid = a.grantee where a.grantee <> s.nspowner and a.grantee::regrole::text not in ('postgres', 'pg_database_owner') group by s.nspname, g.name
  union all
  select 3, format('%I.%I', s.nspname, t.typname), 0, '', format('create type %I.%I as enum (%s);', s.nspname, t.typname, string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder))
  from pg_type t join schemas s on s.oid = t.typnamespace join pg_enum e on e.enumtypid = t.oid group by s.nspname, t.typname
  union all
  select 3, r.name, 0, '', format(E'create type %s as (\n%s\n);', r.name, (select string_agg(definition, E',\n' order by attnum) from columns where attrelid = r.oid))
  from relations r where r.relkind = 'c'
  union all
  select 3, r.name, 0, 'comment', format('comment on type %s is %L;', r.name, obj_description(r.reltype, 'pg_type'))
  from relations r where r.relkind = 'c' and obj_description(r.reltype, 'pg_type') is not null
  union all
  select case when r.relkind in ('r', 'p') then 4 else 5 end, r.name, 0, 'comment',
    format('comment on %s %s is %L;', case r.relkind when 'v' then 'view' when 'm' then 'materialized view' else 'table' end, r.name, obj_description(r.oid, 'pg_class'))
  from relations r where r.relkind in ('r', 'p', 'v', 'm') and obj_description(r.oid, 'pg_class') is not null
  union all
  select 6, f.name, 0, 'comment', format('comment on function %s is %L;', f.name, obj_description(f.oid, 'pg_proc'))
  from functions f where f.prokind in ('f', 'p') and obj_description(f.oid, 'pg_proc') is not null
  union all
  select 4, r.name, 0, '', format(E'create table %s (\n%s\n)%s;', r.name,
      (select string_agg(x.definition, E',\n' order by x.kind, x.n) from (
        select definition, 1 as kind, attnum::bigint as n from columns where attrelid = r.oid
        union all select definition, 2, n from constraints where conrelid = r.oid) x),
      case when r.relkind = 'p' then ' partition by ' || lower(pg_get_partkeydef(r.oid)) end)
  from relations r where r.relkind in ('r', 'p')
  union all
  select 4, r.name, 1, a.attname::text, format('alter table %s alter column %I set storage %s;', r.name, a.attname, a.storage)
  from relations r join columns a on a.attrelid = r.oid where r.relkind in ('r', 'p') and a.storage is not null
  union all
  select 4, r.name, 2, i.indexrelid::regclass::text, replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ') || ';'
  from relations r join pg_index i on i.indrelid = r.oid where not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x'))
  union all
  select 4, r.name, 3, t.tgname::text, pg_get_triggerdef(t.oid) || ';' from relations r join pg_trigger t on t.tgrelid = r.oid where not t.tgisinternal
  union all
  select 4, r.name, 4, '', format('alter table %s enable row level security;', r.name) from relations r where r.relrowsecurity
  union all
  select 4, r.name, 4, 'force', format('alter table %s force row level security;', r.name) from relations r where r.relforcerowsecurity
  union all
  select 4, r.name, 5, p.polname::text, format('create policy %I on %s%s for %s to %s%s%s;', p.polname, r.name, case when not p.polpermissive then ' as restrictive' end,
      case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
      (select string_agg(g.name, ', ' order by g.name) from grantees g where g.oid = any (p.polroles)),
      E'\n  using (' || pg_get_expr(p.polqual, p.polrelid) || ')', E'\n  with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')
  from relations r join pg_policy p on p.polrelid = r.oid
  union all
  select case when r.relkind in ('r', 'p') then 4 else 5 end, r.name, 6, g.name, format('grant %s on %s%s to %s;', lower(string_agg(a.privilege_type, ', ' order by a.privilege_type)),
      case when r.relkind = 'S' then 'sequence ' end, r.name, g.name)
  from relations r, aclexplode(r.relacl) a join grantees g on g.oid = a.grantee where a.grantee <> r.relowner group by r.relkind, r.name, g.name
  union all
  select 4, r.name, 7, g.name || a.privilege_type, format('grant %s (%s) on %s to %s;', lower(a.privilege_type), string_agg(quote_ident(c.attname), ', ' order by c.attnum), r.name, g.name)
  from relations r join columns c on c.attrelid = r.oid, aclexplode(c.attacl) a join grantees g on g.oid = a.grantee group by r.name, g.name, a.privilege_type
  union all
  select 5, r.name, 0, '', format(E'create %s %s%s as\n%s', case r.relkind when 'm' then 'materialized view' else 'view' end, r.name,
      ' with (' || array_to_string(r.reloptions, ', ') || ')', pg_get_viewdef(r.oid))
  from relations r where r.relkind in ('v', 'm')
  union all
  select 6, f.name, 0, '', rtrim(pg_get_functiondef(f.oid), E'\n') || ';' from functions f where f.prokind in ('f', 'p')
  union all
  select 6, f.name, 1, g.name, format('grant execute on function %s to %s;', f.name, g.name)
  from functions f, aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) a join grantees g on g.oid = a.grantee where a.grantee <> f.proowner
)
select section, object, statement from statements order by section, object collate "C", part, key collate "C"
