-- Roles, schemas and default privileges: nothing is reachable until a later line says so.

alter default privileges in schema public revoke all on tables from anon, authenticated, service_role;
alter default privileges in schema public revoke all on sequences from anon, authenticated, service_role;
alter default privileges in schema public revoke all on functions from anon, authenticated, service_role;
alter default privileges revoke execute on functions from public;

-- Secrets, keys, payloads, partitions and helpers. Never listed among the exposed schemas of the Data API.
create schema private;
revoke all on schema private from public;
-- Policies call private.my_orgs() as the caller.
grant usage on schema private to authenticated;

-- Roles belong to the cluster, not to the database: several databases of one cluster share them.
do $$
begin
  -- What a webhook request becomes: may append, may learn what was new, may read no event.
  if not exists (select from pg_roles where rolname = 'ingest') then
    create role ingest nologin;
  end if;
  -- What background work becomes: partitions ahead, retention, key rotation.
  if not exists (select from pg_roles where rolname = 'maintenance') then
    create role maintenance nologin;
  end if;
  -- What the API logs in as. It owns nothing and inherits nothing: forgetting to become one of the roles above
  -- is "permission denied", not other people's rows. The operator sets its password (docs/deploy.md).
  if not exists (select from pg_roles where rolname = 'tributary_api') then
    create role tributary_api login noinherit nobypassrls;
  end if;
end
$$;

grant ingest, maintenance, authenticated to tributary_api;
grant usage on schema public, private to ingest, maintenance;
