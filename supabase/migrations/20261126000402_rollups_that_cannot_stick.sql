-- What ended the rollup of every org: a sum of lags that no bigint holds, and a clock that had once been ahead.

-- As before, with a month as the longest lag that is counted. Five million events from 1971 on one connection in one day added up to more
-- than a bigint holds.
create or replace function private.settle_batch(p_deliveries json, p_keys json, p_events json, p_dead json, p_sealed bytea, p_old json, p_now timestamptz)
returns void
language plpgsql volatile security invoker
set search_path = ''
as $$
begin
  -- Guarded: even with nothing to insert, the join below would parse the whole of p_events (measured: a third of the batch).
  if json_array_length(p_dead) > 0 or json_array_length(p_old) > 0 then
    insert into public.dlq_events (id, org_id, project_id, source_connection_id, journal_id, record_index, error_class, last_error_message,
      field_path, source_event_type, idempotency_key, next_retry_at, is_quarantine, sample, created_at, updated_at)
    select id, org_id, project_id, source_connection_id, journal_id, record_index, error_class, last_error_message,
      field_path, source_event_type, idempotency_key, next_retry_at, is_quarantine, sample, p_now, p_now
    from json_to_recordset(p_dead) as d (id uuid, org_id uuid, project_id uuid, source_connection_id uuid, journal_id uuid, record_index integer,
      error_class text, last_error_message text, field_path text, source_event_type text, idempotency_key text, next_retry_at timestamptz,
      is_quarantine boolean, sample jsonb)
    union all
    -- The first body under a key stands, or the newest where deliveries are reprocessed; another one is kept for a person to see.
    select o.dlq_id, e.org_id, e.project_id, e.source_connection_id, o.journal_id, e.record_index,
      case o.outcome when 'older' then 'OLDER_REVISION' else 'DUPLICATE_EVENT' end,
      case o.outcome when 'older' then 'a newer delivery, or a newer version of the pipeline, made what is stored as event '
        else 'another body was stored first under the same idempotency key, as event ' end || o.stored_event_id,
      null, e.source_event_type, e.idempotency_key, null, false, jsonb_build_object('type', e.type, 'properties', e.properties), p_now, p_now
    from json_to_recordset(p_old) as o (event_id uuid, stored_event_id uuid, journal_id uuid, dlq_id uuid, outcome text)
    join json_to_recordset(p_events) as e (id uuid, org_id uuid, project_id uuid, source_connection_id uuid, record_index integer,
      source_event_type text, idempotency_key text, type text, properties jsonb) on e.id = o.event_id
    where o.outcome in ('conflict', 'older');
  end if;

  with records as (
    select k.journal_id, 'accepted' as outcome, k.event_time, k.source_connection_id
    from json_to_recordset(p_keys) as k (event_id uuid, journal_id uuid, event_time timestamptz, source_connection_id uuid)
    where json_array_length(p_old) = 0
      or k.event_id not in (select o.event_id from json_to_recordset(p_old) as o (event_id uuid))
    union all
    select o.journal_id, case o.outcome when 'duplicate' then 'duplicate' when 'rewritten' then 'accepted' else 'dead_lettered' end, null, o.source_connection_id
    from json_to_recordset(p_old) as o (journal_id uuid, outcome text, source_connection_id uuid)
    union all
    select d.journal_id, case when d.is_quarantine then 'rejected' else 'dead_lettered' end, null, d.source_connection_id
    from json_to_recordset(p_dead) as d (journal_id uuid, is_quarantine boolean, source_connection_id uuid)
  ), deliveries as (
    select * from json_to_recordset(p_deliveries) as d (id uuid, org_id uuid, source_connection_id uuid, received_at timestamptz,
      content_type text, byte_size integer, body_sha256 text, is_test boolean, replay_of uuid, event_types text[], key_version integer, sealed_at integer, sealed_length integer)
  ), journalled as (
    insert into public.event_journal (id, org_id, source_connection_id, received_at, content_type, byte_size, body_sha256, record_count, outcome, is_test, replay_of, event_types)
    select d.id, d.org_id, d.source_connection_id, d.received_at, d.content_type, d.byte_size, d.body_sha256, coalesce(r.n, 0),
      -- A delivery without records (a platform's probe) is accepted.
      case when r.outcomes is null then 'accepted' when cardinality(r.outcomes) = 1 then r.outcomes[1] else 'mixed' end,
      d.is_test, d.replay_of, coalesce(d.event_types, '{}')
    from deliveries d
    left join (select journal_id, count(*)::integer as n, array_agg(distinct outcome) as outcomes from records group by journal_id) r on r.journal_id = d.id
  ), sealed as (
    insert into private.journal_payloads (journal_id, received_at, org_id, key_version, sealed)
    select d.id, d.received_at, d.org_id, d.key_version, substring(p_sealed from d.sealed_at + 1 for d.sealed_length)
    from deliveries d
  ), lags as (
    -- A replay's lag would be the age of its delivery. Of an event from long ago it says no more than a month: the histogram ends at an hour.
    select r.*, d.replay_of is not null as is_replay,
      case when r.event_time is not null and d.replay_of is null then least(greatest(0, extract(epoch from p_now - r.event_time)), 2678400) end as lag
    from records r join deliveries d on d.id = r.journal_id
  )
  insert into public.connection_activity (org_id, source_connection_id, bucket, received, accepted, duplicates, dead_lettered, rejected,
    lag_sum_ms, lag_max_ms, lag_histogram, last_event_time, is_replay)
  select c.org_id, c.source_connection_id, date_trunc('minute', p_now), a.received, a.accepted, a.duplicates, a.dead_lettered, a.rejected,
    a.lag_sum_ms, a.lag_max_ms, a.lag_histogram, a.last_event_time, a.is_replay
  from (select distinct org_id, source_connection_id from deliveries) c
  join (
    select source_connection_id, is_replay,
      count(*)::integer as received,
      count(*) filter (where outcome = 'accepted')::integer as accepted,
      count(*) filter (where outcome = 'duplicate')::integer as duplicates,
      count(*) filter (where outcome = 'dead_lettered')::integer as dead_lettered,
      count(*) filter (where outcome = 'rejected')::integer as rejected,
      coalesce(sum(lag * 1000), 0)::bigint as lag_sum_ms,
      coalesce(max(lag * 1000), 0)::bigint as lag_max_ms,
      array[
        count(*) filter (where lag <= 1), count(*) filter (where lag > 1 and lag <= 2), count(*) filter (where lag > 2 and lag <= 5),
        count(*) filter (where lag > 5 and lag <= 10), count(*) filter (where lag > 10 and lag <= 30), count(*) filter (where lag > 30 and lag <= 60),
        count(*) filter (where lag > 60 and lag <= 120), count(*) filter (where lag > 120 and lag <= 300), count(*) filter (where lag > 300 and lag <= 600),
        count(*) filter (where lag > 600 and lag <= 1800), count(*) filter (where lag > 1800 and lag <= 3600), count(*) filter (where lag > 3600)
      ]::integer[] as lag_histogram,
      max(event_time) as last_event_time
    from lags group by source_connection_id, is_replay
  ) a using (source_connection_id);
end
$$;

-- A database's clock that was ahead (for a minute, or by two days) has moved the marks of the rollup into what is now the future: what is
-- counted until then was neither rolled up nor read as it came. They go back to the newest minute that was rolled up, and a quarter of an
-- hour more for the batches that were not waited for when the clock jumped. Rolling up twice changes nothing.
create or replace function private.turn_back_activity(p_now timestamptz)
returns void
language sql volatile
set search_path = ''
as $$
  update private.activity_rollup
  set settled_until = null, settling_until = null, settling_xid = null,
    rolled_until = case when rolled_until <= p_now then rolled_until else (
      select max(newest.bucket) - interval '15 minutes'
      from public.source_connections c
      -- One index probe for each: by time alone a month of minutes would be read.
      cross join lateral (
        select m.bucket from public.activity_minutes m
        where m.org_id = c.org_id and m.source_connection_id = c.id and m.bucket <= p_now
        order by m.bucket desc limit 1
      ) newest) end
  where greatest(rolled_until, settled_until, settling_until) > p_now
$$;

-- As before: a sum of lags ends where bigint does, and the marks are never ahead of the clock.
create or replace function private.roll_up_activity(p_now timestamptz default clock_timestamp(), p_rows integer default 200000)
returns boolean
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_settled timestamptz;
  v_from timestamptz;
  v_to timestamptz;
  v_level record;
  v_histogram text := (select string_agg(format('coalesce(sum(lag_histogram[%s]) filter (where %%1$s), 0)', i), ', ' order by i) from generate_series(1, 12) i);
begin
  if not pg_try_advisory_xact_lock(hashtext('tributary.activity')) then
    return false;
  end if;
  perform private.turn_back_activity(p_now);
  v_settled := private.settle_activity(p_now);
  select min(a.bucket) into v_from from public.connection_activity a where a.bucket >= private.activity_rolled_until();
  if v_from is null then
    update private.activity_rollup set rolled_until = greatest(rolled_until, v_settled);
    return false;
  end if;
  v_from := date_trunc('minute', v_from);
  select greatest(date_trunc('minute', a.bucket), v_from + interval '1 minute') into v_to
  from public.connection_activity a where a.bucket >= v_from order by a.bucket, a.id offset p_rows limit 1;
  v_to := coalesce(v_to, 'infinity');

  -- Activity only grows: a bucket with the same counts is the same bucket, and is not written again.
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
  update private.activity_rollup set rolled_until = greatest(rolled_until, least(v_to, v_settled));
  return v_to < 'infinity';
end
$$;

-- As before: a sum of lags ends where bigint does.
create or replace function private.sum_activity(p_org_id uuid, p_from timestamptz, p_to timestamptz, p_unit text, p_connections uuid[], p_by_connection boolean)
returns table (
  source_connection_id uuid, bucket timestamptz, received bigint, accepted bigint, duplicates bigint, dead_lettered bigint, rejected bigint,
  replayed bigint, replayed_accepted bigint, lag_sum_ms bigint, lag_max_ms bigint, lag_histogram bigint[], last_event_time timestamptz
)
language plpgsql stable security invoker
set search_path = ''
-- A plan for unknown bounds would read every partition.
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
  -- One index range for each of them.
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
