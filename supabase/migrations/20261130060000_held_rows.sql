-- Legal holds work by row: an expired partition that contains rows under a hold is replaced by a small partition with only those rows, and is
-- then dropped. Nobody's hold, and nobody's old-dated event, keeps the rows of other orgs.

create table private.held_moves (
  partition_name text primary key,    -- the expired partition, in the schema private
  parent text not null,               -- schema.table of its parent
  held_name text not null unique,     -- the new partition, which receives the held rows
  lower_bound timestamptz not null,
  upper_bound timestamptz not null,
  state text not null default 'copying' check (state in ('copying', 'checked', 'replaced')),
  started_at timestamptz not null default clock_timestamp()
);
comment on table private.held_moves is
'Expired partitions whose held rows are being moved aside. copying: the held rows are copied into the new partition, and readers still see the old
one. checked: all are copied, and the new partition can be attached without a scan. replaced: the new partition has taken the place of the old one,
which no statement can change any more; rows that came between the copy and the replacement, and rows of new holds, are copied from the old
partition, and then it is dropped. Every step is one transaction, so after a crash the next step continues.';

create table private.held_move_holds (
  partition_name text not null references private.held_moves (partition_name) on delete cascade,
  hold_id uuid not null,
  -- The last row of the org that was looked at; the next page begins after it.
  cursor_at timestamptz,
  cursor_id uuid,
  done boolean not null default false,
  primary key (partition_name, hold_id)
);
comment on table private.held_move_holds is 'How far the rows of each legal hold have been copied out of an expired partition.';

create table private.sweeps (
  table_name text primary key,        -- in the schema private
  cursor_at timestamptz not null,
  cursor_id uuid not null
);
comment on table private.sweeps is
'How far the walk over a partition has come from which expired rows are deleted one by one: a default partition, or a partition of held rows. There
is no row when the next walk begins at the start.';

create function private.partition_clock(p_parent regclass)
returns text
language sql stable security invoker
set search_path = ''
as $$
  select a.attname::text from pg_catalog.pg_partitioned_table t
  join pg_catalog.pg_attribute a on a.attrelid = t.partrelid and a.attnum = t.partattrs[0]
  where t.partrelid = p_parent
$$;
comment on function private.partition_clock(regclass) is 'The column by whose months a table is partitioned.';

create function private.index_arrivals(p_partition text)
returns void
language plpgsql volatile security invoker
set search_path = ''
as $$
begin
  execute format('create index if not exists %1$I on private.%2$I (%3$I)', p_partition || '_arrival_idx', p_partition,
    case when p_partition ~ '^(connection_activity|activity_minutes|activity_hours)_' then 'bucket' else 'received_at' end);
end
$$;
comment on function private.index_arrivals(text) is
'Gives a partition the index from which its expired rows are deleted one by one. Only default partitions and partitions of held rows need the index.';

create or replace function private.create_partition(p_parent regclass, p_month date)
returns boolean
language plpgsql security definer
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
  -- A sealed webhook is about 2 kB, just over the size from which Postgres moves values to a TOAST table. With the raised target, the sealed
  -- body stays in its row.
  if v_table = 'journal_payloads' then
    execute format('alter table private.%I set (toast_tuple_target = 8160)', v_name);
  end if;
  return true;
end
$$;

create function private.expired_partitions(p_now timestamptz)
returns table (parent text, partition_name text, is_default boolean, is_expired boolean, lower_bound timestamptz, upper_bound timestamptz, keep_from timestamptz)
language sql stable security invoker
set search_path = ''
as $$
  with rules as (
    select r.table_name,
      -- Activity that is not rolled up yet is kept, however long the rollup has not run.
      case when r.table_name in ('public.connection_activity', 'public.activity_minutes', 'public.activity_hours')
        then least(p_now - make_interval(days => r.keep_days), date_trunc('day', private.activity_rolled_until(), 'UTC'))
        else p_now - make_interval(days => r.keep_days) end as keep_from
    from private.retention r
  ), partitions as (
    select r.table_name, r.keep_from, c.relname::text as name, b.bound,
      substring(b.bound from 'FROM \(''([^'']+)''\)')::timestamptz as lower_bound, substring(b.bound from 'TO \(''([^'']+)''\)')::timestamptz as upper_bound
    from rules r
    join pg_catalog.pg_inherits i on i.inhparent = r.table_name::regclass
    join pg_catalog.pg_class c on c.oid = i.inhrelid
    cross join lateral pg_catalog.pg_get_expr(c.relpartbound, c.oid) as b (bound)
  )
  select table_name, name, bound = 'DEFAULT', coalesce(upper_bound <= keep_from, false), lower_bound, upper_bound, keep_from
  from partitions
  where bound = 'DEFAULT' or upper_bound <= keep_from
  order by table_name, name
$$;
comment on function private.expired_partitions(timestamptz) is
'The partitions that ended before the retention of their table, and the default partitions, whose rows expire one by one.';

create or replace function private.partition_is_held(p_partition text)
returns boolean
language plpgsql stable security invoker
set search_path = ''
as $$
declare
  v_table text := p_partition;
  v_range text := '';
  v_held boolean;
begin
  if p_partition !~ '^(event_journal|journal_payloads|canonical_events)_' then
    return false;
  end if;
  if p_partition ~ '^journal_payloads_' then
    -- The journal has the index that this search needs. Its rows of a month outlive the bodies, in whatever partition they are.
    select format(' and t.received_at >= %L and t.received_at < %L', substring(b.bound from 'FROM \(''([^'']+)''\)'), substring(b.bound from 'TO \(''([^'']+)''\)'))
    into v_range
    from pg_catalog.pg_class c cross join lateral pg_catalog.pg_get_expr(c.relpartbound, c.oid) as b (bound)
    where c.oid = to_regclass('private.' || quote_ident(p_partition)) and b.bound <> 'DEFAULT';
    v_table := case when v_range is null then 'private.event_journal_default' else 'public.event_journal' end;
  else
    v_table := 'private.' || quote_ident(p_partition);
  end if;
  if to_regclass(v_table) is null then
    return false;
  end if;
  execute format(
    'select exists (select from public.legal_holds h where h.released_at is null and exists (
       select from %s t where t.org_id = h.org_id and (h.source_connection_id is null or t.source_connection_id = h.source_connection_id)%s))',
    v_table, coalesce(v_range, ''))
  into v_held;
  return v_held;
end
$$;
comment on function private.partition_is_held(text) is
'Whether a partition contains rows under a legal hold: the journal, its sealed bodies and the events can be held; counters cannot, because they are
no evidence. A partition of bodies is held when the journal has held rows of the same month.';

create function private.active_holds()
returns uuid[]
language sql volatile security invoker
set search_path = ''
as $$
  select coalesce(array_agg(id order by id), '{}') from public.legal_holds where released_at is null
$$;
comment on function private.active_holds() is 'The legal holds that are not released.';

create or replace function private.drop_expired_partitions(p_now timestamptz default now())
returns setof text
language plpgsql security definer
set search_path = ''
set lock_timeout = '2s'
as $$
declare
  v_partition record;
  v_is_activity boolean;
  v_expired boolean;
  v_holds uuid[];
  v_drop text[] := '{}';
  v_names text[] := '{}';
  v_statement text;
begin
  -- Waits up to two seconds for another instance that makes or drops partitions, but at most 30 ms for the locks of readers and writers.
  perform pg_advisory_xact_lock(hashtext('tributary.partitions'));
  perform set_config('lock_timeout', '30ms', true);
  v_holds := private.active_holds();
  for v_partition in select * from private.expired_partitions(p_now) loop
    v_is_activity := v_partition.parent in ('public.connection_activity', 'public.activity_minutes', 'public.activity_hours');
    v_expired := v_partition.is_expired;
    if v_partition.is_default then
      execute format('select max(%I) < %L from private.%I', case when v_is_activity then 'bucket' else 'received_at' end,
        v_partition.keep_from, v_partition.partition_name)
      into v_expired;
    end if;
    -- Rows of a partition that is being replaced are dropped by private.move_held_rows.
    if v_expired and not private.partition_is_held(v_partition.partition_name)
      and not exists (select from private.held_moves m where m.partition_name = v_partition.partition_name) then
      v_drop := v_drop || format(case when v_partition.is_default then 'truncate private.%I' else 'drop table private.%I' end, v_partition.partition_name);
      v_names := v_names || v_partition.partition_name;
    end if;
  end loop;
  if cardinality(v_drop) = 0 then
    return;
  end if;
  -- A hold that was set during the search is respected: nobody can set another one until the partitions are dropped.
  lock table public.legal_holds in share mode;
  if private.active_holds() <> v_holds then
    raise lock_not_available using message = 'a legal hold was set or released while partitions were being dropped';
  end if;
  foreach v_statement in array v_drop loop
    execute v_statement;
  end loop;
  return query select unnest(v_names);
end
$$;
comment on function private.drop_expired_partitions(timestamptz) is
'Drops whole partitions that ended before the retention period and contain no row under a legal hold, and returns their names; private.move_held_rows
takes care of the others. The default partition holds rows that belong to no other partition (older than all of them when they arrived): it is
emptied at once when its newest row was received before the retention period, and otherwise private.sweep_partitions deletes its expired rows.
Dropping a partition locks its parent against all readers and writers. Behind a report that somebody ran at noon the drop waited for two seconds,
and every delivery waited behind the drop (measured: p99 of the answers rose from 27 ms to 2 s). So the drop gives up after 30 ms, and the job tries
again. The slow part, the search for legal holds, is done before the first lock.';

-- Moving held rows aside -----------------------------------------------------------------------------------------------

create function private.begin_held_move(p_now timestamptz)
returns text
language plpgsql volatile security invoker
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
    if v_partition.parent = 'private.journal_payloads' then
      execute format('alter table private.%I set (toast_tuple_target = 8160)', v_held);
    end if;
    perform private.index_arrivals(v_held);
    insert into private.held_moves (partition_name, parent, held_name, lower_bound, upper_bound)
    values (v_partition.partition_name, v_partition.parent, v_held, v_partition.lower_bound, v_partition.upper_bound);
    return v_partition.partition_name;
  end loop;
  return null;
end
$$;
comment on function private.begin_held_move(timestamptz) is
'Begins to move the held rows of one expired partition aside: makes the partition that will receive them. Returns the name of the expired partition,
or null when no expired partition contains held rows.';

create function private.copy_held_rows(p_move private.held_moves, p_rows integer)
returns boolean
language plpgsql volatile security invoker
set search_path = ''
-- By an index on the rows of the page, however many rows the planner expects.
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
as $$
declare
  v_hold record;
  v_clock text := private.partition_clock(p_move.parent::regclass);
  v_key text := case p_move.parent when 'private.journal_payloads' then 'journal_id' else 'id' end;
  v_page record;
begin
  insert into private.held_move_holds (partition_name, hold_id)
  select p_move.partition_name, h.id from public.legal_holds h where h.released_at is null
  on conflict do nothing;
  select h.id, h.org_id, h.source_connection_id, p.cursor_at, p.cursor_id into v_hold
  from private.held_move_holds p join public.legal_holds h on h.id = p.hold_id and h.released_at is null
  where p.partition_name = p_move.partition_name and not p.done
  order by h.id limit 1;
  if v_hold.id is null then
    return false;
  end if;
  execute format($sql$
    with page as (
      select s.id, s.%1$I as at, s.source_connection_id from %2$s s
      where s.org_id = $1 and s.%1$I >= $2 and s.%1$I < $3 and ($4 is null or (s.%1$I, s.id) > ($4, $5))
      order by s.%1$I, s.id limit $6
    ), copied as (
      insert into private.%3$I select t.* from page g join private.%4$I t on t.%5$I = g.id and t.%1$I = g.at
      where $7 is null or g.source_connection_id = $7
      on conflict do nothing
    )
    select count(*) as rows, (array_agg(g.at order by g.at desc, g.id desc))[1] as at, (array_agg(g.id order by g.at desc, g.id desc))[1] as id from page g$sql$,
    v_clock, case p_move.parent when 'private.journal_payloads' then 'public.event_journal' else 'private.' || quote_ident(p_move.partition_name) end,
    p_move.held_name, p_move.partition_name, v_key)
  into v_page
  using v_hold.org_id, p_move.lower_bound, p_move.upper_bound, v_hold.cursor_at, v_hold.cursor_id, p_rows, v_hold.source_connection_id;
  update private.held_move_holds
  set cursor_at = coalesce(v_page.at, cursor_at), cursor_id = coalesce(v_page.id, cursor_id), done = v_page.rows < p_rows
  where partition_name = p_move.partition_name and hold_id = v_hold.id;
  return true;
end
$$;
comment on function private.copy_held_rows(private.held_moves, integer) is
'Copies the next held rows out of an expired partition: looks at p_rows rows of the org of one hold. Returns false when the rows of every hold are
copied.';

create function private.move_held_rows(p_now timestamptz default now(), p_rows integer default 2000, p_budget interval default '200 ms')
returns text
language plpgsql volatile security definer
set search_path = ''
set lock_timeout = '2s'
as $$
declare
  v_move private.held_moves;
  v_default text;
  v_guard text;
  v_until timestamptz := clock_timestamp() + p_budget;
begin
  perform pg_advisory_xact_lock(hashtext('tributary.partitions'));
  perform set_config('lock_timeout', '30ms', true);
  select * into v_move from private.held_moves order by started_at, partition_name limit 1;
  if v_move.partition_name is null then
    return 'began ' || private.begin_held_move(p_now);
  end if;
  v_default := split_part(v_move.parent, '.', 2) || '_default';
  v_guard := v_move.held_name || '_range';

  if private.copy_held_rows(v_move, p_rows) then
    while clock_timestamp() < v_until and private.copy_held_rows(v_move, p_rows) loop
      null;
    end loop;
    return 'copied ' || v_move.partition_name;
  end if;

  if v_move.state = 'copying' then
    -- Attaching searches the default partition for rows of the month, under the lock of the parent. With a constraint that excludes such rows,
    -- which is checked here without that lock, the search is left out.
    if not exists (select from pg_catalog.pg_constraint where conname = v_guard) then
      execute format('alter table private.%1$I add constraint %2$I check (%3$I is null or %3$I < %4$L or %3$I >= %5$L) not valid',
        v_default, v_guard, private.partition_clock(v_move.parent::regclass), v_move.lower_bound, v_move.upper_bound);
      return 'guarded ' || v_move.partition_name;
    end if;
    execute format('alter table private.%I validate constraint %I', v_default, v_guard);
    update private.held_moves set state = 'checked' where partition_name = v_move.partition_name;
    return 'checked ' || v_move.partition_name;
  end if;

  if v_move.state = 'checked' then
    execute format('alter table %s detach partition private.%I', v_move.parent, v_move.partition_name);
    execute format('alter table %s attach partition private.%I for values from (%L) to (%L)',
      v_move.parent, v_move.held_name, v_move.lower_bound, v_move.upper_bound);
    execute format('alter table private.%I drop constraint held_range', v_move.held_name);
    execute format('alter table private.%I drop constraint %I', v_default, v_guard);
    update private.held_moves set state = 'replaced' where partition_name = v_move.partition_name;
    delete from private.held_move_holds where partition_name = v_move.partition_name;
    return 'replaced ' || v_move.partition_name;
  end if;

  -- Nobody can set a hold until the old partition is gone; the rows of a hold that was just set are copied first.
  lock table public.legal_holds in share mode;
  if private.copy_held_rows(v_move, p_rows) then
    return 'copied ' || v_move.partition_name;
  end if;
  execute format('drop table private.%I', v_move.partition_name);
  delete from private.held_moves where partition_name = v_move.partition_name;
  return 'dropped ' || v_move.partition_name;
end
$$;
comment on function private.move_held_rows(timestamptz, integer, interval) is
'One step of moving held rows aside (private.held_moves), in its own transaction: begins with a partition, copies for p_budget, or replaces or drops
the expired partition. Returns what was done; null when no expired partition contains held rows. A held row can be read at any moment, and only
once: it is in the old partition until the new one, which has a copy, takes its place. Replacing needs the lock of the parent for a moment and gives up
after 30 ms, as private.drop_expired_partitions does; the old partition is dropped without any lock that readers or writers need.';

-- Deleting by row ------------------------------------------------------------------------------------------------------

create function private.sweep_partition(p_partition text, p_keep_from timestamptz, p_rows integer)
returns table (seen integer, deleted integer)
language plpgsql volatile security invoker
set search_path = ''
-- By an index on the rows of the page, however many rows the planner expects.
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
as $$
declare
  v_cursor private.sweeps;
  v_page record;
  v_key text := case when p_partition ~ '^journal_payloads_' then 'journal_id' else 'id' end;
  v_holder text := case when p_partition ~ '^journal_payloads_'
    then '(select j.source_connection_id from public.event_journal j where j.id = g.id and j.received_at = g.at)' else 'g.source_connection_id' end;
begin
  if p_partition ~ '^(connection_activity|activity_minutes|activity_hours)_' then
    execute format('with gone as (delete from private.%1$I where ctid = any (array(
        select ctid from private.%1$I where bucket < $1 order by bucket limit $2 for update skip locked)) returning 1)
      select count(*)::integer, count(*)::integer from gone', p_partition)
    into seen, deleted using p_keep_from, p_rows;
    return next;
    return;
  end if;
  select * into v_cursor from private.sweeps where table_name = p_partition;
  execute format($sql$
    with page as materialized (
      select s.%2$I as id, s.received_at as at, s.org_id, %4$s as source_connection_id from private.%1$I s
      where s.received_at < $1 and ($2 is null or (s.received_at, s.%2$I) > ($2, $3))
      order by s.received_at, s.%2$I limit $4
    ), gone as (
      delete from private.%1$I t using page g
      where t.%2$I = g.id and t.received_at = g.at and not exists (
        select from public.legal_holds h
        where h.org_id = g.org_id and h.released_at is null and (h.source_connection_id is null or h.source_connection_id = %3$s))
      returning 1
    )
    select (select count(*) from page)::integer as seen, (select count(*) from gone)::integer as deleted,
      (select g.at from page g order by g.at desc, g.id desc limit 1) as at, (select g.id from page g order by g.at desc, g.id desc limit 1) as id$sql$,
    p_partition, v_key, v_holder, case when v_key = 'journal_id' then 'null::uuid' else 's.source_connection_id' end)
  into v_page using p_keep_from, v_cursor.cursor_at, v_cursor.cursor_id, p_rows;
  if v_page.seen < p_rows then
    delete from private.sweeps where table_name = p_partition;
  else
    insert into private.sweeps (table_name, cursor_at, cursor_id) values (p_partition, v_page.at, v_page.id)
    on conflict (table_name) do update set cursor_at = excluded.cursor_at, cursor_id = excluded.cursor_id;
  end if;
  seen := v_page.seen;
  deleted := v_page.deleted;
  return next;
end
$$;
comment on function private.sweep_partition(text, timestamptz, integer) is
'Looks at the next p_rows rows of a partition that were received before p_keep_from, and deletes those without a legal hold. The walk continues behind
the last row of the page, because held rows stay: without the cursor, every step would read all of them again.';

create function private.sweep_partitions(p_now timestamptz default now(), p_rows integer default 2000, p_budget interval default '200 ms')
returns table (deleted bigint, is_behind boolean)
language plpgsql volatile security definer
set search_path = ''
set lock_timeout = '2s'
as $$
declare
  v_partition record;
  v_step record;
  v_until timestamptz := clock_timestamp() + p_budget;
begin
  perform pg_advisory_xact_lock(hashtext('tributary.partitions'));
  deleted := 0;
  is_behind := false;
  -- The partition that a walk is in comes first.
  for v_partition in
    select e.*, s.table_name is not null as is_under_way from private.expired_partitions(p_now) e
    left join private.sweeps s on s.table_name = e.partition_name
    where e.is_default or e.partition_name ~ '_held$'
    order by s.table_name nulls last, e.partition_name
  loop
    loop
      select * into v_step from private.sweep_partition(v_partition.partition_name,
        -- All rows of a partition of held rows have expired.
        case when v_partition.is_default then v_partition.keep_from else 'infinity' end, p_rows);
      deleted := deleted + v_step.deleted;
      is_behind := v_step.seen >= p_rows;
      exit when not is_behind or clock_timestamp() >= v_until;
    end loop;
    exit when is_behind;
  end loop;
  return next;
end
$$;
comment on function private.sweep_partitions(timestamptz, integer, interval) is
'Deletes expired rows one by one where a partition cannot be dropped as a whole: from default partitions, and from partitions of held rows whose hold
was released. Works for about p_budget in one transaction; is_behind tells that a partition has more rows to look at.';

-- Grants and policies --------------------------------------------------------------------------------------------------

grant execute on function private.move_held_rows(timestamptz, integer, interval), private.sweep_partitions(timestamptz, integer, interval) to maintenance;

-- No policy: the tables are reached through these functions only.
alter table private.held_moves enable row level security;
alter table private.held_move_holds enable row level security;
alter table private.sweeps enable row level security;

select private.index_arrivals(partition_name) from private.expired_partitions(now()) where is_default;
