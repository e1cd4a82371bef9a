-- What the dashboard asks: freshness and failure rate per connection, and counts over time. Both run as the caller, under RLS.

-- Quantile of a lag histogram (bounds as in connection_activity), linear within a bucket; the open last bucket answers its lower bound.
create function private.histogram_quantile(counts numeric[], q double precision)
returns double precision
language plpgsql immutable
set search_path = ''
as $$
declare
  v_bounds double precision[] := '{0,1,2,5,10,30,60,120,300,600,1800,3600}';
  v_rank double precision := q * (select sum(n) from unnest(counts) n);
  v_seen double precision := 0;
begin
  if v_rank is null or v_rank = 0 then
    return null;
  end if;
  for i in 1 .. cardinality(counts) loop
    if v_seen + counts[i] >= v_rank then
      if i >= cardinality(v_bounds) then
        return v_bounds[cardinality(v_bounds)];
      end if;
      return v_bounds[i] + (v_bounds[i + 1] - v_bounds[i]) * (v_rank - v_seen) / counts[i];
    end if;
    v_seen := v_seen + counts[i];
  end loop;
  return v_bounds[cardinality(v_bounds)];
end
$$;

create function public.connection_health(org_id uuid)
returns table (
  source_connection_id uuid, name text, type text, is_active boolean, last_event_at timestamptz, freshness_seconds double precision,
  received bigint, accepted bigint, duplicates bigint, dead_lettered bigint, rejected bigint, dlq_rate double precision, lag_p50_seconds double precision, lag_p95_seconds double precision
)
language sql stable security invoker
set search_path = ''
as $$
  with activity as (
    select a.source_connection_id, sum(a.received) as received, sum(a.accepted) as accepted, sum(a.duplicates) as duplicates,
      sum(a.dead_lettered) as dead_lettered, sum(a.rejected) as rejected, max(a.last_event_time) as last_event_time
    from public.connection_activity a
    where a.org_id = connection_health.org_id and a.bucket >= now() - interval '24 hours'
    group by a.source_connection_id
  ), lags as (
    select h.source_connection_id, private.histogram_quantile(array_agg(h.n order by h.i), 0.5) as p50, private.histogram_quantile(array_agg(h.n order by h.i), 0.95) as p95
    from (
      select a.source_connection_id, b.i, sum(b.n) as n
      from public.connection_activity a, unnest(a.lag_histogram) with ordinality as b (n, i)
      where a.org_id = connection_health.org_id and a.bucket >= now() - interval '24 hours'
      group by a.source_connection_id, b.i
    ) h
    group by h.source_connection_id
  )
  select c.id, c.name, c.type, c.is_active, greatest(c.last_event_at, a.last_event_time),
    extract(epoch from now() - greatest(c.last_event_at, a.last_event_time))::double precision,
    coalesce(a.received, 0), coalesce(a.accepted, 0), coalesce(a.duplicates, 0), coalesce(a.dead_lettered, 0), coalesce(a.rejected, 0),
    a.dead_lettered::double precision / nullif(a.received - a.rejected, 0), l.p50, l.p95
  from public.source_connections c
  left join activity a on a.source_connection_id = c.id
  left join lags l on l.source_connection_id = c.id
  where c.org_id = connection_health.org_id and c.deleted_at is null
$$;

-- bucket: minute, hour or day. Empty buckets are left out.
create function public.ingest_timeseries(org_id uuid, "from" timestamptz, "to" timestamptz, bucket text default 'hour')
returns table (
  bucket_start timestamptz, received bigint, accepted bigint, duplicates bigint, dead_lettered bigint, rejected bigint, lag_p50_seconds double precision, lag_p95_seconds double precision
)
language plpgsql stable security invoker
set search_path = ''
as $$
begin
  if bucket is null or bucket not in ('minute', 'hour', 'day') then
    raise invalid_parameter_value using message = 'bucket is one of minute, hour, day';
  end if;
  return query
  with slices as (
    select date_trunc(ingest_timeseries.bucket, a.bucket, 'UTC') as at, a.*
    from public.connection_activity a
    where a.org_id = ingest_timeseries.org_id and a.bucket >= ingest_timeseries."from" and a.bucket < ingest_timeseries."to"
  ), totals as (
    select s.at, sum(s.received) as received, sum(s.accepted) as accepted, sum(s.duplicates) as duplicates,
      sum(s.dead_lettered) as dead_lettered, sum(s.rejected) as rejected
    from slices s group by s.at
  ), lags as (
    select h.at, private.histogram_quantile(array_agg(h.n order by h.i), 0.5) as p50, private.histogram_quantile(array_agg(h.n order by h.i), 0.95) as p95
    from (select s.at, b.i, sum(b.n) as n from slices s, unnest(s.lag_histogram) with ordinality as b (n, i) group by s.at, b.i) h
    group by h.at
  )
  select t.at, t.received, t.accepted, t.duplicates, t.dead_lettered, t.rejected, l.p50, l.p95
  from totals t left join lags l using (at)
  order by t.at;
end
$$;

grant execute on function private.histogram_quantile(numeric[], double precision), public.connection_health(uuid),
  public.ingest_timeseries(uuid, timestamptz, timestamptz, text) to authenticated;
