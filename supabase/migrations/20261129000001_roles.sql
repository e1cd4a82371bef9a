-- Roles, schemas and default privileges: nothing is reachable until a later line grants it.

alter default privileges in schema public revoke all on tables from anon, authenticated, service_role;
alter default privileges in schema public revoke all on sequences from anon, authenticated, service_role;
alter default privileges in schema public revoke all on functions from anon, authenticated, service_role;
alter default privileges revoke execute on functions from public;

-- Secrets, keys, payloads, partitions and helpers. This schema is never listed among the exposed schemas of the Data API.
create schema private;
revoke all on schema private from public;
-- Policies call private.my_orgs() with the role of the caller.
grant usage on schema private to authenticated;

-- Roles belong to the cluster and not to a database: another database of the cluster may have created them already.
do $$
begin
  -- A webhook request runs as `ingest`: it may append and may learn which keys were new, but it may read no event.
  if not exists (select from pg_roles where rolname = 'ingest') then
    create role ingest nologin;
  end if;
  -- Housekeeping runs as `maintenance`: creating partitions, retention, key rotation.
  if not exists (select from pg_roles where rolname = 'maintenance') then
    create role maintenance nologin;
  end if;
  -- Background work runs as `worker`: dead letters, replays, rollups, alerts. The role reads sealed deliveries and works across orgs, as the
  -- jobs do. Partitions, retention and keys belong to `maintenance`.
  if not exists (select from pg_roles where rolname = 'worker') then
    create role worker nologin;
  end if;
  -- The API logs in as `tributary_api`. The role owns nothing and inherits nothing: code that forgets to become one of the roles above gets
  -- "permission denied", not other people's rows. The operator sets its password (docs/deploy.md).
  if not exists (select from pg_roles where rolname = 'tributary_api') then
    create role tributary_api login noinherit nobypassrls;
  end if;
end
$$;

grant ingest, maintenance, worker, authenticated to tributary_api;
grant usage on schema public, private to ingest, maintenance, worker;
