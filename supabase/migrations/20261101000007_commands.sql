-- What the API's commands need beside the tables.

-- Which secrets connections of the caller's orgs have, and until when: never what they are.
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

grant execute on function private.list_connection_secrets(uuid[]) to authenticated;

-- `npm run keys:rotate -- --data` adds versions of data keys. Hash keys are never added by it: new hashes would not join with old ones.
grant insert (org_id, kind, version, wrapped, master_version) on private.org_keys to maintenance;
create policy org_keys_insert on private.org_keys for insert to maintenance with check (kind = 'data');
