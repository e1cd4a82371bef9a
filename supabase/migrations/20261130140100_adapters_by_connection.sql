-- `jq '.adapters["hotmart-main"]'` must find a connection, so the names of connections are the keys. Two orgs may use one name: the oldest connection
-- keeps it as its key, so that no org can take away the key by which operators watch the connection of another, and the other keys begin with the
-- slug of their org.
create or replace function private.adapter_lag(p_connections_max integer)
returns json
language sql
security definer
set search_path = ''
as $$
  with connections as (
    select c.id, c.org_id, c.name, c.type, c.is_active, c.created_at, c.last_event_at,
      extract(epoch from clock_timestamp() - c.last_event_at)::double precision as lag_seconds
    from public.source_connections c
    where c.deleted_at is null
  ), listed as (
    select * from connections order by is_active desc, last_event_at nulls last, id limit p_connections_max
  ), oldest as (
    select distinct on (c.name) c.name, c.id from connections c where c.name in (select l.name from listed l) order by c.name, c.created_at, c.id
  ), named as (
    select l.*, o.slug, case when l.id = f.id then l.name else o.slug || '/' || l.name end as adapter
    from listed l join public.orgs o on o.id = l.org_id join oldest f on f.name = l.name
  ), described as (
    select n.*, a.ingest_lag_seconds,
      -- Connections of one org may have one name in several projects, and a name may imitate the key that another connection has by its slug.
      case when row_number() over (partition by n.adapter order by n.adapter = n.name, n.created_at, n.id) = 1 then n.adapter else n.adapter || ' ' || n.id end as key
    from named n
    cross join lateral (
      select sum(a.lag_sum_ms)::double precision / 1000 / nullif(sum(a.accepted), 0) as ingest_lag_seconds
      from public.connection_activity a
      where a.org_id = n.org_id and a.source_connection_id = n.id and a.bucket >= date_trunc('minute', clock_timestamp() - interval '15 minutes')
        and not a.is_replay
    ) a
  )
  select json_build_object(
    'adapters', coalesce((
      select json_object_agg(d.key, json_build_object('id', d.id, 'org', d.slug, 'source', d.type, 'is_active', d.is_active,
        'last_event_at', d.last_event_at, 'lag_seconds', d.lag_seconds, 'ingest_lag_seconds', d.ingest_lag_seconds) order by d.lag_seconds desc nulls last)
      from described d), '{}'),
    'sources', coalesce((
      select json_object_agg(s.type, json_build_object('lag_seconds', s.lag_seconds, 'active_connections', s.active_connections) order by s.type)
      from (select c.type, count(*) as active_connections, min(c.lag_seconds) as lag_seconds from connections c where c.is_active group by c.type) s), '{}'))
$$;
comment on function private.adapter_lag(integer) is 'How far each connection is behind, by its name, active ones and the largest lag first, and each source as a whole. The lag is the age of the
newest event; the ingest lag is the mean time from event to commit over the last 15 minutes (of live traffic, not of replays).';
