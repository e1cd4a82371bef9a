-- A GIN index collects new entries in a pending list. When the list is longer than its limit (4 MB), the statement that adds the next entry merges all of
-- them into the index: every 56,000 events one batch took half a second, and all deliveries waited. The list is now emptied each second outside of
-- ingestion, and its limit is so large that ingestion reaches the limit only when the job has stopped for minutes.

create table private.pending_list_state (
  is_the_only boolean primary key default true check (is_the_only),
  -- When all pending lists were last emptied.
  emptied_at timestamptz not null default now(),
  -- How many pages of 8 kB were in the lists then.
  pages bigint not null default 0
);
insert into private.pending_list_state default values;
comment on table private.pending_list_state is 'When the pending lists of the GIN indexes were last emptied, in one row.';
alter table private.pending_list_state enable row level security;

create function private.empty_pending_lists()
returns bigint
language plpgsql security definer
set search_path = ''
set lock_timeout = '100ms'
as $$
declare
  v_index oid;
  v_pages bigint := 0;
  v_left_out boolean := false;
begin
  if not pg_try_advisory_xact_lock(hashtext('tributary.pending_lists')) then
    return null;
  end if;
  for v_index in
    select c.oid from pg_catalog.pg_class c join pg_catalog.pg_am a on a.oid = c.relam
    where a.amname = 'gin' and c.relkind = 'i' and c.relowner = current_user::regrole
      and c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
  loop
    begin
      v_pages := v_pages + gin_clean_pending_list(v_index);
    exception
      -- Another session rebuilds the index or is about to drop it.
      when lock_not_available then
        v_left_out := true;
      when internal_error then
        -- An index that was dropped after the list of indexes was read cannot be opened.
        if exists (select from pg_catalog.pg_class c where c.oid = v_index) then
          raise;
        end if;
    end;
  end loop;
  if not v_left_out then
    update private.pending_list_state set emptied_at = clock_timestamp(), pages = v_pages;
  end if;
  return v_pages;
end
$$;
comment on function private.empty_pending_lists() is
'Merges the pending lists of all GIN indexes into the indexes, and returns how many pages were in the lists; null while another session does so.
Ingestion adds entries meanwhile without waiting. Security definer, because only the owner of an index may call gin_clean_pending_list.';

create function private.pending_list_age(out age_seconds double precision, out pages bigint)
language sql stable security definer
set search_path = ''
as $$
  select extract(epoch from clock_timestamp() - s.emptied_at)::double precision, s.pages from private.pending_list_state s
$$;
comment on function private.pending_list_age() is
'How long ago the pending lists of the GIN indexes were last emptied, and how many pages were in the lists then.';

create function private.set_partition_storage(p_partition text)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_index regclass;
begin
  -- In kB: 64 MB are about 850,000 purchases. Merging them takes one batch eight seconds, so a longer list would be cancelled by its statement timeout.
  for v_index in
    select i.indexrelid from pg_catalog.pg_index i
    join pg_catalog.pg_class c on c.oid = i.indexrelid
    join pg_catalog.pg_am a on a.oid = c.relam
    where i.indrelid = ('private.' || quote_ident(p_partition))::regclass and a.amname = 'gin'
  loop
    execute format('alter index %s set (gin_pending_list_limit = 65536)', v_index);
  end loop;
  -- A sealed webhook is about 2 kB, just over the size from which Postgres moves values to a TOAST table. With the raised target, the sealed
  -- body stays in its row.
  if p_partition ~ '^journal_payloads_' then
    execute format('alter table private.%I set (toast_tuple_target = 8160)', p_partition);
  end if;
end
$$;
comment on function private.set_partition_storage(text) is
'Sets the storage parameters of a new partition and its indexes. Postgres does not pass them on from a partitioned table.';

create or replace function private.create_partition(p_parent regclass, p_month date)
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_table text := (select relname from pg_catalog.pg_class where oid = p_parent);
  v_name text := coalesce(v_table || to_char(p_month, '"_y"YYYY"m"MM'), v_table || '_default');
  v_clock text := private.partition_clock(p_parent);
  v_from timestamptz := p_month::timestamp at time zone 'utc';
  v_to timestamptz := (p_month + interval '1 month') at time zone 'utc';
begin
  -- A month whose rows were moved aside has a partition already.
  if to_regclass('private.' || quote_ident(v_name)) is not null or to_regclass('private.' || quote_ident(v_name || '_held')) is not null then
    return false;
  end if;
  if p_month is null then
    execute format('create table private.%I partition of %s default', v_name, p_parent);
    perform private.index_arrivals(v_name);
  else
    -- The partition is created as a separate table and then attached: `partition of` would lock the parent against every insert.
    execute format('create table private.%I (like %s including defaults including constraints including storage)', v_name, p_parent);
    -- Rows that arrived before their month had a partition (an event dated far ahead, a job that did not run) are in the default partition.
    -- The partition of a month cannot be attached while the default partition has rows of this month.
    if to_regclass('private.' || quote_ident(v_table || '_default')) is not null then
      execute format('lock table private.%I in access exclusive mode', v_table || '_default');
      execute format('with moved as (delete from private.%1$I where %2$I >= %3$L and %2$I < %4$L returning *) insert into private.%5$I select * from moved',
        v_table || '_default', v_clock, v_from, v_to, v_name);
    end if;
    execute format('alter table %s attach partition private.%I for values from (%L) to (%L)', p_parent, v_name, v_from, v_to);
  end if;
  -- A partition is outside the exposed schema, has no grant, and has row level security without a policy: rows are reached through the parent only.
  execute format('alter table private.%I enable row level security', v_name);
  perform private.set_partition_storage(v_name);
  return true;
end
$$;

create or replace function private.begin_held_move(p_now timestamp with time zone)
returns text
language plpgsql
set search_path = ''
as $$
declare
  v_partition record;
  v_held text;
  v_clock text;
  v_key text;
begin
  for v_partition in
    select * from private.expired_partitions(p_now) e
    where not e.is_default and e.partition_name !~ '_held$' and e.parent in ('private.journal_payloads', 'public.canonical_events', 'public.event_journal')
      -- Which bodies are held is read from the journal, so the bodies of a month are moved before its journal.
      and not (e.parent = 'public.event_journal' and to_regclass('private.' || quote_ident(replace(e.partition_name, 'event_journal', 'journal_payloads'))) is not null)
  loop
    if not private.partition_is_held(v_partition.partition_name) then
      continue;
    end if;
    v_held := v_partition.partition_name || '_held';
    v_clock := private.partition_clock(v_partition.parent::regclass);
    -- Everything that attaching would otherwise create or check under the lock of the parent: indexes, foreign keys, the range.
    execute format('create table private.%I (like %s including defaults including constraints including storage including indexes)', v_held, v_partition.parent);
    for v_key in
      select pg_catalog.pg_get_constraintdef(k.oid) from pg_catalog.pg_constraint k where k.conrelid = v_partition.parent::regclass and k.contype = 'f' and k.conparentid = 0
    loop
      execute format('alter table private.%I add %s', v_held, v_key);
    end loop;
    execute format('alter table private.%1$I add constraint held_range check (%2$I is not null and %2$I >= %3$L and %2$I < %4$L), enable row level security',
      v_held, v_clock, v_partition.lower_bound, v_partition.upper_bound);
    perform private.index_arrivals(v_held);
    perform private.set_partition_storage(v_held);
    insert into private.held_moves (partition_name, parent, held_name, lower_bound, upper_bound)
    values (v_partition.partition_name, v_partition.parent, v_held, v_partition.lower_bound, v_partition.upper_bound);
    return v_partition.partition_name;
  end loop;
  return null;
end
$$;

select private.set_partition_storage(c.relname)
from private.retention r join pg_catalog.pg_inherits i on i.inhparent = r.table_name::regclass join pg_catalog.pg_class c on c.oid = i.inhrelid;

-- Grants and policies -------------------------------------------------------------------------------------------------

grant execute on function private.empty_pending_lists() to maintenance;
grant execute on function private.pending_list_age() to worker;
