-- One more key of a kind: it is used from now on, and the older ones stay. A data key opens what it sealed; a hash key finds the events that
-- were hashed with it, until a reprocessing hashes them anew. The version that the key was wrapped for must be the next one, or somebody
-- else was faster: false. An org without keys gets its first pair when it needs it.
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

grant execute on function private.add_org_key(uuid, text, integer, bytea, integer) to authenticated;
drop function private.add_data_key(uuid, integer, bytea, integer);
