-- Legal holds: what must stay as it is, until somebody answers for its release.

create table public.legal_holds (
  id uuid primary key default gen_random_uuid(),
  org_id uuid not null references public.orgs (id) on delete cascade,
  source_connection_id uuid,          -- null: the whole org
  reason text not null check (length(btrim(reason)) between 1 and 500),
  created_by uuid default auth.uid(),
  created_at timestamptz not null default now(),
  released_by uuid,
  released_at timestamptz,
  foreign key (org_id, source_connection_id) references public.source_connections (org_id, id),
  check (released_by is null or released_at is not null)
);
create index legal_holds_connection_idx on public.legal_holds (org_id, source_connection_id);

create trigger audit after insert or update on public.legal_holds for each row execute function private.audit('id');

-- Why the org's data may not be replayed, purged or erased now; null when it may. A hold on the org covers every connection. With
-- p_connection_id null the question is about the whole org, or about more than one connection: then a hold on any of its connections
-- counts too, so that an action in bulk is refused rather than done in part. Runs as the caller: nobody learns of another org's hold.
create function private.held(p_org_id uuid, p_connection_id uuid)
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

-- Null: no such hold. One that was released stays as it was released first.
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

grant select, insert (org_id, source_connection_id, reason) on public.legal_holds to authenticated;
grant select on public.legal_holds to worker;
grant execute on function private.held(uuid, uuid) to authenticated, worker;
grant execute on function private.release_legal_hold(uuid) to authenticated;

alter table public.legal_holds enable row level security;
create policy legal_holds_select on public.legal_holds for select to authenticated
  using (org_id = any (array(select private.my_orgs())));
create policy legal_holds_insert on public.legal_holds for insert to authenticated
  with check (org_id = any (array(select private.my_orgs('{owner,admin}'))));
create policy legal_holds_worker on public.legal_holds for select to worker using (true);

-- Whether a partition holds rows that a hold covers. A payload lies beside its journal row: the journal's partition of the same month
-- answers for it, by an index that payloads do not have. Counters are nobody's evidence.
create function private.partition_is_held(p_partition text)
returns boolean
language plpgsql stable security invoker
set search_path = ''
as $$
declare
  v_table regclass := to_regclass('private.' || quote_ident(replace(p_partition, 'journal_payloads', 'event_journal')));
  v_held boolean;
begin
  if v_table is null or p_partition like 'connection\_activity\_%' then
    return false;
  end if;
  execute format(
    'select exists (select from public.legal_holds h where h.released_at is null and exists (
       select from %s t where t.org_id = h.org_id and (h.source_connection_id is null or t.source_connection_id = h.source_connection_id)))', v_table)
  into v_held;
  return v_held;
end
$$;

-- Drops whole partitions that ended before the retention; nothing is deleted row by row. Returns their names.
-- The default partition holds what fits no month (older than all of them on arrival): it is emptied
-- once its newest row was received before the retention. What a legal hold covers stays, with the rest of its partition.
create or replace function private.drop_expired_partitions(p_now timestamptz default now())
returns setof text
language plpgsql security definer
set search_path = ''
set lock_timeout = '2s'
as $$
declare
  v_rule private.retention;
  v_partition record;
  v_clock text;
  v_expired boolean;
begin
  perform pg_advisory_xact_lock(hashtext('tributary.partitions'));
  for v_rule in select * from private.retention loop
    v_clock := case when v_rule.table_name = 'public.connection_activity' then 'bucket' else 'received_at' end;
    for v_partition in
      select c.oid, c.relname, pg_get_expr(c.relpartbound, c.oid) as bound,
        substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \(''([^'']+)''\)')::timestamptz as upper
      from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhrelid
      where i.inhparent = v_rule.table_name::regclass
    loop
      if v_partition.bound = 'DEFAULT' then
        execute format('select max(%I) < %L from private.%I', v_clock, p_now - make_interval(days => v_rule.keep_days), v_partition.relname)
        into v_expired;
      else
        v_expired := v_partition.upper <= p_now - make_interval(days => v_rule.keep_days);
      end if;
      if v_expired and not private.partition_is_held(v_partition.relname) then
        execute format(case when v_partition.bound = 'DEFAULT' then 'truncate private.%I' else 'drop table private.%I' end, v_partition.relname);
        return next v_partition.relname;
      end if;
    end loop;
  end loop;
end
$$;
