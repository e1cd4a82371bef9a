-- Legal holds: data that must not change until a person releases the hold.

create table public.legal_holds (
  id uuid primary key default gen_random_uuid(),
  org_id uuid not null references public.orgs (id) on delete cascade,
  source_connection_id uuid,          -- null: the whole org
  reason text not null check (length(btrim(reason)) >= 1 and length(reason) <= 500),
  created_by uuid default auth.uid(),
  created_at timestamptz not null default now(),
  released_by uuid,
  released_at timestamptz,
  foreign key (org_id, source_connection_id) references public.source_connections (org_id, id),
  check (released_by is null or released_at is not null)
);
create index legal_holds_connection_idx on public.legal_holds (org_id, source_connection_id);
comment on table public.legal_holds is
'A hold on the data of an org or of one connection: until the hold is released, the data may not be replayed, purged or erased.';

create trigger audit after insert or update on public.legal_holds for each row execute function private.audit('id');

create function private.legal_hold_reason(p_org_id uuid, p_connection_id uuid)
returns text
language sql stable security invoker
set search_path = ''
as $$
  select reason from public.legal_holds
  where org_id = p_org_id and released_at is null
    and (source_connection_id is null or p_connection_id is null or source_connection_id = p_connection_id)
  order by source_connection_id nulls first, created_at
  limit 1
$$;
comment on function private.legal_hold_reason(uuid, uuid) is
'The reason of the legal hold that forbids to replay, purge or erase the org''s data; null when there is no hold. A hold on the org covers every
connection. With p_connection_id null, the action concerns the whole org or more than one connection: then a hold on any of its connections counts
too, so that a bulk action is refused and not done in part. Runs as the caller, who thereby never learns of another org''s hold.';

create function private.release_legal_hold(p_id uuid)
returns public.legal_holds
language plpgsql security definer
set search_path = ''
as $$
declare
  v_hold public.legal_holds;
begin
  select * into v_hold from public.legal_holds where id = p_id and org_id = any (array(select private.my_orgs())) for update;
  if v_hold.id is null then
    return null;
  end if;
  perform private.require_admin(v_hold.org_id);
  if v_hold.released_at is null then
    update public.legal_holds set released_at = now(), released_by = auth.uid() where id = p_id returning * into v_hold;
  end if;
  return v_hold;
end
$$;
comment on function private.release_legal_hold(uuid) is
'Releases a hold. A hold that was released before does not change. Returns null when the caller has no such hold.';

-- Grants and policies -------------------------------------------------------------------------------------------------

grant execute on function private.legal_hold_reason(uuid, uuid) to authenticated, worker;
grant execute on function private.release_legal_hold(uuid) to authenticated;

grant select, insert (org_id, source_connection_id, reason) on public.legal_holds to authenticated;
grant select on public.legal_holds to worker;

alter table public.legal_holds enable row level security;

create policy legal_holds_select on public.legal_holds for select to authenticated
  using (org_id = any (array(select private.my_orgs())));
create policy legal_holds_insert on public.legal_holds for insert to authenticated
  with check (org_id = any (array(select private.my_orgs('{owner,admin}'))));
create policy legal_holds_worker on public.legal_holds for select to worker using (true);
