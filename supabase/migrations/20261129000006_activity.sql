-- Activity: counters per connection, their rollups to minutes, hours and days, and the functions by which the dashboard reads them.
-- The rollups count replays and retries in separate columns: all other columns count live traffic only.

create table public.connection_activity (
  id bigint generated always as identity,
  org_id uuid not null,
  source_connection_id uuid not null,
  bucket timestamptz not null,        -- the minute of the flush
  received integer not null default 0,
  accepted integer not null default 0,
  duplicates integer not null default 0,
  dead_lettered integer not null default 0,
  rejected integer not null default 0,
  lag_sum_ms bigint not null default 0,
  lag_max_ms bigint not null default 0,
  -- Counts source-to-commit lag in seconds by the upper bounds 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600 and beyond: histograms can be
  -- added up, percentiles cannot.
  lag_histogram integer[] not null default '{}',
  last_event_time timestamptz,
  -- Replays and retries are counted in separate rows, because they must not change the lag and the rates of live traffic.
  is_replay boolean not null default false,
  primary key (bucket, id),
  foreign key (org_id, source_connection_id) references public.source_connections (org_id, id)
) partition by range (bucket);
create index connection_activity_connection_bucket_idx on public.connection_activity (org_id, source_connection_id, bucket desc);
comment on table public.connection_activity is
'Counters, one row per connection and flush. Rows are only inserted, so that two flushes never wait for each other''s row.';

create table public.activity_minutes (
  org_id uuid not null,
  source_connection_id uuid not null,
  bucket timestamptz not null,
  received bigint not null default 0,
  accepted bigint not null default 0,
  duplicates bigint not null default 0,
  dead_lettered bigint not null default 0,
  rejected bigint not null default 0,
  replayed bigint not null default 0,           -- records that were replayed or retried
  replayed_accepted bigint not null default 0,  -- how many of these records became events
  lag_sum_ms bigint not null default 0,
  lag_max_ms bigint not null default 0,
  lag_histogram bigint[] not null default '{0,0,0,0,0,0,0,0,0,0,0,0}' check (cardinality(lag_histogram) = 12),  -- bounds as in connection_activity
  last_event_time timestamptz,
  primary key (org_id, source_connection_id, bucket),
  foreign key (org_id, source_connection_id) references public.source_connections (org_id, id)
) partition by range (bucket);
comment on table public.activity_minutes is 'The counters of each minute. The rollups to hours and days have the same columns.';

create table public.activity_hours (
  like public.activity_minutes including defaults including constraints,
  primary key (org_id, source_connection_id, bucket),
  foreign key (org_id, source_connection_id) references public.source_connections (org_id, id)
) partition by range (bucket);
comment on table public.activity_hours is 'The counters of each hour.';

create table public.activity_days (
  like public.activity_minutes including defaults including constraints,
  primary key (org_id, source_connection_id, bucket),
  foreign key (org_id, source_connection_id) references public.source_connections (org_id, id)
);
comment on table public.activity_days is 'The counters of each day. Kept permanently, in one table without partitions.';

create table private.activity_rollup (
  id boolean primary key default true check (id),
  rolled_until timestamptz,     -- every activity row of an earlier bucket has its final place in the rollups; null: there was no rollup yet
  committed_until timestamptz,  -- every row with an earlier date has been committed
  pending_until timestamptz,    -- becomes committed_until once every transaction before pending_xid has ended
  pending_xid xid8
);
insert into private.activity_rollup default values;
comment on table private.activity_rollup is 'How far the rollups have come, in one row.';

-- The rollup ----------------------------------------------------------------------------------------------------------

create function private.activity_rolled_until()
returns timestamptz
language sql stable security definer
set search_path = ''
as $$
  select coalesce(rolled_until, '-infinity') from private.activity_rollup
$$;
comment on function private.activity_rolled_until() is
'Every activity row before this moment has its final place in the rollups; -infinity before the first rollup.';

create function private.advance_committed_until(p_now timestamptz)
returns timestamptz
language plpgsql volatile security invoker
set search_path = ''
as $$
declare
  v_state private.activity_rollup := (select r from private.activity_rollup r);
begin
  if v_state.pending_xid is null or v_state.pending_until < p_now - interval '10 minutes' or not exists (
    select from pg_locks l left join pg_stat_activity a on a.pid = l.pid
    where l.locktype = 'transactionid' and l.mode = 'ExclusiveLock' and l.granted
      and age(l.transactionid) > age(v_state.pending_xid::xid)
      -- A lock without a process belongs to a prepared transaction; pg_locks does not tell its database.
      and (a.pid is null or a.datid = (select d.oid from pg_database d where d.datname = current_database()))) then
    update private.activity_rollup
    set committed_until = greatest(committed_until, pending_until), pending_until = date_trunc('minute', p_now - interval '15 seconds'),
      pending_xid = pg_current_xact_id()
    returning committed_until into v_state.committed_until;
  end if;
  return coalesce(v_state.committed_until, '-infinity');
end
$$;
comment on function private.advance_committed_until(timestamptz) is
'Moves committed_until. A batch is dated when its statement begins and visible when it commits, which may be much later: a statement is cancelled
after 12 s, but a commit waits for its disk for any time. So committed_until reaches a moment in two steps: first 15 s pass, after which every
statement that began before the moment has written or has been cancelled; then every transaction that was writing at that time must have ended. A
transaction that writes for more than ten minutes is not a batch and is not waited for. A transaction in another database of the cluster is not
waited for either, because it writes nothing here. The horizon of a snapshot counts all of them; the lock that each transaction holds on its own
id tells which database the transaction is in.';

create function private.turn_back_activity(p_now timestamptz)
returns void
language sql volatile
set search_path = ''
as $$
  update private.activity_rollup
  set committed_until = null, pending_until = null, pending_xid = null,
    rolled_until = case when rolled_until <= p_now then rolled_until else (
      select max(newest.bucket) - interval '15 minutes'
      from public.source_connections c
      -- One index probe for each connection: a search by time alone would read a month of minutes.
      cross join lateral (
        select m.bucket from public.activity_minutes m
        where m.org_id = c.org_id and m.source_connection_id = c.id and m.bucket <= p_now
        order by m.bucket desc limit 1
      ) newest) end
  where greatest(rolled_until, committed_until, pending_until) > p_now
$$;
comment on function private.turn_back_activity(timestamptz) is
'Sets the marks of the rollup back when they lie in the future. A database clock that was ahead (for a minute, or by two days) moves them there,
and then the rows that are counted until that time are neither rolled up nor read from connection_activity. The marks go back to the newest minute
that was rolled up, and a quarter of an hour further for the batches that were not waited for when the clock jumped. Rolling up twice gives the
same result.';

create function private.refresh_last_event_at(p_since timestamptz default now() - interval '10 minutes')
returns integer
language sql security definer
set search_path = ''
as $$
  with outdated as (
    select c.id, n.at
    from public.source_connections c
    cross join lateral (
      select max(m.last_event_time) as at from public.activity_minutes m
      where m.org_id = c.org_id and m.source_connection_id = c.id and m.bucket >= p_since
    ) n
    where c.last_event_at is null and n.at is not null or c.last_event_at < n.at
    for no key update of c skip locked
  ), updated as (
    update public.source_connections c set last_event_at = o.at from outdated o where c.id = o.id
    returning 1
  )
  select count(*)::integer from updated
$$;
comment on function private.refresh_last_event_at(timestamptz) is
'Sets source_connections.last_event_at. The rollup calls it, and the hot path never does: an update per event would queue every flush behind one
row. A connection that somebody is changing at this moment is skipped until the next rollup.';

create function private.roll_up_activity(p_now timestamptz default clock_timestamp(), p_rows integer default 200000)
returns boolean
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_committed timestamptz;
  v_from timestamptz;
  v_to timestamptz;
  v_level record;
  v_histogram text := (select string_agg(format('coalesce(sum(lag_histogram[%s]) filter (where %%1$s), 0)', i), ', ' order by i) from generate_series(1, 12) i);
begin
  if not pg_try_advisory_xact_lock(hashtext('tributary.activity')) then
    return false;
  end if;
  perform private.turn_back_activity(p_now);
  v_committed := private.advance_committed_until(p_now);
  select min(a.bucket) into v_from from public.connection_activity a where a.bucket >= private.activity_rolled_until();
  if v_from is null then
    update private.activity_rollup set rolled_until = greatest(rolled_until, v_committed);
    return false;
  end if;
  v_from := date_trunc('minute', v_from);
  select greatest(date_trunc('minute', a.bucket), v_from + interval '1 minute') into v_to
  from public.connection_activity a where a.bucket >= v_from order by a.bucket, a.id offset p_rows limit 1;
  v_to := coalesce(v_to, 'infinity');

  -- Activity only grows: a bucket whose counts are the same has not changed, and is not written again.
  for v_level in
    select * from (values
      ('connection_activity', 'activity_minutes', 'minute', 'not is_replay', 'sum(received) filter (where is_replay)', 'sum(accepted) filter (where is_replay)'),
      ('activity_minutes', 'activity_hours', 'hour', 'true', 'sum(replayed)', 'sum(replayed_accepted)'),
      ('activity_hours', 'activity_days', 'day', 'true', 'sum(replayed)', 'sum(replayed_accepted)')
    ) as l (source, target, unit, live, replayed, replayed_accepted)
  loop
    execute format($roll$
      insert into public.%2$I as kept (org_id, source_connection_id, bucket, received, accepted, duplicates, dead_lettered, rejected,
        replayed, replayed_accepted, lag_sum_ms, lag_max_ms, lag_histogram, last_event_time)
      select changed.org_id, changed.source_connection_id, sums.*
      from (select distinct org_id, source_connection_id from public.connection_activity where bucket >= $1 and bucket < $2) changed
      cross join lateral (
        select date_trunc(%3$L, bucket, 'UTC'),
          coalesce(sum(received) filter (where %4$s), 0), coalesce(sum(accepted) filter (where %4$s), 0),
          coalesce(sum(duplicates) filter (where %4$s), 0), coalesce(sum(dead_lettered) filter (where %4$s), 0),
          coalesce(sum(rejected) filter (where %4$s), 0), coalesce(%5$s, 0), coalesce(%6$s, 0),
          least(coalesce(sum(lag_sum_ms) filter (where %4$s), 0), 9223372036854775807), coalesce(max(lag_max_ms) filter (where %4$s), 0),
          array[%7$s]::bigint[], max(last_event_time)
        from public.%1$I
        where org_id = changed.org_id and source_connection_id = changed.source_connection_id
          and bucket >= date_trunc(%3$L, $1, 'UTC') and bucket < date_trunc(%3$L, $2 - interval '1 microsecond', 'UTC') + interval '1 %3$s'
        group by 1
      ) sums
      on conflict (org_id, source_connection_id, bucket) do update set
        received = excluded.received, accepted = excluded.accepted, duplicates = excluded.duplicates, dead_lettered = excluded.dead_lettered,
        rejected = excluded.rejected, replayed = excluded.replayed, replayed_accepted = excluded.replayed_accepted,
        lag_sum_ms = excluded.lag_sum_ms, lag_max_ms = excluded.lag_max_ms, lag_histogram = excluded.lag_histogram,
        last_event_time = excluded.last_event_time
      where (kept.received, kept.replayed) is distinct from (excluded.received, excluded.replayed)$roll$,
      v_level.source, v_level.target, v_level.unit, v_level.live, v_level.replayed, v_level.replayed_accepted, format(v_histogram, v_level.live))
    using v_from, v_to;
  end loop;

  perform private.refresh_last_event_at(v_from);
  update private.activity_rollup set rolled_until = greatest(rolled_until, least(v_to, v_committed));
  return v_to < 'infinity';
end
$$;
comment on function private.roll_up_activity(timestamptz, integer) is
'Rolls up the activity since the last run: recomputes every minute whose batches may not all be committed yet, and the hours and days around it.
Running it twice gives the same result; when several runs start at once, one works and the others return at once. A run takes at most p_rows
activity rows and at least one minute; returns whether more activity is waiting. A sum of lags is capped at the largest bigint: five million
events from 1971 on one connection in one day added up to more, and the overflow stopped the rollup of every org.';

-- Queries of the dashboard --------------------------------------------------------------------------------------------

create function private.histogram_quantile(counts numeric[], q double precision)
returns double precision
language plpgsql immutable
set search_path = ''
as $$
declare
  v_bounds constant double precision[] := '{0,1,2,5,10,30,60,120,300,600,1800,3600}';
  v_counts constant double precision[] := counts;
  v_rank double precision := 0;
  v_seen double precision := 0;
  v_count double precision;
begin
  -- Null: the connection has no activity.
  if counts is null then
    return null;
  end if;
  foreach v_count in array v_counts loop
    v_rank := v_rank + v_count;
  end loop;
  if v_rank = 0 then
    return null;
  end if;
  v_rank := v_rank * q;
  for i in 1 .. cardinality(v_counts) loop
    if v_seen + v_counts[i] >= v_rank then
      if i >= cardinality(v_bounds) then
        return v_bounds[cardinality(v_bounds)];
      end if;
      return v_bounds[i] + (v_bounds[i + 1] - v_bounds[i]) * (v_rank - v_seen) / v_counts[i];
    end if;
    v_seen := v_seen + v_counts[i];
  end loop;
  return v_bounds[cardinality(v_bounds)];
end
$$;
comment on function private.histogram_quantile(numeric[], double precision) is
'The quantile of a lag histogram (bounds as in connection_activity), linear within a bucket; for the last bucket, which has no upper bound, it
returns the lower bound. It runs for each point of a chart, so it does no arithmetic on numeric.';

create function private.sum_activity(p_org_id uuid, p_from timestamptz, p_to timestamptz, p_unit text, p_connections uuid[], p_by_connection boolean)
returns table (
  source_connection_id uuid, bucket timestamptz, received bigint, accepted bigint, duplicates bigint, dead_lettered bigint, rejected bigint,
  replayed bigint, replayed_accepted bigint, lag_sum_ms bigint, lag_max_ms bigint, lag_histogram bigint[], last_event_time timestamptz
)
language plpgsql stable security invoker
set search_path = ''
-- Planned for the given bounds: the generic plan would read every partition.
set plan_cache_mode = 'force_custom_plan'
as $$
declare
  v_rolled timestamptz := private.activity_rolled_until();
  v_to timestamptz := least(p_to, v_rolled);
  v_hours_from timestamptz := 'infinity';
  v_hours_to timestamptz := 'infinity';
  v_days_from timestamptz := 'infinity';
  v_days_to timestamptz := 'infinity';
  v_width interval := ('1 ' || p_unit)::interval;
  -- Reads one range of the index for each connection.
  v_connections uuid[] := array(
    select c.id from public.source_connections c where c.org_id = p_org_id and (p_connections is null or c.id = any (p_connections)));
begin
  if p_unit in ('hour', 'day') then
    v_hours_from := date_trunc('hour', p_from + interval '1 hour' - interval '1 microsecond', 'UTC');
    v_hours_to := greatest(v_hours_from, date_trunc('hour', v_to, 'UTC'));
  end if;
  if p_unit = 'day' then
    v_days_from := date_trunc('day', p_from + interval '1 day' - interval '1 microsecond', 'UTC');
    v_days_to := greatest(v_days_from, date_trunc('day', v_to, 'UTC'));
  end if;
  return query
  with slices as (
    select d.source_connection_id, d.bucket, d.received, d.accepted, d.duplicates, d.dead_lettered, d.rejected, d.replayed, d.replayed_accepted,
      d.lag_sum_ms, d.lag_max_ms, d.lag_histogram, d.last_event_time
    from public.activity_days d
    where d.org_id = p_org_id and d.source_connection_id = any (v_connections) and d.bucket >= v_days_from and d.bucket < v_days_to
    union all
    select h.source_connection_id, h.bucket, h.received, h.accepted, h.duplicates, h.dead_lettered, h.rejected, h.replayed, h.replayed_accepted,
      h.lag_sum_ms, h.lag_max_ms, h.lag_histogram, h.last_event_time
    from (values (v_hours_from, least(v_days_from, v_hours_to)), (v_days_to, v_hours_to)) as r (low, high)
    join public.activity_hours h on h.bucket >= r.low and h.bucket < r.high
    where h.org_id = p_org_id and h.source_connection_id = any (v_connections)
    union all
    select m.source_connection_id, m.bucket, m.received, m.accepted, m.duplicates, m.dead_lettered, m.rejected, m.replayed, m.replayed_accepted,
      m.lag_sum_ms, m.lag_max_ms, m.lag_histogram, m.last_event_time
    from (values (p_from, least(v_hours_from, v_to)), (v_hours_to, v_to)) as r (low, high)
    join public.activity_minutes m on m.bucket >= r.low and m.bucket < r.high
    where m.org_id = p_org_id and m.source_connection_id = any (v_connections)
    union all
    select a.source_connection_id, a.bucket,
      case when a.is_replay then 0 else a.received end, case when a.is_replay then 0 else a.accepted end, case when a.is_replay then 0 else a.duplicates end,
      case when a.is_replay then 0 else a.dead_lettered end, case when a.is_replay then 0 else a.rejected end,
      case when a.is_replay then a.received else 0 end, case when a.is_replay then a.accepted else 0 end,
      case when a.is_replay then 0 else a.lag_sum_ms end, case when a.is_replay then 0 else a.lag_max_ms end,
      case when a.is_replay then '{}' else a.lag_histogram::bigint[] end, a.last_event_time
    from public.connection_activity a
    where a.org_id = p_org_id and a.source_connection_id = any (v_connections) and a.bucket >= greatest(p_from, v_rolled) and a.bucket < p_to
  )
  select case when p_by_connection then s.source_connection_id end, date_bin(v_width, s.bucket, '2000-01-01 00:00Z'),
    sum(s.received)::bigint, sum(s.accepted)::bigint, sum(s.duplicates)::bigint, sum(s.dead_lettered)::bigint, sum(s.rejected)::bigint,
    sum(s.replayed)::bigint, sum(s.replayed_accepted)::bigint, least(sum(s.lag_sum_ms), 9223372036854775807)::bigint, max(s.lag_max_ms),
    array[
      coalesce(sum(s.lag_histogram[1]), 0), coalesce(sum(s.lag_histogram[2]), 0), coalesce(sum(s.lag_histogram[3]), 0),
      coalesce(sum(s.lag_histogram[4]), 0), coalesce(sum(s.lag_histogram[5]), 0), coalesce(sum(s.lag_histogram[6]), 0),
      coalesce(sum(s.lag_histogram[7]), 0), coalesce(sum(s.lag_histogram[8]), 0), coalesce(sum(s.lag_histogram[9]), 0),
      coalesce(sum(s.lag_histogram[10]), 0), coalesce(sum(s.lag_histogram[11]), 0), coalesce(sum(s.lag_histogram[12]), 0)
    ]::bigint[],
    max(s.last_event_time)
  from slices s
  group by 1, 2;
end
$$;
comment on function private.sum_activity(uuid, timestamptz, timestamptz, text, uuid[], boolean) is
'Activity of an org by connection and bucket: from the rollups as far as they reach and from connection_activity after that, so that the newest
row always counts. p_unit is minute, hour or day. Whole days and hours are read from their rollups, and the rest at both ends of the range from
the finer table (minutes are kept for 35 days: in an older range, the hours at its ends count only when they are whole). p_connections: null for
all connections of the org.';

create function public.connection_health(org_id uuid)
returns table (
  source_connection_id uuid, name text, type text, is_active boolean, last_event_at timestamptz, freshness_seconds double precision,
  received bigint, accepted bigint, duplicates bigint, dead_lettered bigint, rejected bigint, dlq_rate double precision, lag_p50_seconds double precision, lag_p95_seconds double precision,
  replayed bigint, replayed_accepted bigint
)
language sql stable security invoker
set search_path = ''
as $$
  with activity as (
    select s.source_connection_id, sum(s.received)::bigint as received, sum(s.accepted)::bigint as accepted, sum(s.duplicates)::bigint as duplicates,
      sum(s.dead_lettered)::bigint as dead_lettered, sum(s.rejected)::bigint as rejected, sum(s.replayed)::bigint as replayed,
      sum(s.replayed_accepted)::bigint as replayed_accepted, max(s.last_event_time) as last_event_time,
      array(select sum(n) from unnest(array_agg(s.lag_histogram)) with ordinality as u (n, i) group by (i - 1) % 12 order by (i - 1) % 12) as lags
    from private.sum_activity(connection_health.org_id, now() - interval '24 hours', 'infinity', 'hour', null, true) s
    group by s.source_connection_id
  )
  select c.id, c.name, c.type, c.is_active, greatest(c.last_event_at, a.last_event_time),
    extract(epoch from now() - greatest(c.last_event_at, a.last_event_time))::double precision,
    coalesce(a.received, 0), coalesce(a.accepted, 0), coalesce(a.duplicates, 0), coalesce(a.dead_lettered, 0), coalesce(a.rejected, 0),
    a.dead_lettered::double precision / nullif(a.received - a.rejected, 0),
    private.histogram_quantile(a.lags, 0.5), private.histogram_quantile(a.lags, 0.95),
    coalesce(a.replayed, 0), coalesce(a.replayed_accepted, 0)
  from public.source_connections c
  left join activity a on a.source_connection_id = c.id
  where c.org_id = connection_health.org_id and c.deleted_at is null
$$;
comment on function public.connection_health(uuid) is
'Freshness and failure rate of each connection over the last 24 hours. Rates and lag are those of live traffic.';

create function public.ingest_timeseries(org_id uuid, "from" timestamptz, "to" timestamptz, bucket text default 'hour', connection_ids uuid[] default null)
returns table (
  bucket_start timestamptz, received bigint, accepted bigint, duplicates bigint, dead_lettered bigint, rejected bigint, lag_p50_seconds double precision, lag_p95_seconds double precision,
  replayed bigint, replayed_accepted bigint
)
language plpgsql stable security invoker
set search_path = ''
as $$
begin
  if bucket is null or bucket not in ('minute', 'hour', 'day') then
    raise invalid_parameter_value using message = 'bucket must be minute, hour or day';
  end if;
  return query
  select s.bucket, s.received, s.accepted, s.duplicates, s.dead_lettered, s.rejected,
    private.histogram_quantile(s.lag_histogram, 0.5), private.histogram_quantile(s.lag_histogram, 0.95), s.replayed, s.replayed_accepted
  from private.sum_activity(org_id, "from", "to", bucket, connection_ids, false) s
  order by s.bucket;
end
$$;
comment on function public.ingest_timeseries(uuid, timestamptz, timestamptz, text, uuid[]) is
'Counts over time. bucket: minute, hour or day; empty buckets are left out. connection_ids: only those connections.';

create function public.connection_sparklines(org_id uuid)
returns table (source_connection_id uuid, first_hour timestamptz, received bigint[], accepted bigint[], dead_lettered bigint[])
language sql stable security invoker
set search_path = ''
as $$
  with hours as (
    select generate_series(date_trunc('hour', now(), 'UTC') - interval '23 hours', date_trunc('hour', now(), 'UTC'), interval '1 hour') as at
  )
  select c.id, min(h.at), array_agg(coalesce(s.received, 0) order by h.at), array_agg(coalesce(s.accepted, 0) order by h.at),
    array_agg(coalesce(s.dead_lettered, 0) order by h.at)
  from public.source_connections c
  cross join hours h
  left join private.sum_activity(connection_sparklines.org_id, (select min(at) from hours), 'infinity', 'hour', null, true) s
    on s.source_connection_id = c.id and s.bucket = h.at
  where c.org_id = connection_sparklines.org_id and c.deleted_at is null
  group by c.id
$$;
comment on function public.connection_sparklines(uuid) is 'The last 24 hours of each connection, oldest first; the last hour is not over yet.';

-- Grants and policies -------------------------------------------------------------------------------------------------

grant execute on function private.roll_up_activity(timestamptz, integer) to worker;
grant execute on function private.histogram_quantile(numeric[], double precision) to authenticated, worker;
grant execute on function private.activity_rolled_until(), private.sum_activity(uuid, timestamptz, timestamptz, text, uuid[], boolean),
  public.connection_health(uuid), public.ingest_timeseries(uuid, timestamptz, timestamptz, text, uuid[]), public.connection_sparklines(uuid)
  to authenticated;

grant select on public.connection_activity, public.activity_minutes, public.activity_hours, public.activity_days to authenticated;
grant insert on public.connection_activity to ingest, worker;
grant select on public.activity_minutes, public.activity_hours to worker;

-- `true` is enough for ingest: the role may only insert, and the composite foreign keys decide which rows.
alter table public.connection_activity enable row level security;
alter table public.activity_minutes enable row level security;
alter table public.activity_hours enable row level security;
alter table public.activity_days enable row level security;
alter table private.activity_rollup enable row level security;

create policy connection_activity_select on public.connection_activity for select to authenticated
  using (org_id = any (array(select private.my_orgs())));
create policy connection_activity_ingest on public.connection_activity for insert to ingest with check (true);
create policy connection_activity_worker_insert on public.connection_activity for insert to worker with check (true);
create policy activity_minutes_select on public.activity_minutes for select to authenticated
  using (org_id = any (array(select private.my_orgs())));
create policy activity_minutes_worker on public.activity_minutes for select to worker using (true);
create policy activity_hours_select on public.activity_hours for select to authenticated
  using (org_id = any (array(select private.my_orgs())));
create policy activity_hours_worker on public.activity_hours for select to worker using (true);
create policy activity_days_select on public.activity_days for select to authenticated
  using (org_id = any (array(select private.my_orgs())));
