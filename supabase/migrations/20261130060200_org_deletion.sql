-- Deleting an org: requested by an owner, begun after a grace period of seven days, and then carried out in bounded steps.

create table public.org_deletions (
  org_id uuid primary key,            -- no foreign key: the row outlives the org
  status text not null default 'scheduled' check (status in ('scheduled', 'running', 'done')),
  requested_by uuid,
  requested_at timestamptz not null default now(),
  starts_at timestamptz not null,
  -- The connections that were active when the deletion was requested; they are active again when it is cancelled.
  connection_ids uuid[] not null default '{}',
  waits_for text,                     -- the reason of the legal hold that stops the deletion
  started_at timestamptz,
  last_step_at timestamptz,
  step text,                          -- the table of the last step
  rows_deleted bigint not null default 0,
  completed_at timestamptz,
  check ((status = 'done') = (completed_at is not null) and (status = 'scheduled') = (started_at is null)),
  -- What remains of an org names no person.
  check (status <> 'done' or (requested_by is null and connection_ids = '{}'))
);
create index org_deletions_open_idx on public.org_deletions (last_step_at nulls first, starts_at) where status <> 'done';
comment on table public.org_deletions is
'Orgs that are to be deleted, are being deleted or were deleted. Until starts_at, every owner can cancel. When the org is deleted, the row remains for
the operators: which org, when, and how many rows.';
create trigger audit after insert or update of status or delete on public.org_deletions for each row execute function private.audit('org_id');

create function private.refuse_while_deleting()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  if exists (select from public.org_deletions d where d.org_id = new.org_id and d.status <> 'done'
    and (tg_table_name = 'source_connections' or d.status = 'running')) then
    raise check_violation using message = 'the org is going to be deleted: an owner can cancel the deletion', constraint = 'org_deletions_pending';
  end if;
  return new;
end
$$;
comment on function private.refuse_while_deleting() is
'Trigger function: an org that is going to be deleted has no active connection, and gets no new keys once its keys are destroyed.';
create trigger refuse_while_deleting before insert or update of is_active on public.source_connections
  for each row when (new.is_active) execute function private.refuse_while_deleting();
create trigger refuse_while_deleting before insert on private.org_keys for each row execute function private.refuse_while_deleting();
create trigger refuse_while_deleting before insert on private.connection_secrets for each row execute function private.refuse_while_deleting();

create function private.schedule_org_deletion(p_org_id uuid, p_requested_by uuid)
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_hold text := private.legal_hold_reason(p_org_id, null);
  v_connections uuid[];
begin
  if v_hold is not null then
    raise check_violation using message = v_hold, constraint = 'legal_holds_block';
  end if;
  perform from public.orgs where id = p_org_id for update;
  if exists (select from public.org_deletions where org_id = p_org_id) then
    return;
  end if;
  with stopped as (
    update public.source_connections set is_active = false where org_id = p_org_id and is_active returning id
  )
  select coalesce(array_agg(id), '{}') into v_connections from stopped;
  insert into public.org_deletions (org_id, requested_by, starts_at, connection_ids)
  values (p_org_id, p_requested_by, now() + interval '7 days', v_connections);
end
$$;
comment on function private.schedule_org_deletion(uuid, uuid) is
'Schedules the deletion of an org, after the permission of the person was checked: the grace period begins, and the connections refuse deliveries from
now on. Does nothing when the deletion is scheduled already. Refused with the reason of a legal hold while there is one.';

create function private.request_org_deletion(p_org_id uuid, p_name text)
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  if p_org_id is null or p_org_id <> all (array(select private.my_orgs('{owner}'))) then
    raise insufficient_privilege using message = 'only an owner of the org may delete it';
  end if;
  if p_name is distinct from (select name from public.orgs where id = p_org_id) then
    raise check_violation using message = 'the name is not that of the org', constraint = 'org_deletions_name';
  end if;
  perform private.schedule_org_deletion(p_org_id, auth.uid());
end
$$;
comment on function private.request_org_deletion(uuid, text) is
'Requests the deletion of an org. Only for owners, who confirm by the name of the org.';

create function private.cancel_org_deletion(p_org_id uuid)
returns boolean
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_deletion public.org_deletions;
begin
  if p_org_id is null or p_org_id <> all (array(select private.my_orgs('{owner}'))) then
    raise insufficient_privilege using message = 'only an owner of the org may cancel its deletion';
  end if;
  delete from public.org_deletions where org_id = p_org_id and status = 'scheduled' returning * into v_deletion;
  if v_deletion.org_id is null then
    return false;
  end if;
  update public.source_connections set is_active = true
  where org_id = p_org_id and id = any (v_deletion.connection_ids) and deleted_at is null;
  return true;
end
$$;
comment on function private.cancel_org_deletion(uuid) is
'Cancels the deletion, and activates the connections that were active when it was requested. Returns false when there is none to cancel: the grace
period is over, or the deletion was never requested.';

create function private.org_tables()
returns table (table_name text, is_partitioned boolean)
language sql stable security invoker
set search_path = ''
as $$
  select n.nspname || '.' || c.relname, c.relkind = 'p'
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = 'org_id' and not a.attisdropped
  where n.nspname in ('public', 'private') and c.relkind in ('r', 'p') and not c.relispartition
    -- The members lose their access, and the log ends, with the org itself. What operators did is their own journal.
    and c.relname not in ('org_deletions', 'org_members', 'audit_log', 'audit_links', 'audit_anchors', 'audit_keys', 'journal_payloads', 'operator_acts')
  -- What other tables refer to comes last.
  order by array_position('{projects,source_connections}'::text[], c.relname::text) desc nulls first, c.relkind desc, c.relname
$$;
comment on function private.org_tables() is
'The tables that have rows of an org, in the order in which a deletion empties them. The bodies of deliveries are deleted with the journal.';

create function private.delete_org_rows(p_org_id uuid, p_table text, p_is_partitioned boolean, p_rows integer)
returns integer
language plpgsql volatile security invoker
set search_path = ''
as $$
declare
  v_rule private.row_retention;
  v_deleted integer;
begin
  if p_is_partitioned then
    select * into strict v_rule from private.row_retention where table_name = p_table;
    v_rule.condition := 'true';
    v_rule.is_held := false;
    return (select d.deleted from private.delete_rows_of_org(v_rule, p_org_id, 'infinity', p_rows) d);
  end if;
  if p_table = 'public.source_connections' then
    -- Tables of a connection without the org: the permanent keys, which have no use without the connection, and counters.
    with gone as (
      delete from private.event_keys where ctid = any (array(
        select k.ctid from private.event_keys k
        where k.source_connection_id = any (array(select c.id from public.source_connections c where c.org_id = p_org_id)) limit p_rows))
      returning 1)
    select count(*) into v_deleted from gone;
    if v_deleted > 0 then
      return v_deleted;
    end if;
    delete from private.quarantine_hours
    where source_connection_id = any (array(select c.id from public.source_connections c where c.org_id = p_org_id));
  end if;
  execute format('with gone as (delete from %1$s where ctid = any (array(select ctid from %1$s where org_id = $1 limit $2 for update skip locked)) returning 1)
    select count(*)::integer from gone', p_table)
  into v_deleted using p_org_id, p_rows;
  return v_deleted;
exception when foreign_key_violation then
  -- Another table has rows that refer to these. They come first, in this round or the next one.
  return 0;
end
$$;
comment on function private.delete_org_rows(uuid, text, boolean, integer) is
'Deletes up to p_rows rows of an org from a table, and returns their number.';

create function private.destroy_org_keys(p_org_id uuid)
returns integer
language plpgsql volatile security invoker
set search_path = ''
as $$
declare
  v_destroyed integer;
begin
  delete from private.connection_secrets where org_id = p_org_id;
  delete from private.alert_channel_secrets where org_id = p_org_id;
  delete from private.erasure_persons where erasure_id in (select id from public.erasures where org_id = p_org_id);
  delete from private.org_digest_keys where org_id = p_org_id;
  delete from private.org_keys where org_id = p_org_id;
  get diagnostics v_destroyed = row_count;
  update public.source_connections set is_active = false, deleted_at = now() where org_id = p_org_id and deleted_at is null;
  return v_destroyed;
end
$$;
comment on function private.destroy_org_keys(uuid) is
'The first step of deleting an org: without its keys, nobody can open its bodies and secrets, in this database and in every copy that does not contain
the keys. The connections do not exist for senders from then on.';

create function private.step_org_deletion(p_now timestamptz default now(), p_rows integer default 1000, p_budget interval default '200 ms')
returns table (org_id uuid, step text, deleted bigint)
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_deletion public.org_deletions;
  v_hold text;
  v_table record;
  v_count integer;
  v_until timestamptz := clock_timestamp() + p_budget;
begin
  select * into v_deletion from public.org_deletions d
  where d.status <> 'done' and d.starts_at <= p_now
    -- A deletion that waits for a legal hold is looked at again every minute.
    and (d.waits_for is null or d.last_step_at < p_now - interval '1 minute')
  order by d.last_step_at nulls first, d.starts_at limit 1 for update skip locked;
  if v_deletion.org_id is null then
    return;
  end if;
  org_id := v_deletion.org_id;
  deleted := 0;
  v_hold := private.legal_hold_reason(org_id, null);
  if v_hold is not null then
    update public.org_deletions d set waits_for = v_hold, last_step_at = clock_timestamp() where d.org_id = v_deletion.org_id;
    step := 'waits';
    return next;
    return;
  end if;

  if v_deletion.status = 'scheduled' then
    step := 'private.org_keys';
    deleted := private.destroy_org_keys(org_id);
    update public.org_deletions d set status = 'running', started_at = p_now where d.org_id = v_deletion.org_id;
  else
    for v_table in select * from private.org_tables() loop
      loop
        v_count := private.delete_org_rows(org_id, v_table.table_name, v_table.is_partitioned, p_rows);
        exit when v_count = 0;
        step := v_table.table_name;
        deleted := deleted + v_count;
        exit when clock_timestamp() >= v_until;
      end loop;
      exit when clock_timestamp() >= v_until and deleted > 0;
    end loop;
    if deleted = 0 and to_regprocedure('private.trim_audit_log(uuid, timestamptz, integer)') is not null then
      execute 'select private.trim_audit_log($1, now(), $2)' into v_count using org_id, p_rows;
      step := 'public.audit_log';
      deleted := v_count;
    end if;
    if deleted = 0 then
      step := 'public.orgs';
      delete from public.orgs o where o.id = v_deletion.org_id;
      deleted := 1;
      update public.org_deletions d
      set status = 'done', completed_at = clock_timestamp(), requested_by = null, connection_ids = '{}' where d.org_id = v_deletion.org_id;
    end if;
  end if;
  update public.org_deletions d
  set waits_for = null, last_step_at = clock_timestamp(), step = step_org_deletion.step, rows_deleted = d.rows_deleted + step_org_deletion.deleted
  where d.org_id = v_deletion.org_id;
  return next;
end
$$;
comment on function private.step_org_deletion(timestamptz, integer, interval) is
'One step of the deletion whose turn it is, in its own transaction, so that a crash repeats nothing: destroys the keys, then deletes rows for about
p_budget, table after table, and in the end the org. A legal hold stops it before the next step. Returns the org and what was done; no row when no
deletion is due.';

-- Grants and policies --------------------------------------------------------------------------------------------------

grant execute on function private.request_org_deletion(uuid, text), private.cancel_org_deletion(uuid) to authenticated;
grant execute on function private.step_org_deletion(timestamptz, integer, interval) to maintenance;
grant select on public.org_deletions to authenticated;

alter table public.org_deletions enable row level security;

create policy org_deletions_select on public.org_deletions for select to authenticated
  using (org_id = any (array(select private.my_orgs())));
