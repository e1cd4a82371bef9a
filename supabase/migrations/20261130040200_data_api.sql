-- The Data API is a door too: what a client may write there meets the same checks as a command of the API.

-- Configurations ------------------------------------------------------------------------------------------------------
-- A configuration is checked by the schema of its source, which only the API knows: so only commands of the API write it, through functions that the
-- Data API does not expose. The same holds for new connections, whose type must be one that the server has.

revoke insert (org_id, project_id, name, type, config_json), update (config_json) on public.source_connections from authenticated;
drop policy source_connections_insert on public.source_connections;

create function private.create_connection(p_org_id uuid, p_project_id uuid, p_type text, p_name text, p_config jsonb)
returns uuid
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_id uuid;
begin
  perform private.require_admin(p_org_id);
  insert into public.source_connections (org_id, project_id, type, name, config_json)
  values (p_org_id, p_project_id, p_type, p_name, p_config) returning id into v_id;
  return v_id;
end
$$;
comment on function private.create_connection(uuid, uuid, text, text, jsonb) is
'Creates a connection. The API has checked the configuration by the schema of the source.';

create function private.set_connection_config(p_connection_id uuid, p_config jsonb)
returns boolean
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_org uuid := (select org_id from public.source_connections where id = p_connection_id and deleted_at is null
    and org_id = any (array(select private.my_orgs())) for update);
begin
  if v_org is null then
    return false;
  end if;
  perform private.require_admin(v_org);
  update public.source_connections set config_json = p_config where id = p_connection_id;
  return true;
end
$$;
comment on function private.set_connection_config(uuid, jsonb) is
'Replaces the configuration of a connection, which the API has checked by the schema of the source. Returns false when the caller has no such connection.';

-- Texts ---------------------------------------------------------------------------------------------------------------
-- Names are shown in lists, mails and terminals. Control characters and characters that turn the direction of text make a name look like another one,
-- and a name of invisible characters looks like none. Existing names lose these characters.

do $$
declare
  v record;
  v_unsafe constant text := '[\u0001-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]';
  -- A reason may have several lines.
  v_unsafe_lines constant text := '[\u0001-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]';
  v_visible constant text := '[^\s\u00a0\u00ad\u034f\u115f\u1160\u1680\u17b4\u17b5\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0]';
begin
  for v in
    select * from (values
      ('orgs', 'name', v_unsafe, 'Org'), ('projects', 'name', v_unsafe, 'Project'), ('source_connections', 'name', v_unsafe, 'Connection'),
      ('alert_channels', 'name', v_unsafe, 'Channel'), ('replay_plans', 'name', v_unsafe, 'Plan'), ('replay_plans', 'reference', v_unsafe, 'reference'),
      ('erasures', 'reference', v_unsafe, 'reference'), ('legal_holds', 'reason', v_unsafe_lines, 'reason'),
      ('source_connections', 'suspended_reason', v_unsafe_lines, 'reason'), ('orgs', 'suspended_reason', v_unsafe_lines, 'reason')
    ) as t (relation, field, unsafe, instead)
  loop
    execute format('update public.%1$I set %2$I = case when regexp_replace(%2$I, %3$L, '''', ''g'') ~ %4$L then regexp_replace(%2$I, %3$L, '''', ''g'') else %5$L end
      where %2$I ~ %3$L or %2$I !~ %4$L', v.relation, v.field, v.unsafe, v_visible, v.instead);
    execute format('alter table public.%1$I add constraint %3$I check (%2$I !~ %4$L and %2$I ~ %5$L)',
      v.relation, v.field, v.relation || '_' || v.field || '_text', v.unsafe, v_visible);
  end loop;
end
$$;

-- Dead letters --------------------------------------------------------------------------------------------------------

create function private.check_planned_retry()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if new.next_retry_at not between now() - interval '1 day' and now() + interval '30 days' then
    raise check_violation using message = 'a retry is planned within the next 30 days', constraint = 'dlq_events_planned_retry';
  end if;
  return new;
end
$$;
comment on function private.check_planned_retry() is
'Trigger function: a person plans a retry within 30 days. The entry would never become due at a time such as infinity, which programs cannot read either.';
create trigger check_planned_retry before update of next_retry_at on public.dlq_events
  for each row when (auth.uid() is not null and new.next_retry_at is distinct from old.next_retry_at) execute function private.check_planned_retry();

-- Grants and policies -------------------------------------------------------------------------------------------------

grant execute on function private.create_connection(uuid, uuid, text, text, jsonb), private.set_connection_config(uuid, jsonb) to authenticated;
