-- Dropping a partition locks its parent against everybody. Behind a report that somebody runs at noon it waited for two seconds, and every
-- delivery behind it (measured: p99 of the answers from 27 ms to 2 s). It gives way after 30 ms now; the job tries again.
-- What takes time, looking for legal holds, is done before the first lock.
create or replace function private.drop_expired_partitions(p_now timestamptz default now())
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
  -- Another instance that is at it is waited for; nobody who reads or writes is.
  perform pg_advisory_xact_lock(hashtext('tributary.partitions'));
  perform set_config('lock_timeout', '30ms', true);
  for v_rule in select * from private.retention order by table_name loop
    v_is_activity := v_rule.table_name in ('public.connection_activity', 'public.activity_minutes', 'public.activity_hours');
    v_before := p_now - make_interval(days => v_rule.keep_days);
    -- What the rollups are still made of stays, however long they stand still.
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
