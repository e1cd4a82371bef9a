-- As before, and at most five secrets of a name are valid at once: every delivery that none of them signed is checked against each. A further
-- rotation goes through, as it must when a secret has leaked, and ends the grace of the oldest.
create or replace function private.rotate_connection_secret(p_connection_id uuid, p_name text, p_sealed bytea, p_grace_seconds integer)
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
  -- Four, and the new one.
  delete from private.connection_secrets where id in (
    select id from private.connection_secrets
    where org_id = v_org and source_connection_id = p_connection_id and name = p_name
    order by created_at desc offset 4);
  insert into private.connection_secrets (org_id, source_connection_id, name, sealed)
  values (v_org, p_connection_id, p_name, p_sealed);
end
$$;

-- What was there before: the current one and the four newest.
delete from private.connection_secrets where id in (
  select id from (
    select id, row_number() over (partition by org_id, source_connection_id, name order by (expires_at is null) desc, created_at desc) as place
    from private.connection_secrets where expires_at is null or expires_at > now()) s
  where place > 5);
