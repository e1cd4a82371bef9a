-- Lists are read page by page, by key.

create index source_connections_page_idx on public.source_connections (org_id, created_at desc, id desc) where deleted_at is null;
create index org_invites_page_idx on public.org_invites (org_id, created_at desc, id desc);
create index legal_holds_page_idx on public.legal_holds (org_id, (released_at is not null), created_at desc, id desc);

drop function private.list_flow_transitions(integer);
create function private.list_flow_transitions(p_limit integer, p_before bigint default null)
returns setof private.flow_transitions
language sql stable security definer
set search_path = ''
as $$
  select * from private.flow_transitions t where p_before is null or t.id < p_before order by t.id desc limit least(p_limit, 201)
$$;
comment on function private.list_flow_transitions(integer, bigint) is 'At most 201 changes of the mode, newest first, before the change with this id.';
revoke execute on function private.list_flow_transitions(integer, bigint) from public;
grant execute on function private.list_flow_transitions(integer, bigint) to worker;
