-- Source connections, their secrets, and the orgs' keys.

create table public.source_connections (
  id uuid primary key default gen_random_uuid(),
  org_id uuid not null references public.orgs (id) on delete cascade,
  project_id uuid not null,
  name text not null check (length(btrim(name)) >= 1 and length(name) <= 120),
  type text not null check (type ~ '^[a-z][a-z0-9_-]{1,39}$'),
  is_active boolean not null default true,
  config_json jsonb not null default '{}' check (jsonb_typeof(config_json) = 'object' and pg_column_size(config_json) <= 32768),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  last_event_at timestamptz,
  -- The events of a deleted connection are kept, so its row is kept too; for senders and users the connection does not exist.
  deleted_at timestamptz,
  -- Deliveries a second over all instances; null: the connection has no limit of its own.
  rate_limit_per_second integer check (rate_limit_per_second between 1 and 100000),
  -- A brownout sheds part of the deliveries to connections of low priority, and no others.
  priority text not null default 'normal' check (priority in ('normal', 'low')),
  foreign key (org_id, project_id) references public.projects (org_id, id),
  unique (org_id, id),
  unique (org_id, project_id, id)  -- target of the composite foreign keys of events and dead letters
);
comment on table public.source_connections is
'One configured instance of a source (a platform such as Hotmart) in a project, with its own URL and secrets.';

create table private.connection_secrets (
  id uuid primary key default gen_random_uuid(),
  org_id uuid not null,
  source_connection_id uuid not null,
  name text not null,
  sealed bytea not null,         -- AES-256-GCM under the org's data key
  created_at timestamptz not null default now(),
  expires_at timestamptz,        -- null: current; set: valid until then (rotation with grace)
  foreign key (org_id, source_connection_id) references public.source_connections (org_id, id) on delete cascade
);
create index connection_secrets_connection_idx on private.connection_secrets (org_id, source_connection_id, name);
comment on table private.connection_secrets is 'The secrets that deliveries are verified with, sealed.';

create table private.org_keys (
  org_id uuid not null references public.orgs (id) on delete cascade,
  kind text not null check (kind in ('data', 'hash')),
  version integer not null check (version > 0),
  wrapped bytea not null,
  master_version integer not null,
  created_at timestamptz not null default now(),
  retired_at timestamptz,        -- not used for new data any more; old ciphertexts still open with it
  primary key (org_id, kind, version)
);
comment on table private.org_keys is
'The org''s keys: a data key seals payloads and secrets, a hash key hashes identifiers. Both are wrapped by a master key that the database never
sees.';

create trigger audit after insert or update or delete on public.source_connections for each row execute function private.audit('id');
create trigger audit after insert or update or delete on private.connection_secrets for each row execute function private.audit('source_connection_id');
create trigger audit after insert or delete on private.org_keys for each row execute function private.audit('version');

create function private.notify_connection_changed()
returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  v_row jsonb := to_jsonb(case when tg_op = 'DELETE' then old else new end);
begin
  -- The rollup changes only last_event_at: such a change must not empty the caches.
  if tg_op = 'UPDATE' and to_jsonb(new) - 'last_event_at' = to_jsonb(old) - 'last_event_at' then
    return null;
  end if;
  perform pg_notify('connection_changed', case tg_table_name
    when 'source_connections' then v_row ->> 'id'
    when 'connection_secrets' then v_row ->> 'source_connection_id'
    when 'orgs' then 'org:' || (v_row ->> 'id')
    else 'org:' || (v_row ->> 'org_id') end);
  return null;
end
$$;
comment on function private.notify_connection_changed() is
'Trigger function: tells every API process that a connection, its secrets, its org''s keys or its org''s limit have changed. The processes hold
connections in memory and listen, so that a disabled connection stops at once everywhere.';
create trigger notify after insert or update or delete on public.source_connections for each row execute function private.notify_connection_changed();
create trigger notify after insert or update or delete on private.connection_secrets for each row execute function private.notify_connection_changed();
create trigger notify after insert or update or delete on private.org_keys for each row execute function private.notify_connection_changed();
create trigger notify after update of rate_limit_per_second on public.orgs for each row execute function private.notify_connection_changed();

create trigger touch before update of name, is_active, config_json, rate_limit_per_second, priority, deleted_at on public.source_connections
  for each row execute function private.touch_updated_at();

create function private.find_connection(p_id uuid)
returns json
language sql stable security definer
set search_path = ''
as $$
  select json_build_object(
    'id', c.id, 'org_id', c.org_id, 'project_id', c.project_id, 'type', c.type, 'is_active', c.is_active, 'config', c.config_json,
    'priority', c.priority, 'rate_limit_per_second', c.rate_limit_per_second, 'org_rate_limit_per_second', o.rate_limit_per_second,
    'secrets', coalesce((
      select json_agg(json_build_object('name', s.name, 'sealed', encode(s.sealed, 'base64'), 'expires_at', s.expires_at) order by s.created_at desc)
      from private.connection_secrets s
      where s.org_id = c.org_id and s.source_connection_id = c.id and (s.expires_at is null or s.expires_at > now())), '[]'))
  from public.source_connections c
  join public.orgs o on o.id = c.org_id
  where c.id = p_id and c.deleted_at is null
$$;
comment on function private.find_connection(uuid) is
'The fields of a connection that a webhook request needs before its tenant is known, and no others. Null when the connection is unknown or
deleted.';

create function private.rotate_connection_secret(p_connection_id uuid, p_name text, p_sealed bytea, p_grace_seconds integer)
returns void
language plpgsql security definer
set search_path = ''
as $$
declare
  v_org uuid;
begin
  select org_id into v_org from public.source_connections where id = p_connection_id and deleted_at is null for update;
  perform private.require_admin(v_org);
  delete from private.connection_secrets
  where org_id = v_org and source_connection_id = p_connection_id and name = p_name
    and (p_grace_seconds = 0 or expires_at <= now());
  update private.connection_secrets
  set expires_at = now() + make_interval(secs => p_grace_seconds)
  where org_id = v_org and source_connection_id = p_connection_id and name = p_name and expires_at is null;
  -- Keeps four secrets; the new secret is the fifth.
  delete from private.connection_secrets where id in (
    select id from private.connection_secrets
    where org_id = v_org and source_connection_id = p_connection_id and name = p_name
    order by created_at desc offset 4);
  insert into private.connection_secrets (org_id, source_connection_id, name, sealed)
  values (v_org, p_connection_id, p_name, p_sealed);
end
$$;
comment on function private.rotate_connection_secret(uuid, text, bytea, integer) is
'Adds a secret. The other secrets of the same name expire after the grace period (in seconds), at once when it is 0. At most five secrets of a
name are valid at once, because a delivery that matches no secret is checked against each of them. A further rotation is not refused, because a
leaked secret must be replaceable at any time: it ends the grace period of the oldest secret.';

create function private.delete_connection(p_connection_id uuid)
returns boolean
language plpgsql security definer
set search_path = ''
as $$
declare
  v_org uuid;
begin
  select org_id into v_org from public.source_connections where id = p_connection_id and deleted_at is null for update;
  if v_org is null or v_org <> all (array(select private.my_orgs())) then
    return false;
  end if;
  perform private.require_admin(v_org);
  delete from private.connection_secrets where org_id = v_org and source_connection_id = p_connection_id;
  update public.source_connections set is_active = false, deleted_at = now() where id = p_connection_id;
  return true;
end
$$;
comment on function private.delete_connection(uuid) is
'Deletes a connection for senders; its events, journal and dead letters stay with the org. Returns false when the caller has no such connection.';

create function private.list_connection_secrets(p_connection_ids uuid[])
returns table (source_connection_id uuid, name text, created_at timestamptz, expires_at timestamptz)
language sql stable security definer
set search_path = ''
as $$
  select s.source_connection_id, s.name, s.created_at, s.expires_at
  from private.connection_secrets s
  where s.org_id = any (array(select private.my_orgs())) and s.source_connection_id = any (p_connection_ids)
    and (s.expires_at is null or s.expires_at > now())
  order by s.created_at desc
$$;
comment on function private.list_connection_secrets(uuid[]) is
'The names and expiry of the secrets of connections in the caller''s orgs, never the secrets.';

create function private.find_org_keys(p_org_id uuid)
returns json
language sql stable security definer
set search_path = ''
as $$
  select coalesce(json_agg(json_build_object(
    'kind', k.kind, 'version', k.version, 'wrapped', encode(k.wrapped, 'base64'), 'master_version', k.master_version,
    'retired', k.retired_at is not null) order by k.kind, k.version desc), '[]')
  from private.org_keys k where k.org_id = p_org_id
$$;
comment on function private.find_org_keys(uuid) is 'All keys of an org, wrapped, for the process that holds the master key.';

create function private.create_org_keys(p_org_id uuid, p_data bytea, p_hash bytea, p_master_version integer)
returns void
language plpgsql security definer
set search_path = ''
as $$
begin
  perform from public.orgs where id = p_org_id for update;
  if not exists (select from private.org_keys where org_id = p_org_id) then
    insert into private.org_keys (org_id, kind, version, wrapped, master_version)
    values (p_org_id, 'data', 1, p_data, p_master_version), (p_org_id, 'hash', 1, p_hash, p_master_version);
  end if;
end
$$;
comment on function private.create_org_keys(uuid, bytea, bytea, integer) is
'Stores the first pair of keys of an org. Existing keys are kept: two processes that create the first pair at the same time end with the same
pair.';

create function private.add_org_key(p_org_id uuid, p_kind text, p_version integer, p_wrapped bytea, p_master_version integer)
returns boolean
language plpgsql security definer
set search_path = ''
as $$
begin
  if not p_org_id = any (array(select private.my_orgs('{owner,admin}'))) then
    raise insufficient_privilege;
  end if;
  perform from public.orgs where id = p_org_id for update;
  if p_version is distinct from (select max(k.version) + 1 from private.org_keys k where k.org_id = p_org_id and k.kind = p_kind) then
    return false;
  end if;
  insert into private.org_keys (org_id, kind, version, wrapped, master_version) values (p_org_id, p_kind, p_version, p_wrapped, p_master_version);
  return true;
end
$$;
comment on function private.add_org_key(uuid, text, integer, bytea, integer) is
'Adds a version of a key, which is used from then on; the older versions are kept. A data key opens the data that was sealed with it; a hash key
finds the events that were hashed with it, until a reprocessing hashes them again. p_version, for which the key was wrapped, must be the next
version; returns false when another request added that version first. An org without keys gets its first pair when it needs one.';

create function private.list_org_keys(p_org_id uuid)
returns table (kind text, version integer, created_at timestamptz, retired_at timestamptz)
language sql stable security definer
set search_path = ''
as $$
  select k.kind, k.version, k.created_at, k.retired_at
  from private.org_keys k
  where k.org_id = p_org_id and p_org_id = any (array(select private.my_orgs()))
  order by k.kind, k.version desc
$$;
comment on function private.list_org_keys(uuid) is
'What members may know about the keys of their org: which keys exist, how old they are, and which one is used. It never returns a key, wrapped or
not.';

-- Grants and policies -------------------------------------------------------------------------------------------------

grant execute on function private.find_connection(uuid), private.find_org_keys(uuid) to ingest;
grant execute on function private.create_org_keys(uuid, bytea, bytea, integer) to ingest;
grant execute on function private.rotate_connection_secret(uuid, text, bytea, integer), private.delete_connection(uuid),
  private.list_connection_secrets(uuid[]), private.add_org_key(uuid, text, integer, bytea, integer), private.list_org_keys(uuid) to authenticated;

grant select on public.source_connections to authenticated;
grant insert (org_id, project_id, name, type, config_json), update (name, is_active, config_json, rate_limit_per_second, priority)
  on public.source_connections to authenticated;
-- Jobs filter by source type, skip deleted connections, and read a deleted connection's deliveries by its configuration.
grant select (id, org_id, type, config_json, deleted_at) on public.source_connections to worker;
-- `npm run keys:rotate -- --data` adds versions of data keys. It never adds hash keys: new hashes would not match the old ones.
grant select, insert (org_id, kind, version, wrapped, master_version), update (wrapped, master_version) on private.org_keys to maintenance;

alter table public.source_connections enable row level security;
alter table private.connection_secrets enable row level security;
alter table private.org_keys enable row level security;

create policy source_connections_select on public.source_connections for select to authenticated
  using (org_id = any (array(select private.my_orgs())));
create policy source_connections_insert on public.source_connections for insert to authenticated
  with check (org_id = any (array(select private.my_orgs('{owner,admin}'))));
create policy source_connections_update on public.source_connections for update to authenticated
  using (org_id = any (array(select private.my_orgs('{owner,admin}'))) and deleted_at is null);
create policy source_connections_worker on public.source_connections for select to worker using (true);
create policy org_keys_select on private.org_keys for select to maintenance using (true);
create policy org_keys_update on private.org_keys for update to maintenance using (true);
create policy org_keys_insert on private.org_keys for insert to maintenance with check (kind = 'data');
