-- What members may know about the keys of their org: that there are, how old they are, which one is used. Never a key, wrapped or not.
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

-- One more data key: what is sealed from now on uses it, what was sealed before opens with the older ones. The version that the key was
-- wrapped for must be the next one, or somebody else was faster: false. An org without keys gets its first pair when it needs it.
create function private.add_data_key(p_org_id uuid, p_version integer, p_wrapped bytea, p_master_version integer)
returns boolean
language plpgsql security definer
set search_path = ''
as $$
begin
  if not p_org_id = any (array(select private.my_orgs('{owner,admin}'))) then
    raise insufficient_privilege;
  end if;
  perform from public.orgs where id = p_org_id for update;
  if p_version is distinct from (select max(k.version) + 1 from private.org_keys k where k.org_id = p_org_id and k.kind = 'data') then
    return false;
  end if;
  insert into private.org_keys (org_id, kind, version, wrapped, master_version) values (p_org_id, 'data', p_version, p_wrapped, p_master_version);
  return true;
end
$$;

-- How long what is kept: rules of the installation, the same for every org.
create function private.list_retention()
returns table (table_name text, keep_days integer)
language sql stable security definer
set search_path = ''
as $$
  select r.table_name, r.keep_days from private.retention r
$$;

create function public.data_retention()
returns table (table_name text, keep_days integer)
language sql stable security invoker
set search_path = ''
as $$
  select r.table_name, r.keep_days from private.list_retention() r order by r.keep_days, r.table_name
$$;

grant execute on function private.list_org_keys(uuid), private.add_data_key(uuid, integer, bytea, integer), private.list_retention(),
  public.data_retention() to authenticated;
