-- One verdict for each connection, computed here and shown everywhere: dashboard, API, command line and health. It is SQL because the dashboard reads
-- connections through the Data API without our server, and because the secrets, the rules and what the alerts measured are in the database.

create table private.required_secrets (
  source_type text not null,
  name text not null,
  primary key (source_type, name)
);
comment on table private.required_secrets is
'The secrets without which a source rejects every delivery. The registry of sources is code, so every process of the server writes the list at its start.';
alter table private.required_secrets enable row level security;

create function private.set_required_secrets(p_secrets jsonb)
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  insert into private.required_secrets (source_type, name)
  select s.source_type, s.name from jsonb_to_recordset(p_secrets) as s (source_type text, name text) order by 1, 2
  on conflict do nothing;
  delete from private.required_secrets r
  where not exists (select from jsonb_to_recordset(p_secrets) as s (source_type text, name text) where s.source_type = r.source_type and s.name = r.name);
end
$$;
comment on function private.set_required_secrets(jsonb) is 'Replaces the list of required secrets by [{"source_type", "name"}].';

create function private.connection_verdicts(p_connections uuid[])
returns table (source_connection_id uuid, verdict text, reason text, level text, since timestamptz)
language sql stable security definer
set search_path = ''
as $$
  select c.id, v.verdict, v.reason, v.level, v.since
  from public.source_connections c
  join public.orgs o on o.id = c.org_id
  left join public.org_deletions d on d.org_id = c.org_id and d.status <> 'done'
  left join lateral (
    select r.name from private.required_secrets r
    where r.source_type = c.type and not exists (
      select from private.connection_secrets s
      where s.org_id = c.org_id and s.source_connection_id = c.id and s.name = r.name and (s.expires_at is null or s.expires_at > now()))
    order by r.name limit 1) missing on true
  left join lateral (
    select m.kind, m.level, m.joined_at, case
      when m.kind in ('RejectedRateHigh', 'IngestDLQRateHigh', 'IngestDLQSpike') and m.level <> 'info' then 'failing'
      when m.kind = 'ConnectionSilent' then 'silent'
      when m.kind in ('ConnectionLag', 'IngestLagHigh') then 'late' end as verdict
    from public.alert_incident_connections m
    join public.alert_incidents i on i.org_id = m.org_id and i.id = m.incident_id
    where m.org_id = c.org_id and m.source_connection_id = c.id and m.kind <> 'DuplicateRateHigh'
      -- A person who resolves an incident does not make the connection send. The alerts look again after half an hour.
      and (m.left_at is null or m.resolution = 'by_person' and i.resolved_at > now() - interval '30 minutes'
        and coalesce(c.last_event_at, '-infinity') < i.resolved_at)
    order by array_position('{failing,silent,late}', case
      when m.kind in ('RejectedRateHigh', 'IngestDLQRateHigh', 'IngestDLQSpike') and m.level <> 'info' then 'failing'
      when m.kind = 'ConnectionSilent' then 'silent'
      when m.kind in ('ConnectionLag', 'IngestLagHigh') then 'late' end), m.joined_at
    limit 1) met on true
  cross join lateral (
    select * from (values
      (1, case when not c.is_active or c.suspended_reason is not null or o.suspended_at is not null or d.org_id is not null then 'paused' end,
        case when d.org_id is not null then 'org_deletion' when o.suspended_at is not null then 'org_suspended'
          when c.suspended_reason is not null then 'suspended' else 'by_person' end,
        'warning', coalesce(d.requested_at, o.suspended_at, c.updated_at)),
      (2, case when missing.name is not null then 'needs_secret' end, missing.name, 'critical', c.created_at),
      (3, met.verdict, met.kind, met.level, met.joined_at),
      -- Before its first event a connection has too few deliveries for a rule.
      (4, case when c.last_event_at is null then coalesce((
          select 'failing' from public.connection_activity a
          where a.org_id = c.org_id and a.source_connection_id = c.id and a.bucket > now() - interval '24 hours' and a.rejected + a.dead_lettered > 0
            and not a.is_replay limit 1), 'waiting') end,
        'first_event', 'info', c.created_at),
      (5, 'ok', null, null, c.last_event_at)
    ) as rules (place, verdict, reason, level, since)
    where rules.verdict is not null order by rules.place limit 1) v
  where c.id = any (p_connections) and c.deleted_at is null
$$;
comment on function private.connection_verdicts(uuid[]) is
'The verdict of each connection: paused (its deliveries are refused because somebody wants that), needs_secret (they are rejected until the secret is set),
failing, silent or late (as the rules of the org say, by what the alerts measured last), waiting (no event of the platform yet) or ok. The first of these
that applies counts. reason: who paused it, the missing secret, or the kind of the alert. level: that of the alert.';

create function private.my_connection_verdicts(p_connections uuid[])
returns table (source_connection_id uuid, verdict text, reason text, level text, since timestamptz)
language sql stable security definer
set search_path = ''
as $$
  select v.* from private.connection_verdicts(array(
    select c.id from public.source_connections c where c.id = any (p_connections) and c.org_id = any (array(select private.my_orgs())))) v
$$;
comment on function private.my_connection_verdicts(uuid[]) is 'The verdicts of connections of the caller''s orgs.';

drop function public.connection_health(uuid, text, boolean, uuid[], uuid, integer);
create function public.connection_health(
  org_id uuid, search text default null, active boolean default null, ids uuid[] default null, after uuid default null,
  page_limit integer default 1000, verdicts text[] default null
)
returns table (
  source_connection_id uuid, name text, type text, is_active boolean, verdict text, verdict_reason text, verdict_level text, verdict_since timestamptz,
  last_event_at timestamptz, freshness_seconds double precision,
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
      and (verdicts is null or c.id in (
        select v.source_connection_id
        from private.my_connection_verdicts(array(
          select a.id from public.source_connections a where a.org_id = connection_health.org_id and a.deleted_at is null)) v
        where v.verdict = any (verdicts)))
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
  ), seen as (
    -- The newest activity is not rolled up yet. Where it may be that of a test, the rollups are asked.
    select p.id, case when exists (
        select from public.connection_activity t
        where t.org_id = connection_health.org_id and t.source_connection_id = p.id and t.bucket > now() - interval '24 hours' and t.tests > 0)
      then p.last_event_at else greatest(p.last_event_at, a.last_event_time) end as last_event_at
    from page p left join activity a on a.source_connection_id = p.id
  )
  select c.id, c.name, c.type, c.is_active, v.verdict, v.reason, v.level, v.since, l.last_event_at,
    extract(epoch from now() - l.last_event_at)::double precision,
    coalesce(a.received, 0), coalesce(a.accepted, 0), coalesce(a.duplicates, 0), coalesce(a.dead_lettered, 0), coalesce(a.rejected, 0),
    a.dead_lettered::double precision / nullif(a.received - a.rejected, 0),
    private.histogram_quantile(a.lags, 0.5), private.histogram_quantile(a.lags, 0.95),
    coalesce(a.replayed, 0), coalesce(a.replayed_accepted, 0)
  from page c
  join seen l on l.id = c.id
  left join activity a on a.source_connection_id = c.id
  left join private.my_connection_verdicts(array(select p.id from page p)) v on v.source_connection_id = c.id
  order by lower(c.name), c.id
$$;
comment on function public.connection_health(uuid, text, boolean, uuid[], uuid, integer, text[]) is
'The verdict of connections, and their freshness and failure rate over the last 24 hours, by name: at most 1000, after the connection `after`. search: a
part of the name or type. verdicts: only connections with one of these. Rates and lag are those of live traffic; tests do not make a connection fresh.';

revoke execute on function public.connection_health(uuid, text, boolean, uuid[], uuid, integer, text[]) from public;
grant execute on function public.connection_health(uuid, text, boolean, uuid[], uuid, integer, text[]), private.my_connection_verdicts(uuid[]) to authenticated;
grant execute on function private.connection_verdicts(uuid[]), private.set_required_secrets(jsonb) to worker;
