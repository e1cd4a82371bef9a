-- One cause is one incident. An incident has a list of connections, and of each connection one condition at a time: a connection that has stopped
-- is silent and its newest event grows old, which is one fault and not two.

create function private.alert_family(p_kind text)
returns text
language sql immutable
set search_path = ''
as $$
  select case p_kind
    when 'ConnectionSilent' then 'traffic'
    when 'ConnectionLag' then 'traffic'
    when 'IngestDLQRateHigh' then 'failures'
    when 'IngestDLQSpike' then 'failures'
    when 'IngestLagHigh' then 'lag'
    when 'DuplicateRateHigh' then 'duplicates'
    when 'RejectedRateHigh' then 'rejections'
    else p_kind end
$$;
comment on function private.alert_family(text) is
'The kinds of alerts that show the same fault. A connection is in one open incident of each family, which has the kind of the gravest condition.';

create function private.is_alert_suppressed(p_kind text, p_by text)
returns boolean
language sql immutable
set search_path = ''
as $$
  select case p_kind
    when 'ConnectionLag' then p_by in ('IngestLagHigh', 'IngestDLQRateHigh', 'RejectedRateHigh')
    when 'ConnectionSilent' then p_by = 'RejectedRateHigh'
    else false end
$$;
comment on function private.is_alert_suppressed(text, text) is
'Whether a condition only repeats another one of the same connection: when deliveries are rejected, become dead letters or are stored late, the newest
event grows old as well, and nothing new would be learned from a second incident.';

create table public.alert_incident_connections (
  org_id uuid not null,
  incident_id uuid not null,
  source_connection_id uuid not null,
  kind text not null,
  level text not null check (level in ('info', 'warning', 'critical')),
  value double precision not null,
  threshold double precision not null,
  joined_at timestamptz not null,
  last_seen_at timestamptz not null,    -- when the condition was last met
  clear_since timestamptz,              -- since when the condition has not been met
  left_at timestamptz,
  resolution text check (resolution in ('recovered', 'no_traffic', 'not_watched', 'by_person')),
  primary key (incident_id, source_connection_id),
  foreign key (org_id, incident_id) references public.alert_incidents (org_id, id) on delete cascade,
  foreign key (org_id, source_connection_id) references public.source_connections (org_id, id) on delete cascade,
  check ((left_at is null) = (resolution is null))
) with (fillfactor = 80);
comment on table public.alert_incident_connections is
'The connections of an incident, each with its condition. A connection leaves when its condition has been absent for as long as the rule says, and the
incident is resolved when all of them have left.';
-- Allows one open condition of a family and connection, even if two passes evaluate at once.
create unique index alert_incident_connections_open_key on public.alert_incident_connections (source_connection_id, private.alert_family(kind))
  where left_at is null;
create index alert_incident_connections_open_idx on public.alert_incident_connections (org_id, source_connection_id) where left_at is null;
create index alert_incident_connections_connection_idx on public.alert_incident_connections (org_id, source_connection_id, joined_at desc);
create index alert_incident_connections_incident_idx on public.alert_incident_connections (org_id, incident_id);

grant select on public.alert_incident_connections to authenticated;
alter table public.alert_incident_connections enable row level security;
create policy alert_incident_connections_select on public.alert_incident_connections for select to authenticated
  using (org_id = any (array(select private.my_orgs())));

-- Of two open incidents of a connection that show the same fault, the graver one keeps the connection. The other one has none and is resolved by
-- the next pass.
insert into public.alert_incident_connections (org_id, incident_id, source_connection_id, kind, level, value, threshold, joined_at, last_seen_at,
  clear_since, left_at, resolution)
select i.org_id, i.id, i.source_connection_id, i.kind, i.level, i.value, i.threshold, i.opened_at, i.last_seen_at, i.clear_since,
  case when i.place = 1 then i.resolved_at else coalesce(i.resolved_at, now()) end, case when i.place = 1 then i.resolution else coalesce(i.resolution, 'recovered') end
from (
  select o.*, row_number() over (
    partition by o.source_connection_id, private.alert_family(o.kind), o.status = 'resolved'
    order by private.alert_rank(o.level) desc, o.opened_at) as place
  from public.alert_incidents o where o.status <> 'resolved'
  union all
  select o.*, 1 from public.alert_incidents o where o.status = 'resolved'
) i
on conflict do nothing;

drop index public.alert_incidents_open_key;
alter table public.alert_incidents drop column clear_since;
alter table public.alert_incidents add column connections integer not null default 1 check (connections >= 1);
comment on column public.alert_incidents.connections is 'How many connections the incident has or had.';
comment on table public.alert_incidents is
'An incident: the condition of a rule is or was met on some connections of an org, for one cause. source_connection_id, kind, value, threshold and
message are those of the connection that is worst off.';

create function private.add_first_connection()
returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  insert into public.alert_incident_connections (org_id, incident_id, source_connection_id, kind, level, value, threshold, joined_at, last_seen_at,
    left_at, resolution)
  values (new.org_id, new.id, new.source_connection_id, new.kind, new.level, new.value, new.threshold, new.opened_at, new.last_seen_at, new.resolved_at,
    new.resolution)
  on conflict (incident_id, source_connection_id) do nothing;
  return null;
end
$$;
comment on function private.add_first_connection() is 'Trigger function: every incident has the connection that it was opened for.';
create trigger add_first_connection after insert on public.alert_incidents for each row execute function private.add_first_connection();

create type private.alert_condition as (
  incident_id uuid, org_id uuid, kind text, source_connection_id uuid, value double precision, threshold double precision, level text, shown_level text,
  holds boolean, message text, renotify_minutes integer, cause text
);
comment on type private.alert_condition is 'The condition of one rule on one connection, as private.measure_alerts measured it.';

drop function private.measure_alerts(uuid[], timestamptz, timestamptz);
create function private.measure_alerts(p_orgs uuid[], p_now timestamptz, p_watching_since timestamptz)
returns setof private.alert_condition
language plpgsql stable
set search_path = ''
set plan_cache_mode = 'force_custom_plan'
as $$
#variable_conflict use_column
begin
  return query
  with rules as (
    select r.org_id, r.kind, r.renotify_minutes, (r.thresholds ->> 'windowMinutes')::numeric::integer as window_minutes,
      (r.thresholds ->> 'minRecords')::numeric::bigint as min_records, (r.thresholds ->> 'info')::double precision as info,
      (r.thresholds ->> 'warning')::double precision as warning, (r.thresholds ->> 'critical')::double precision as critical
    from public.alert_rules r where r.enabled and r.org_id = any (p_orgs)
  ), arrivals as materialized (
    select * from private.connection_arrivals(p_now, p_orgs)
  ), members as materialized (
    select i.incident_id, i.source_connection_id, i.kind, private.alert_family(i.kind) as family
    from public.alert_incident_connections i where i.left_at is null and i.org_id = any (p_orgs)
  ), recent as materialized (
    select m.org_id, m.source_connection_id, m.bucket, m.received, m.duplicates, m.dead_lettered, m.rejected, m.lag_histogram
    from arrivals a
    join public.activity_minutes m on m.org_id = a.org_id and m.source_connection_id = a.source_connection_id
      and m.bucket >= date_trunc('minute', p_now) - interval '60 minutes' and m.bucket <= p_now
  ), counted as (
    select r.org_id, r.kind, r.min_records, m.source_connection_id, sum(m.received) as received, sum(m.duplicates) as duplicates,
      sum(m.dead_lettered) as dead_lettered, sum(m.rejected) as rejected,
      array[coalesce(sum(m.lag_histogram[1]), 0), coalesce(sum(m.lag_histogram[2]), 0), coalesce(sum(m.lag_histogram[3]), 0),
        coalesce(sum(m.lag_histogram[4]), 0), coalesce(sum(m.lag_histogram[5]), 0), coalesce(sum(m.lag_histogram[6]), 0),
        coalesce(sum(m.lag_histogram[7]), 0), coalesce(sum(m.lag_histogram[8]), 0), coalesce(sum(m.lag_histogram[9]), 0),
        coalesce(sum(m.lag_histogram[10]), 0), coalesce(sum(m.lag_histogram[11]), 0), coalesce(sum(m.lag_histogram[12]), 0)]::numeric[] as lags
    from rules r
    -- Whole minutes, and the current minute.
    join recent m on m.org_id = r.org_id and m.bucket >= date_trunc('minute', p_now) - make_interval(mins => r.window_minutes)
    group by r.org_id, r.kind, r.min_records, m.source_connection_id
  ), measured as (
    -- Rejected deliveries are counted as deliveries and not as records, so they have a separate rate.
    select c.org_id, c.kind, c.source_connection_id, 0::double precision as allowance,
      case c.kind
        when 'IngestLagHigh' then private.histogram_quantile(c.lags, 0.95)
        when 'IngestDLQRateHigh' then c.dead_lettered::double precision / (c.received - c.rejected)
        when 'IngestDLQSpike' then c.dead_lettered
        when 'DuplicateRateHigh' then c.duplicates::double precision / (c.received - c.rejected)
        when 'RejectedRateHigh' then c.rejected::double precision / c.received end as value
    from counted c
    where c.min_records <= case c.kind
      when 'IngestLagHigh' then (select sum(n) from unnest(c.lags) n)
      when 'RejectedRateHigh' then c.received
      else c.received - c.rejected end
    union all
    -- A silence of 1.5 times the rhythm is allowed; without a rhythm no event is expected. A pause of the evaluation, a change of the
    -- connection and the time before them do not count against a connection, unless its incident is open already.
    select a.org_id, r.kind, a.source_connection_id,
      case when y.active_minutes >= r.min_records and (y.learned_at >= a.last_at or y.learned_at >= p_now - interval '1 hour')
        then y.expected_gap_seconds * 1.5 else 'infinity' end,
      extract(epoch from p_now - greatest(
        case r.kind when 'ConnectionSilent' then a.last_at else least(a.last_event_at, a.last_at) end,
        case when i.incident_id is null then greatest(p_watching_since, a.changed_at) end))
    from arrivals a
    join rules r on r.org_id = a.org_id and r.window_minutes is null
    left join private.connection_rhythm y on y.org_id = a.org_id and y.source_connection_id = a.source_connection_id
    left join members i on i.source_connection_id = a.source_connection_id and i.kind = r.kind
    where a.last_at is not null and (r.kind = 'ConnectionSilent' or a.last_event_at is not null)
  )
  select i.incident_id, m.org_id, m.kind, m.source_connection_id, m.value, t.threshold, v.level,
    coalesce(v.level, case when r.info is not null then 'info' when r.warning is not null then 'warning' else 'critical' end),
    -- An open incident continues until the value is well below the lowest threshold.
    m.value > 0.8 * greatest(coalesce(r.info, r.warning, r.critical), m.allowance),
    private.alert_message(m.kind, c.name, m.value, t.threshold, r.window_minutes), r.renotify_minutes,
    -- A stop of traffic or a lag can concern every connection of an org. Records fail and are rejected because of one platform.
    case when private.alert_family(m.kind) in ('traffic', 'lag') then '' else c.type end
  from measured m
  join rules r on r.org_id = m.org_id and r.kind = m.kind
  join public.source_connections c on c.id = m.source_connection_id
  left join members i on i.source_connection_id = m.source_connection_id and i.family = private.alert_family(m.kind)
  cross join lateral (select case
    when m.value > greatest(r.critical, m.allowance) and r.critical is not null then 'critical'
    when m.value > greatest(r.warning, m.allowance) and r.warning is not null then 'warning'
    when m.value > greatest(r.info, m.allowance) and r.info is not null then 'info' end as level) v
  cross join lateral (select greatest(case v.level when 'critical' then r.critical when 'warning' then r.warning when 'info' then r.info
    else coalesce(r.info, r.warning, r.critical) end, m.allowance) as threshold) t
  where v.level is not null or i.incident_id is not null;
end
$$;
comment on function private.measure_alerts(uuid[], timestamptz, timestamptz) is
'Measures every rule of some orgs on every connection. Returns a row when a value exceeds a threshold or the connection is in an open incident of the
same family: level is that of the highest exceeded threshold (null when no threshold is exceeded), holds says whether an open incident continues, cause
what connections of one incident have in common. A connection without a value at this time has no row.';

create function private.conditions_of_incidents(p_measured private.alert_condition[])
returns setof private.alert_condition
language sql stable
set search_path = ''
as $$
  select distinct on (m.source_connection_id, private.alert_family(m.kind)) m.*
  from unnest(p_measured) m
  where m.incident_id is not null or not exists (
    select from unnest(p_measured) s
    where s.source_connection_id = m.source_connection_id and private.is_alert_suppressed(m.kind, s.kind) and (s.level is not null or s.holds)
      and private.alert_rank(s.shown_level) >= private.alert_rank(m.level))
  order by m.source_connection_id, private.alert_family(m.kind), private.alert_rank(m.level) desc nulls last, m.holds desc,
    m.kind = 'ConnectionSilent' desc, m.kind
$$;
comment on function private.conditions_of_incidents(private.alert_condition[]) is
'Of everything that was measured, the gravest condition of each connection and family. A condition that only repeats another one opens no incident.';

create function private.join_incidents(p_conditions private.alert_condition[], p_now timestamptz, out opened uuid[], out joined uuid[])
language sql volatile
set search_path = ''
as $$
  with fresh as (
    select c.*, private.alert_family(c.kind) as family from unnest(p_conditions) c
    where c.incident_id is null and c.level is not null
      -- A person who has resolved the last incident knows about the condition, so no new incident opens for half an hour.
      and not exists (
        select from public.alert_incident_connections m join public.alert_incidents p on p.org_id = m.org_id and p.id = m.incident_id
        where m.org_id = c.org_id and m.source_connection_id = c.source_connection_id and private.alert_family(m.kind) = private.alert_family(c.kind)
          and p.resolution = 'by_person' and p.resolved_at > p_now - interval '30 minutes')
  ), open as (
    -- A person who has acknowledged an incident an hour ago or earlier would not learn of a new connection.
    select distinct on (i.org_id, private.alert_family(i.kind), f.cause) i.id, i.org_id, private.alert_family(i.kind) as family, f.cause
    from public.alert_incidents i
    join public.source_connections s on s.id = i.source_connection_id
    join (select distinct org_id, family, cause from fresh) f
      on f.org_id = i.org_id and f.family = private.alert_family(i.kind) and f.cause in ('', s.type)
    where i.status <> 'resolved' and (i.status = 'open' or i.opened_at > p_now - interval '1 hour')
    order by i.org_id, private.alert_family(i.kind), f.cause, i.opened_at desc
  ), made as (
    insert into public.alert_incidents (org_id, kind, source_connection_id, level, peak_level, value, threshold, message, opened_at, last_seen_at, last_notified_at)
    select distinct on (f.org_id, f.family, f.cause) f.org_id, f.kind, f.source_connection_id, f.level, f.level, f.value, f.threshold, f.message, p_now, p_now, p_now
    from fresh f
    where not exists (select from open o where o.org_id = f.org_id and o.family = f.family and o.cause = f.cause)
    order by f.org_id, f.family, f.cause, private.alert_rank(f.level) desc, f.value desc, f.source_connection_id
    returning id, org_id, kind, source_connection_id
  ), target as (
    select o.id, o.org_id, o.family, o.cause from open o
    union all
    select m.id, m.org_id, private.alert_family(m.kind), f.cause
    from made m join fresh f on f.source_connection_id = m.source_connection_id and f.kind = m.kind
  ), added as (
    insert into public.alert_incident_connections as kept (org_id, incident_id, source_connection_id, kind, level, value, threshold, joined_at, last_seen_at)
    select f.org_id, t.id, f.source_connection_id, f.kind, f.level, f.value, f.threshold, p_now, p_now
    from fresh f join target t on t.org_id = f.org_id and t.family = f.family and t.cause = f.cause
    -- A connection that had recovered joins its incident again.
    on conflict (incident_id, source_connection_id) do update
    set kind = excluded.kind, level = excluded.level, value = excluded.value, threshold = excluded.threshold, last_seen_at = excluded.last_seen_at,
      clear_since = null, left_at = null, resolution = null
    returning kept.incident_id
  )
  select array(select id from made), array(select distinct a.incident_id from added a join open o on o.id = a.incident_id)
$$;
comment on function private.join_incidents(private.alert_condition[], timestamptz) is
'Adds every connection with a new condition to the open incident of the same cause, or opens an incident for all connections of a cause together.
Returns the incidents that opened, and the open ones that connections joined.';

create or replace function private.evaluate_alerts_of(p_orgs uuid[], p_now timestamptz, p_watching_since timestamptz,
  out opened integer, out escalated integer, out reminded integer, out resolved integer, out notifications integer)
language plpgsql volatile
set search_path = ''
set plan_cache_mode = 'force_custom_plan'
as $$
declare
  v_conditions private.alert_condition[];
  v_joined record;
  v_escalated uuid[];
  v_reminded uuid[];
  v_resolved uuid[];
begin
  -- Passes over the same org wait for each other.
  perform from private.alert_turns where org_id = any (p_orgs) order by org_id for update;
  -- The incidents are locked before the rules are measured: the pass waits for a person who is acknowledging or resolving an incident, and sees
  -- the change.
  perform from public.alert_incidents where status <> 'resolved' and org_id = any (p_orgs) for update;
  v_conditions := array(select m from private.measure_alerts(p_orgs, p_now, p_watching_since) m);
  v_conditions := array(select c from private.conditions_of_incidents(v_conditions) c);
  if v_conditions = '{}' and not exists (select from public.alert_incidents i where i.status <> 'resolved' and i.org_id = any (p_orgs)) then
    opened := 0; escalated := 0; reminded := 0; resolved := 0; notifications := 0;
    return;
  end if;

  select * into v_joined from private.join_incidents(v_conditions, p_now);

  update public.alert_incident_connections m
  set kind = c.kind, level = c.shown_level, value = c.value, threshold = c.threshold, last_seen_at = p_now, clear_since = null
  from unnest(v_conditions) c
  where m.incident_id = c.incident_id and m.source_connection_id = c.source_connection_id and m.left_at is null and c.holds;

  update public.alert_incident_connections m
  set clear_since = case when g.is_over then m.clear_since else coalesce(m.clear_since, p_now) end, value = coalesce(g.value, m.value),
    left_at = case when g.is_over then p_now end, resolution = case when g.is_over then g.reason end
  from (
    select o.incident_id, o.source_connection_id, c.value,
      case when r.kind is null or s.id is null then 'not_watched' when c.value is null then 'no_traffic' else 'recovered' end as reason,
      r.kind is null or s.id is null or coalesce(o.clear_since, p_now) <= p_now - make_interval(mins => r.resolve_after_minutes) as is_over
    from public.alert_incident_connections o
    left join public.alert_rules r on r.org_id = o.org_id and r.kind = o.kind and r.enabled
    left join public.source_connections s on s.id = o.source_connection_id and s.is_active and s.deleted_at is null
    left join unnest(v_conditions) c on c.incident_id = o.incident_id and c.source_connection_id = o.source_connection_id
    where o.left_at is null and o.last_seen_at < p_now and o.org_id = any (p_orgs) and c.holds is not true
  ) g
  where m.incident_id = g.incident_id and m.source_connection_id = g.source_connection_id;

  -- An incident is as grave as its worst connection.
  with worst as (
    select i.id, w.*, private.alert_rank(w.level) > private.alert_rank(i.peak_level) as escalates,
      coalesce(i.status = 'open' and w.last_seen_at = p_now and i.last_notified_at <= p_now - case
        when i.id = any (v_joined.joined) then interval '1 hour' else make_interval(mins => c.renotify_minutes) end, false) as reminds,
      case when c.message is null then i.message else c.message || coalesce(format(' The incident also concerns %s.', n.others), '') end as message,
      n.connections, n.resolution
    from public.alert_incidents i
    left join lateral (
      select m.source_connection_id, m.kind, m.level, m.value, m.threshold, m.last_seen_at
      from public.alert_incident_connections m where m.org_id = i.org_id and m.incident_id = i.id and m.left_at is null
      order by m.last_seen_at desc, private.alert_rank(m.level) desc, m.kind = 'ConnectionSilent' desc, m.value desc, m.source_connection_id limit 1) w on true
    left join unnest(v_conditions) c on c.source_connection_id = w.source_connection_id and c.kind = w.kind
    left join lateral (
      select count(*)::integer as connections,
        string_agg(s.name, ', ' order by s.name) filter (where m.left_at is null and m.source_connection_id <> w.source_connection_id and m.place <= 6)
          || case when count(*) filter (where m.left_at is null) > 6 then format(' and %s more', count(*) filter (where m.left_at is null) - 6) else '' end as others,
        case when bool_or(m.resolution = 'recovered') then 'recovered' when bool_or(m.resolution = 'no_traffic') then 'no_traffic' else 'not_watched' end as resolution
      from (
        select m.*, row_number() over (order by m.left_at nulls first, m.source_connection_id = w.source_connection_id desc, m.joined_at, m.source_connection_id) as place
        from public.alert_incident_connections m where m.org_id = i.org_id and m.incident_id = i.id) m
      left join public.source_connections s on s.id = m.source_connection_id and m.place <= 6) n on true
    where i.status <> 'resolved' and i.org_id = any (p_orgs)
  ), changed as (
    update public.alert_incidents i
    set source_connection_id = coalesce(w.source_connection_id, i.source_connection_id), kind = coalesce(w.kind, i.kind), level = coalesce(w.level, i.level),
      value = coalesce(w.value, i.value), threshold = coalesce(w.threshold, i.threshold), message = w.message, connections = greatest(w.connections, 1),
      last_seen_at = coalesce(w.last_seen_at, i.last_seen_at), peak_level = case when w.escalates then w.level else i.peak_level end,
      last_notified_at = case when w.escalates or w.reminds then p_now else i.last_notified_at end,
      reminders = i.reminders + case when w.reminds and not w.escalates then 1 else 0 end,
      status = case when w.source_connection_id is null then 'resolved' else i.status end,
      resolved_at = case when w.source_connection_id is null then p_now end,
      resolution = case when w.source_connection_id is null then w.resolution end
    from worst w where i.id = w.id
    returning i.id, i.status, coalesce(w.escalates, false) as escalates, w.reminds
  )
  select array(select id from changed where escalates), array(select id from changed where reminds and not escalates),
    array(select id from changed where status = 'resolved')
  into v_escalated, v_reminded, v_resolved;

  opened := cardinality(v_joined.opened);
  escalated := cardinality(v_escalated);
  reminded := cardinality(v_reminded);
  resolved := cardinality(v_resolved);
  notifications := private.queue_alert_notifications(v_joined.opened, 'opened', p_now) + private.queue_alert_notifications(v_escalated, 'escalated', p_now)
    + private.queue_alert_notifications(v_reminded, 'reminder', p_now) + private.queue_alert_notifications(v_resolved, 'resolved', p_now);
end
$$;
comment on function private.evaluate_alerts_of(uuid[], timestamptz, timestamptz) is
'The pass over some orgs: opens, escalates and resolves incidents and reminds people of them, according to the result of private.measure_alerts,
and queues the notifications. One cause notifies once; connections that join an incident an hour after its last notification are told by a reminder.';

create or replace function private.change_alert_incident(p_id uuid, p_status text)
returns boolean
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_incident public.alert_incidents;
  v_now timestamptz := clock_timestamp();
begin
  select * into v_incident from public.alert_incidents where id = p_id for update;
  if v_incident.id is null or v_incident.org_id <> all (array(select private.my_orgs())) then
    return false;
  end if;
  perform private.require_admin(v_incident.org_id);
  if v_incident.status = 'open' and p_status = 'acknowledged' then
    update public.alert_incidents set status = 'acknowledged', acknowledged_at = v_now, acknowledged_by = auth.uid() where id = p_id;
  elsif v_incident.status <> 'resolved' and p_status = 'resolved' then
    update public.alert_incidents set status = 'resolved', resolved_at = v_now, resolved_by = auth.uid(), resolution = 'by_person' where id = p_id;
    update public.alert_incident_connections set left_at = v_now, resolution = 'by_person' where incident_id = p_id and left_at is null;
  else
    return true;
  end if;
  perform private.queue_alert_notifications(array[p_id], p_status, v_now);
  return true;
end
$$;

drop function private.claim_alert_notifications(integer, integer, timestamptz);
create function private.claim_alert_notifications(p_limit integer, p_lease_seconds integer, p_now timestamptz default clock_timestamp())
returns table (
  id uuid, attempts integer, kind text, level text, value double precision, threshold double precision, message text, created_at timestamptz,
  org_id uuid, org_name text, incident_id uuid, rule text, opened_at timestamptz, actor_email text,
  connection_id uuid, connection_name text, source_type text, connections integer, channel_id uuid, channel_type text, sealed bytea
)
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_orgs uuid[];
begin
  v_orgs := array(select t.org_id from private.orgs_in_turn('alert_notifications', p_limit) t);
  update public.alert_notifications n
  set status = 'canceled', settled_at = p_now, last_error = 'the channel was disabled or deleted'
  where n.status = 'pending' and n.id in (
    select d.id from public.alert_channels c
    cross join lateral (
      select p.id from public.alert_notifications p
      where p.org_id = c.org_id and p.channel_id = c.id and p.status = 'pending' order by p.seq limit 200) d
    where c.org_id = any (v_orgs) and not c.is_enabled limit 2000);

  return query
  with due as (
    select d.id
    from unnest(v_orgs) o (org_id) cross join lateral (
      select n.id, row_number() over (order by n.place, n.seq) as turn
      from public.alert_channels c
      cross join lateral (
        select p.id, p.seq, row_number() over (order by p.seq) as place
        from (
          select * from public.alert_notifications w
          where w.org_id = c.org_id and w.channel_id = c.id and w.status = 'pending' order by w.seq limit 100) p
        where p.next_attempt_at <= p_now and not exists (
          select from public.alert_notifications e
          where e.org_id = p.org_id and e.incident_id = p.incident_id and e.channel_id = p.channel_id and e.status = 'pending' and e.seq < p.seq)
        order by p.seq limit 4
      ) n
      where c.org_id = o.org_id and c.is_enabled
      order by turn limit p_limit
    ) d
    order by d.turn limit p_limit
  ), locked as (
    select n.id from public.alert_notifications n
    where n.id in (select due.id from due) and n.status = 'pending' and n.next_attempt_at <= p_now
    for update skip locked
  ), claimed as (
    update public.alert_notifications n
    set attempts = n.attempts + 1, next_attempt_at = p_now + make_interval(secs => p_lease_seconds)
    from locked where n.id = locked.id
    returning n.*
  )
  select n.id, n.attempts, n.kind, n.level, n.value, n.threshold, n.message, n.created_at, n.org_id, o.name, n.incident_id, i.kind, i.opened_at,
    (select u.email::text from auth.users u where u.id = case n.kind when 'acknowledged' then i.acknowledged_by when 'resolved' then i.resolved_by end),
    i.source_connection_id, s.name, s.type, i.connections, c.id, c.type, k.sealed
  from claimed n
  join public.orgs o on o.id = n.org_id
  join public.alert_incidents i on i.id = n.incident_id
  join public.source_connections s on s.id = i.source_connection_id
  join public.alert_channels c on c.id = n.channel_id
  left join private.alert_channel_secrets k on k.org_id = n.org_id and k.channel_id = n.channel_id
  order by n.seq;
end
$$;
comment on function private.claim_alert_notifications(integer, integer, timestamptz) is
'Claims the notifications that are due, each for p_lease_seconds: when an instance dies, another one sends them. The notifications of an incident
over a channel are sent in order, and a channel takes at most four places of a claim. Orgs take turns (private.orgs_in_turn): otherwise fifty
receivers of one org that never answer would fill one claim after the other, and every other org would wait until they time out. Of a channel only
the hundred oldest notifications are looked at, so that a claim takes the same time however many wait.';
revoke execute on function private.claim_alert_notifications(integer, integer, timestamptz) from public;
grant execute on function private.claim_alert_notifications(integer, integer, timestamptz) to worker;
