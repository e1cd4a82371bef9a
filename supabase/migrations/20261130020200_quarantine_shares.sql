-- The quarantine of a connection keeps places for rejected deliveries that carry the form of a credential, and others for those that carry none:
-- strangers who only know the URL use up the second share at most.

alter table private.quarantine_hours
  add column without_credential integer not null default 0;
comment on column private.quarantine_hours.without_credential is
'Places that were taken by deliveries without any credential; `stored` counts those of deliveries that carry the form of one.';
grant update (without_credential) on private.quarantine_hours to ingest;

drop function private.take_quarantine(uuid, integer, integer);
create function private.take_quarantine(p_connection_id uuid, p_wanted integer, p_cap integer, p_has_credential boolean default true)
returns integer
language plpgsql volatile security invoker
set search_path = ''
as $$
declare
  v_hour timestamptz := date_trunc('hour', now());
  v_free integer;
begin
  insert into private.quarantine_hours (source_connection_id, hour, stored) values (p_connection_id, v_hour, 0) on conflict do nothing;
  select greatest(0, least(p_wanted, p_cap - case when p_has_credential then stored else without_credential end)) into v_free
  from private.quarantine_hours where source_connection_id = p_connection_id and hour = v_hour for update;
  update private.quarantine_hours
  set stored = stored + case when p_has_credential then v_free else 0 end,
    without_credential = without_credential + case when p_has_credential then 0 else v_free end
  where source_connection_id = p_connection_id and hour = v_hour;
  return v_free;
end
$$;
comment on function private.take_quarantine(uuid, integer, integer, boolean) is
'Takes up to p_wanted of the p_cap places that a connection has this hour for rejected deliveries with, or without, a credential. Returns how many
places were free.';
grant execute on function private.take_quarantine(uuid, integer, integer, boolean) to ingest;
