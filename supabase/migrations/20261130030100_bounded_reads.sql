-- What the Data API's functions read and answer is bounded: a page of connections at a time, and at most a thousand rows of anything.

drop function public.connection_health(uuid);
create function public.connection_health(
  org_id uuid, search text default null, active boolean default null, ids uuid[] default null, after uuid default null,
  page_limit integer default 1000
)
returns table (
  source_connection_id uuid, name text, type text, is_active boolean, last_event_at timestamptz, freshness_seconds double precision,
  received bigint, accepted bigint, duplicates bigint, dead_lettered bigint, rejected bigint, dlq_rate double precision,
  lag_p50_seconds double precision, lag_p95_seconds double precision, replayed bigint, replayed_accepted bigint
)
language sql stable security invoker
set search_path = ''
as $$
  with page as materialized (
    select c.id, c.name, c.type, c.is_active, c.last_event_at
    from public.source_connections c
    where c.org_id = connection_health.org_id and c.deleted_at is null
      and (search is null or strpos(lower(c.name), lower(search)) > 0 or strpos(c.type, lower(search)) > 0)
      and (active is null or c.is_active = active)
      and (ids is null or c.id = any (ids))
      and (after is null or (lower(c.name), c.id) > (
        select lower(a.name), a.id from public.source_connections a where a.org_id = connection_health.org_id and a.id = after))
    order by lower(c.name), c.id
    limit least(page_limit, 1000)
  ), activity as (
    select s.source_connection_id, sum(s.received)::bigint as received, sum(s.accepted)::bigint as accepted, sum(s.duplicates)::bigint as duplicates,
      sum(s.dead_lettered)::bigint as dead_lettered, sum(s.rejected)::bigint as rejected, sum(s.replayed)::bigint as replayed,
      sum(s.replayed_accepted)::bigint as replayed_accepted, max(s.last_event_time) as last_event_time,
      array(select sum(n) from unnest(array_agg(s.lag_histogram)) with ordinality as u (n, i) group by (i - 1) % 12 order by (i - 1) % 12) as lags
    from private.sum_activity(connection_health.org_id, now() - interval '24 hours', 'infinity', 'hour', array(select p.id from page p), true) s
    group by s.source_connection_id
  )
  select c.id, c.name, c.type, c.is_active, greatest(c.last_event_at, a.last_event_time),
    extract(epoch from now() - greatest(c.last_event_at, a.last_event_time))::double precision,
    coalesce(a.received, 0), coalesce(a.accepted, 0), coalesce(a.duplicates, 0), coalesce(a.dead_lettered, 0), coalesce(a.rejected, 0),
    a.dead_lettered::double precision / nullif(a.received - a.rejected, 0),
    private.histogram_quantile(a.lags, 0.5), private.histogram_quantile(a.lags, 0.95),
    coalesce(a.replayed, 0), coalesce(a.replayed_accepted, 0)
  from page c
  left join activity a on a.source_connection_id = c.id
  order by lower(c.name), c.id
$$;
comment on function public.connection_health(uuid, text, boolean, uuid[], uuid, integer) is
'Freshness and failure rate of connections over the last 24 hours, by name: at most 1000, after the connection `after`. search: a part of the name
or type. Rates and lag are those of live traffic.';

drop function public.connection_sparklines(uuid);
create function public.connection_sparklines(org_id uuid, ids uuid[] default null)
returns table (source_connection_id uuid, first_hour timestamptz, received bigint[], accepted bigint[], dead_lettered bigint[])
language sql stable security invoker
set search_path = ''
as $$
  with hours as (
    select generate_series(date_trunc('hour', now(), 'UTC') - interval '23 hours', date_trunc('hour', now(), 'UTC'), interval '1 hour') as at
  ), page as materialized (
    select c.id from public.source_connections c
    where c.org_id = connection_sparklines.org_id and c.deleted_at is null and (ids is null or c.id = any (ids))
    order by lower(c.name), c.id
    limit 1000
  )
  select c.id, min(h.at), array_agg(coalesce(s.received, 0) order by h.at), array_agg(coalesce(s.accepted, 0) order by h.at),
    array_agg(coalesce(s.dead_lettered, 0) order by h.at)
  from page c
  cross join hours h
  left join private.sum_activity(connection_sparklines.org_id, (select min(at) from hours), 'infinity', 'hour', array(select p.id from page p), true) s
    on s.source_connection_id = c.id and s.bucket = h.at
  group by c.id
$$;
comment on function public.connection_sparklines(uuid, uuid[]) is
'The last 24 hours of each of these connections, at most 1000, oldest first; the last hour is not over yet.';

create or replace function public.ingest_timeseries(org_id uuid, "from" timestamptz, "to" timestamptz, bucket text default 'hour', connection_ids uuid[] default null)
returns table (
  bucket_start timestamptz, received bigint, accepted bigint, duplicates bigint, dead_lettered bigint, rejected bigint,
  lag_p50_seconds double precision, lag_p95_seconds double precision, replayed bigint, replayed_accepted bigint
)
language plpgsql stable security invoker
set search_path = ''
as $$
begin
  if bucket is null or bucket not in ('minute', 'hour', 'day') then
    raise invalid_parameter_value using message = 'bucket must be minute, hour or day';
  end if;
  if cardinality(connection_ids) > 1000 then
    raise invalid_parameter_value using message = 'connection_ids may have at most 1000 ids';
  end if;
  return query
  select s.bucket, s.received, s.accepted, s.duplicates, s.dead_lettered, s.rejected,
    private.histogram_quantile(s.lag_histogram, 0.5), private.histogram_quantile(s.lag_histogram, 0.95), s.replayed, s.replayed_accepted
  from private.sum_activity(org_id, "from", "to", bucket, connection_ids, false) s
  order by s.bucket
  limit 10000;
end
$$;
comment on function public.ingest_timeseries(uuid, timestamptz, timestamptz, text, uuid[]) is
'Counts over time, at most 10000 buckets. bucket: minute, hour or day; empty buckets are left out. connection_ids: only those connections.';

create or replace function public.org_people(org_id uuid)
returns table (user_id uuid, email text, role text, created_at timestamptz)
language sql stable security invoker
set search_path = ''
as $$
  select p.user_id, p.email, p.role, p.created_at from private.find_org_people(org_people.org_id) p order by p.created_at, p.user_id limit 1000
$$;
comment on function public.org_people(uuid) is 'Calls private.find_org_people for the Data API. Oldest membership first, at most 1000 people.';

revoke execute on function public.connection_health(uuid, text, boolean, uuid[], uuid, integer), public.connection_sparklines(uuid, uuid[]) from public;
grant execute on function public.connection_health(uuid, text, boolean, uuid[], uuid, integer), public.connection_sparklines(uuid, uuid[]) to authenticated;

-- PostgREST applies this to every statement of a signed-in user. The API has its own limits for its sessions.
alter role authenticated set statement_timeout = '15s';
