-- Retention: the partitions of history are created ahead of time and dropped as a whole. No schedule deletes single rows.

create table private.retention (
  table_name text primary key,        -- schema.table of a partitioned parent
  keep_days integer not null check (keep_days > 0),
  months_back integer not null,       -- months before the installation that get a partition, so that late events have one
  months_ahead integer not null check (months_ahead > 0)
);
insert into private.retention (table_name, keep_days, months_back, months_ahead) values
  ('public.canonical_events', 400, 13, 3),
  ('public.event_journal', 90, 0, 3),
  ('private.journal_payloads', 90, 0, 3),
  -- The rollups are computed from these rows. They must outlive a long standstill of the rollup, but not a year.
  ('public.connection_activity', 35, 0, 3),
  ('public.activity_minutes', 35, 1, 3),
  ('public.activity_hours', 400, 13, 3);
comment on table private.retention is
'How long history is kept, and how far ahead its partitions are created. These rules belong to the installation and are the same for every org;
they are changed by an update.';

create function private.create_partition(p_parent regclass, p_month date)
returns boolean
language plpgsql security definer
set search_path = ''
as $$
declare
  v_table text := (select relname from pg_catalog.pg_class where oid = p_parent);
  v_name text := coalesce(v_table || to_char(p_month, '"_y"YYYY"m"MM'), v_table || '_default');
  v_clock text := (
    select a.attname from pg_catalog.pg_partitioned_table t
    join pg_catalog.pg_attribute a on a.attrelid = t.partrelid and a.attnum = t.partattrs[0]
    where t.partrelid = p_parent);
  v_from timestamptz := p_month::timestamp at time zone 'utc';
  v_to timestamptz := (p_month + interval '1 month') at time zone 'utc';
begin
  if to_regclass('private.' || quote_ident(v_name)) is not null then
    return false;
  end if;
  if p_month is null then
    execute format('create table private.%I partition of %s default', v_name, p_parent);
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
  -- A sealed webhook is about 2 kB, just over the size from which Postgres moves values to a TOAST table. With the raised target, the sealed
  -- body stays in its row.
  if v_table = 'journal_payloads' then
    execute format('alter table private.%I set (toast_tuple_target = 8160)', v_name);
  end if;
  return true;
end
$$;
comment on function private.create_partition(regclass, date) is
'Creates the partition of a month (null: the default partition), and moves into it the rows of that month from the default partition. Returns
false when the partition exists.';

create function private.ensure_partitions(p_now timestamptz default now())
returns integer
language plpgsql security definer
set search_path = ''
set lock_timeout = '2s'
as $$
declare
  v_rule private.retention;
  v_month date;
  v_made integer := 0;
  v_this_month date := date_trunc('month', p_now at time zone 'utc')::date;
begin
  perform pg_advisory_xact_lock(hashtext('tributary.partitions'));
  for v_rule in select * from private.retention loop
    for v_month in
      select generate_series(v_this_month - make_interval(months => v_rule.months_back),
        v_this_month + make_interval(months => v_rule.months_ahead), interval '1 month')::date
    loop
      v_made := v_made + private.create_partition(v_rule.table_name::regclass, v_month)::integer;
    end loop;
    v_made := v_made + private.create_partition(v_rule.table_name::regclass, null)::integer;
  end loop;
  return v_made;
end
$$;
comment on function private.ensure_partitions(timestamptz) is
'Creates the missing partitions, and returns their number. May be called at any time, by any number of processes.';

create function private.partition_is_held(p_partition text)
returns boolean
language plpgsql stable security invoker
set search_path = ''
as $$
declare
  v_table regclass := to_regclass('private.' || quote_ident(replace(p_partition, 'journal_payloads', 'event_journal')));
  v_held boolean;
begin
  if v_table is null or p_partition !~ '^(event_journal|journal_payloads|canonical_events)_' then
    return false;
  end if;
  execute format(
    'select exists (select from public.legal_holds h where h.released_at is null and exists (
       select from %s t where t.org_id = h.org_id and (h.source_connection_id is null or t.source_connection_id = h.source_connection_id)))', v_table)
  into v_held;
  return v_held;
end
$$;
comment on function private.partition_is_held(text) is
'Whether a legal hold keeps a partition from retention: the journal, its sealed bodies and the events are held; counters are not, because they are
no evidence. A partition of payloads is held when the journal''s partition of the same month is, because the journal has the index that this
search needs.';

create function private.drop_expired_partitions(p_now timestamptz default now())
returns setof text
language plpgsql security definer
set search_path = ''
set lock_timeout = '2s'
as $$
declare
  v_rule private.retention;
  v_partition record;
  v_is_activity boolean;
  v_before timestamptz;
  v_expired boolean;
  v_drop text[] := '{}';
  v_statement text;
begin
  -- Waits up to two seconds for another instance that makes or drops partitions, but at most 30 ms for the locks of readers and writers.
  perform pg_advisory_xact_lock(hashtext('tributary.partitions'));
  perform set_config('lock_timeout', '30ms', true);
  for v_rule in select * from private.retention order by table_name loop
    v_is_activity := v_rule.table_name in ('public.connection_activity', 'public.activity_minutes', 'public.activity_hours');
    v_before := p_now - make_interval(days => v_rule.keep_days);
    -- Activity that is not rolled up yet is kept, however long the rollup has not run.
    if v_is_activity then
      v_before := least(v_before, date_trunc('day', private.activity_rolled_until(), 'UTC'));
    end if;
    for v_partition in
      select c.relname, pg_get_expr(c.relpartbound, c.oid) as bound,
        substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \(''([^'']+)''\)')::timestamptz as upper
      from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhrelid
      where i.inhparent = v_rule.table_name::regclass
      order by c.relname
    loop
      if v_partition.bound = 'DEFAULT' then
        execute format('select max(%I) < %L from private.%I', case when v_is_activity then 'bucket' else 'received_at' end, v_before, v_partition.relname)
        into v_expired;
      else
        v_expired := v_partition.upper <= v_before;
      end if;
      if v_expired and not private.partition_is_held(v_partition.relname) then
        v_drop := v_drop || format(case when v_partition.bound = 'DEFAULT' then 'truncate private.%I' else 'drop table private.%I' end, v_partition.relname);
        return next v_partition.relname;
      end if;
    end loop;
  end loop;
  foreach v_statement in array v_drop loop
    execute v_statement;
  end loop;
end
$$;
comment on function private.drop_expired_partitions(timestamptz) is
'Drops whole partitions that ended before the retention period, except those that a legal hold covers. Returns their names. The default partition
holds rows that belong to no other partition (older than all of them when they arrived): it is emptied when its newest row was received before the
retention period. Dropping a partition locks its parent against all readers and writers. Behind a report that somebody ran at noon the drop waited
for two seconds, and every delivery waited behind the drop (measured: p99 of the answers rose from 27 ms to 2 s). So the drop gives up after 30
ms, and the job tries again. The slow part, the search for legal holds, is done before the first lock.';

create function private.list_retention()
returns table (table_name text, keep_days integer)
language sql stable security definer
set search_path = ''
as $$
  select r.table_name, r.keep_days from private.retention r
$$;
comment on function private.list_retention() is 'How long each table is kept. Every signed-in user may read it.';

create function public.data_retention()
returns table (table_name text, keep_days integer)
language sql stable security invoker
set search_path = ''
as $$
  select r.table_name, r.keep_days from private.list_retention() r order by r.keep_days, r.table_name
$$;
comment on function public.data_retention() is 'Calls private.list_retention for the Data API. Shortest retention first.';

-- Grants and policies -------------------------------------------------------------------------------------------------

grant execute on function private.ensure_partitions(timestamptz), private.drop_expired_partitions(timestamptz) to maintenance;
grant execute on function private.list_retention(), public.data_retention() to authenticated;

alter table private.retention enable row level security;

select private.ensure_partitions();
