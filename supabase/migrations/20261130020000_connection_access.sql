-- Who may send to a connection: its allowed addresses and its suspension. And the look-ups of the hot path: which of many ids exist, and
-- everything that a delivery needs to know about one connection, with the intake of its org.

alter table public.source_connections
  add column allowed_ips cidr[]
    constraint source_connections_allowed_ips_check
    check (cardinality(allowed_ips) between 1 and 100 and array_ndims(allowed_ips) = 1 and array_position(allowed_ips, null) is null),
  add column suspended_reason text
    constraint source_connections_suspended_reason_check
    check (length(btrim(suspended_reason)) >= 1 and length(suspended_reason) <= 500);
comment on column public.source_connections.allowed_ips is
'The networks that may send to the connection; null: every address may. Deliveries from another address are answered 403 and counted.';
comment on column public.source_connections.suspended_reason is
'Why the connection is suspended, for the people of the org; null: it is not. Deliveries to a suspended connection are answered 403 and counted.';

create or replace trigger touch
  before update of name, is_active, config_json, rate_limit_per_second, priority, allowed_ips, suspended_reason, deleted_at on public.source_connections
  for each row execute function private.touch_updated_at();

grant update (allowed_ips, suspended_reason) on public.source_connections to authenticated;

create or replace function private.find_connection(p_id uuid)
returns json
language sql stable security definer
set search_path = ''
as $$
  select json_build_object(
    'id', c.id, 'org_id', c.org_id, 'project_id', c.project_id, 'type', c.type, 'is_active', c.is_active, 'config', c.config_json,
    'priority', c.priority, 'rate_limit_per_second', c.rate_limit_per_second, 'org_rate_limit_per_second', o.rate_limit_per_second,
    'allowed_ips', c.allowed_ips::text[], 'is_suspended', c.suspended_reason is not null,
    'org_suspended', i.suspended, 'over_quota', i.exceeded,
    'secrets', coalesce((
      select json_agg(json_build_object('name', s.name, 'sealed', encode(s.sealed, 'base64'), 'expires_at', s.expires_at) order by s.created_at desc)
      from private.connection_secrets s
      where s.org_id = c.org_id and s.source_connection_id = c.id and (s.expires_at is null or s.expires_at > now())), '[]'))
  from public.source_connections c
  join public.orgs o on o.id = c.org_id
  cross join lateral private.org_intake(c.org_id) i
  where c.id = p_id and c.deleted_at is null
$$;
comment on function private.find_connection(uuid) is
'The fields of a connection that a webhook request needs before its tenant is known, and no others; org_suspended and over_quota (the name of the
exceeded quota) are those of its org. Null when the connection is unknown or deleted.';

create function private.existing_connections(p_ids uuid[])
returns setof uuid
language sql stable security definer
set search_path = ''
as $$
  select c.id from public.source_connections c where c.id = any (p_ids) and c.deleted_at is null
$$;
comment on function private.existing_connections(uuid[]) is
'The ids among p_ids that are connections. Anybody can send deliveries to ids that do not exist: one call for hundreds of ids costs about as much as
a call for one, and only the ids that exist are then read in full.';

grant execute on function private.existing_connections(uuid[]) to ingest;
