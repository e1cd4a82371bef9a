-- Members may take the events along as a file: who did, with which filter and in which format, is written down.
create function private.audit_export(p_org_id uuid, p_filter jsonb, p_format text)
returns void
language plpgsql security definer
set search_path = ''
as $$
begin
  if not p_org_id = any (array(select private.my_orgs())) then
    raise insufficient_privilege;
  end if;
  insert into public.audit_log (org_id, actor_id, action, detail)
  values (p_org_id, auth.uid(), 'canonical_events.export', jsonb_build_object('filter', p_filter, 'format', p_format));
end
$$;

grant execute on function private.audit_export(uuid, jsonb, text) to authenticated;
