-- The evaluation of alerts: one set-based pass over every org.

create table private.alert_clock (
  id boolean primary key default true check (id),
  evaluated_at timestamptz not null,
  watching_since timestamptz not null
);
insert into private.alert_clock (evaluated_at, watching_since) values ('infinity', '-infinity');
comment on table private.alert_clock is
'When alerts were last evaluated, and since when without a break while deliveries were accepted and counted. For a time in which the installation
did not evaluate alerts, or refused deliveries, it cannot tell that a connection was silent.';

create table private.connection_rhythm (
  org_id uuid not null,
  source_connection_id uuid not null,
  learned_at timestamptz not null,
  active_minutes integer not null,   -- minutes with events in the last four weeks
  expected_gap_seconds double precision not null,
  primary key (org_id, source_connection_id),
  foreign key (org_id, source_connection_id) references public.source_connections (org_id, id) on delete cascade
);
comment on table private.connection_rhythm is
'How long a connection is usually silent at this time of day. It is learned when the connection has been silent for longer than its org''s rule
allows.';

create function private.format_duration(p_seconds double precision)
returns text
language sql immutable
set search_path = ''
as $$
  select case
    when p_seconds < 90 then round(p_seconds) || ' s'
    when p_seconds < 5400 then round(p_seconds / 60) || ' min'
    when p_seconds < 129600 then concat_ws(' ', floor(p_seconds / 3600) || ' h', nullif(floor(p_seconds::numeric % 3600 / 60), 0) || ' min')
    else concat_ws(' ', floor(p_seconds / 86400) || ' d', nullif(floor(p_seconds::numeric % 86400 / 3600), 0) || ' h') end
$$;
comment on function private.format_duration(double precision) is 'Writes a number of seconds as ''45 s'', ''12 min'', ''3 h 20 min'' or ''2 d 4 h''.';

create function private.format_share(p_share double precision)
returns text
language sql immutable
set search_path = ''
as $$ select trim_scale(round(p_share::numeric * 100, 2)) || ' %' $$;
comment on function private.format_share(double precision) is 'Writes a share as a percentage: ''12.5 %''.';

create function private.alert_message(p_kind text, p_name text, p_value double precision, p_threshold double precision, p_window integer)
returns text
language sql immutable
set search_path = ''
as $$
  select case p_kind
    when 'IngestLagHigh' then format('Events of %s arrive late: p95 lag %s over %s min (limit %s).', p_name, private.format_duration(p_value), p_window, private.format_duration(p_threshold))
    when 'ConnectionSilent' then format('%s has sent nothing for %s (limit %s).', p_name, private.format_duration(p_value), private.format_duration(p_threshold))
    when 'ConnectionLag' then format('The newest event of %s is %s old (limit %s).', p_name, private.format_duration(p_value), private.format_duration(p_threshold))
    when 'IngestDLQRateHigh' then format('%s of the records of %s became dead letters within %s min (limit %s).', private.format_share(p_value), p_name, p_window, private.format_share(p_threshold))
    when 'IngestDLQSpike' then format('%s records of %s became dead letters within %s min (limit %s).', p_value, p_name, p_window, p_threshold)
    when 'DuplicateRateHigh' then format('%s of the records of %s were duplicates within %s min (limit %s).', private.format_share(p_value), p_name, p_window, private.format_share(p_threshold))
    when 'RejectedRateHigh' then format('%s of the deliveries of %s were rejected within %s min (limit %s): check its secret.', private.format_share(p_value), p_name, p_window, private.format_share(p_threshold))
  end
$$;
comment on function private.alert_message(text, text, double precision, double precision, integer) is
'The sentence that says what is wrong with a connection.';

create function private.connection_arrivals(p_now timestamptz, p_orgs uuid[])
returns table (source_connection_id uuid, org_id uuid, last_at timestamptz, last_event_at timestamptz, changed_at timestamptz)
language sql stable
set search_path = ''
as $$
  select c.id, c.org_id, case when a.bucket is not null then least(a.bucket + interval '1 minute', p_now) end,
    case when c.last_event_at is not null then least(c.last_event_at, p_now) end, c.updated_at
  from public.source_connections c
  left join lateral (
    select m.bucket from public.activity_minutes m
    where m.org_id = c.org_id and m.source_connection_id = c.id and m.bucket > p_now - interval '28 days' and m.bucket <= p_now
      and m.accepted + m.duplicates + m.dead_lettered > 0
    order by m.bucket desc limit 1
  ) a on true
  where c.org_id = any (p_orgs) and c.is_active and c.deleted_at is null
$$;
comment on function private.connection_arrivals(timestamptz, uuid[]) is
'The last minute with live events of each active connection of these orgs, at most four weeks back; null when there were no live events. `case`
handles the nulls, because `least` ignores them: a connection that had never sent would seem to have sent just now. With `least`, a connection
whose only events came by a retry or a replay looked late, there was no minute to learn a rhythm from, and the row that could not be written ended
the pass over every org.';

create function private.learn_rhythms(p_now timestamptz, p_seconds double precision)
returns integer
language plpgsql volatile
set search_path = ''
as $$
declare
  v_end timestamptz := clock_timestamp() + make_interval(secs => p_seconds);
  v_wanted record;
  v_learned integer := 0;
begin
  for v_wanted in
    with rules as (
      select org_id, min(coalesce((thresholds ->> 'info')::double precision, (thresholds ->> 'warning')::double precision, (thresholds ->> 'critical')::double precision)) as least_seconds
      from public.alert_rules where enabled and kind in ('ConnectionSilent', 'ConnectionLag') group by org_id
    )
    select a.source_connection_id, a.org_id, a.last_at
    from private.connection_arrivals(p_now, array(select r.org_id from rules r)) a
    join rules r on r.org_id = a.org_id
    left join private.connection_rhythm y on y.org_id = a.org_id and y.source_connection_id = a.source_connection_id
    where a.last_at is not null
      and extract(epoch from p_now - least(a.last_at, a.last_event_at)) > r.least_seconds
      and (y.learned_at is null or y.learned_at < least(a.last_at, p_now - interval '1 hour') or y.learned_at > p_now)
    order by y.learned_at nulls first, a.last_at
  loop
    insert into private.connection_rhythm (source_connection_id, org_id, learned_at, active_minutes, expected_gap_seconds)
    select v_wanted.source_connection_id, v_wanted.org_id, p_now, sum(d.minutes),
      coalesce(case when count(d.near) >= 3 then percentile_disc(0.9) within group (order by d.near) end,
        percentile_disc(0.9) within group (order by d.any_time), 0)
    from (
      select count(*) as minutes, max(g.gap) as any_time, max(g.gap) filter (where mod(g.before, 86400) <= 14400) as near
      from (
        select extract(epoch from lead(m.bucket) over (order by m.bucket) - m.bucket)::double precision as gap,
          extract(epoch from v_wanted.last_at - m.bucket)::bigint + 7200 as before
        from public.activity_minutes m
        where m.org_id = v_wanted.org_id and m.source_connection_id = v_wanted.source_connection_id
          and m.bucket > p_now - interval '28 days' and m.bucket <= p_now and m.accepted + m.duplicates + m.dead_lettered > 0
      ) g
      group by g.before / 86400
    ) d
    on conflict (org_id, source_connection_id) do update
    set learned_at = excluded.learned_at, active_minutes = excluded.active_minutes, expected_gap_seconds = excluded.expected_gap_seconds;
    v_learned := v_learned + 1;
    exit when clock_timestamp() > v_end;
  end loop;
  return v_learned;
end
$$;
comment on function private.learn_rhythms(timestamptz, double precision) is
'Learns the rhythm of connections that look silent or late and whose rhythm was learned before their last event and more than an hour ago. Of each
of the last 28 days it takes the longest gap that began within two hours of the time of day at which the present gap began. The gap that is not
exceeded on nine days in ten is expected: a shop that closes at night, rests at weekends or sends twice a day does so every day or week, and a
single outage is not a rhythm. Days on which no gap began at that time of day do not count; when fewer than three such days are left, the longest
gap of each day counts. It handles one connection after the other, starting with the one whose rhythm is oldest, for at most p_seconds: a
connection that sends every minute has 40,000 rows to read.';

create function private.measure_alerts(p_orgs uuid[], p_now timestamptz, p_watching_since timestamptz)
returns table (
  incident_id uuid, org_id uuid, kind text, source_connection_id uuid, value double precision, threshold double precision, level text, shown_level text,
  holds boolean, message text, renotify_minutes integer
)
language plpgsql stable
set search_path = ''
-- The plan for unknown orgs would be made for ten of them.
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
  ), open_incidents as materialized (
    select i.id, i.source_connection_id, i.kind from public.alert_incidents i where i.status <> 'resolved' and i.org_id = any (p_orgs)
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
        case when i.id is null then greatest(p_watching_since, a.changed_at) end))
    from arrivals a
    join rules r on r.org_id = a.org_id and r.window_minutes is null
    left join private.connection_rhythm y on y.org_id = a.org_id and y.source_connection_id = a.source_connection_id
    left join open_incidents i on i.source_connection_id = a.source_connection_id and i.kind = r.kind
    where a.last_at is not null and (r.kind = 'ConnectionSilent' or a.last_event_at is not null)
  )
  select i.id, m.org_id, m.kind, m.source_connection_id, m.value, t.threshold, v.level,
    coalesce(v.level, case when r.info is not null then 'info' when r.warning is not null then 'warning' else 'critical' end),
    -- An open incident continues until the value is well below the lowest threshold.
    m.value > 0.8 * greatest(coalesce(r.info, r.warning, r.critical), m.allowance),
    private.alert_message(m.kind, c.name, m.value, t.threshold, r.window_minutes), r.renotify_minutes
  from measured m
  join rules r on r.org_id = m.org_id and r.kind = m.kind
  join public.source_connections c on c.id = m.source_connection_id
  left join open_incidents i on i.source_connection_id = m.source_connection_id and i.kind = m.kind
  cross join lateral (select case
    when m.value > greatest(r.critical, m.allowance) and r.critical is not null then 'critical'
    when m.value > greatest(r.warning, m.allowance) and r.warning is not null then 'warning'
    when m.value > greatest(r.info, m.allowance) and r.info is not null then 'info' end as level) v
  cross join lateral (select greatest(case v.level when 'critical' then r.critical when 'warning' then r.warning when 'info' then r.info
    else coalesce(r.info, r.warning, r.critical) end, m.allowance) as threshold) t
  where v.level is not null or i.id is not null;
end
$$;
comment on function private.measure_alerts(uuid[], timestamptz, timestamptz) is
'Measures every rule of some orgs on every connection. Returns a row when a value exceeds a threshold or an incident is open: level is that of the
highest exceeded threshold (null when no threshold is exceeded), holds says whether an open incident continues. A connection without a value at
this time has no row.';

create function private.evaluate_alerts_of(p_orgs uuid[], p_now timestamptz, p_watching_since timestamptz,
  out opened integer, out escalated integer, out reminded integer, out resolved integer, out notifications integer)
language plpgsql volatile
set search_path = ''
-- The plan for unknown orgs would be made for ten of them.
set plan_cache_mode = 'force_custom_plan'
as $$
declare
  v_opened uuid[];
  v_escalated uuid[];
  v_reminded uuid[];
  v_resolved uuid[];
begin
  -- The incidents are locked before the rules are measured: the pass waits for a person who is acknowledging or resolving an incident, and sees
  -- the change.
  perform from public.alert_incidents where status <> 'resolved' and org_id = any (p_orgs) for update;

  with measured as materialized (
    select * from private.measure_alerts(p_orgs, p_now, p_watching_since)
  ), opened as (
    insert into public.alert_incidents (org_id, kind, source_connection_id, level, peak_level, value, threshold, message, opened_at, last_seen_at, last_notified_at)
    select m.org_id, m.kind, m.source_connection_id, m.level, m.level, m.value, m.threshold, m.message, p_now, p_now, p_now
    from measured m
    where m.incident_id is null
      -- A person who has resolved the last incident knows about the condition, so no new incident opens for half an hour.
      and not exists (
        select from public.alert_incidents p
        where p.org_id = m.org_id and p.source_connection_id = m.source_connection_id and p.kind = m.kind
          and p.resolution = 'by_person' and p.resolved_at > p_now - interval '30 minutes')
    on conflict do nothing
    returning id
  ), held as (
    update public.alert_incidents i
    set level = h.shown_level, value = h.value, threshold = h.threshold, last_seen_at = p_now, clear_since = null, message = h.message,
      peak_level = case when h.escalates then h.level else i.peak_level end,
      last_notified_at = case when h.escalates or h.reminds then p_now else i.last_notified_at end,
      reminders = i.reminders + case when h.reminds then 1 else 0 end
    from (
      select m.*, coalesce(private.alert_rank(m.level) > private.alert_rank(o.peak_level), false) as escalates,
        coalesce(o.status = 'open' and o.last_notified_at <= p_now - make_interval(mins => m.renotify_minutes)
          and private.alert_rank(m.level) <= private.alert_rank(o.peak_level), false) as reminds
      from measured m join public.alert_incidents o on o.id = m.incident_id
      where m.holds
    ) h
    where i.id = h.incident_id
    returning i.id, h.escalates, h.reminds
  ), cleared as (
    update public.alert_incidents i
    set clear_since = case when g.is_over then i.clear_since else coalesce(i.clear_since, p_now) end,
      value = coalesce(g.value, i.value),
      status = case when g.is_over then 'resolved' else i.status end,
      resolved_at = case when g.is_over then p_now end,
      resolution = case when g.is_over then g.reason end
    from (
      select o.id, m.value,
        case when r.kind is null or c.id is null then 'not_watched' when m.value is null then 'no_traffic' else 'recovered' end as reason,
        r.kind is null or c.id is null or coalesce(o.clear_since, p_now) <= p_now - make_interval(mins => r.resolve_after_minutes) as is_over
      from public.alert_incidents o
      left join public.alert_rules r on r.org_id = o.org_id and r.kind = o.kind and r.enabled
      left join public.source_connections c on c.id = o.source_connection_id and c.is_active and c.deleted_at is null
      left join measured m on m.incident_id = o.id
      where o.status <> 'resolved' and o.org_id = any (p_orgs) and m.holds is not true
    ) g
    where i.id = g.id
    returning i.id, g.is_over
  )
  select (select array_agg(id) from opened), (select array_agg(id) from held where escalates), (select array_agg(id) from held where reminds),
    (select array_agg(id) from cleared where is_over)
  into v_opened, v_escalated, v_reminded, v_resolved;

  opened := coalesce(cardinality(v_opened), 0);
  escalated := coalesce(cardinality(v_escalated), 0);
  reminded := coalesce(cardinality(v_reminded), 0);
  resolved := coalesce(cardinality(v_resolved), 0);
  notifications := private.queue_alert_notifications(v_opened, 'opened', p_now) + private.queue_alert_notifications(v_escalated, 'escalated', p_now)
    + private.queue_alert_notifications(v_reminded, 'reminder', p_now) + private.queue_alert_notifications(v_resolved, 'resolved', p_now);
end
$$;
comment on function private.evaluate_alerts_of(uuid[], timestamptz, timestamptz) is
'The pass over some orgs: opens, escalates and resolves incidents and reminds people of them, according to the result of private.measure_alerts,
and queues the notifications.';

create function private.evaluate_alerts(p_now timestamptz default clock_timestamp())
returns table (opened integer, escalated integer, reminded integer, resolved integer, notifications integer, failures json)
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_watching_since timestamptz;
  v_orgs uuid[];
  -- The first and last index of each part of v_orgs.
  v_starts integer[];
  v_ends integer[];
  v_singles integer[];
  v_next integer := 1;
  v_pass record;
  v_failures jsonb := '[]';
begin
  if not pg_try_advisory_xact_lock(hashtext('tributary.alerts.evaluate')) then
    return;
  end if;
  update private.alert_clock
  set evaluated_at = p_now, watching_since = case
    when p_now - evaluated_at > interval '2 minutes' or private.activity_rolled_until() < p_now - interval '5 minutes' and isfinite(private.activity_rolled_until())
      or exists (select from private.flow_state where operator_mode in ('drain', 'paused'))
      -- The clock was ahead and has been set back.
      or watching_since > p_now then p_now
    else watching_since end
  returning watching_since into v_watching_since;

  perform private.learn_rhythms(p_now, 3);

  opened := 0; escalated := 0; reminded := 0; resolved := 0; notifications := 0;
  v_orgs := array(
    select org_id from public.alert_rules where enabled
    union select org_id from public.alert_incidents where status <> 'resolved'
    order by org_id);
  -- Each part is a subtransaction. Postgres keeps at most 64 subtransactions of a session in shared memory; more would slow down every session.
  select array_agg(s order by s), array_agg(least(s + p.size - 1, cardinality(v_orgs)) order by s) into v_starts, v_ends
  from (select greatest(50, cardinality(v_orgs) / 40 + 1) as size) p, generate_series(1, cardinality(v_orgs), p.size) s;
  while v_next <= cardinality(v_starts) loop
    begin
      select * into v_pass from private.evaluate_alerts_of(v_orgs[v_starts[v_next] : v_ends[v_next]], p_now, v_watching_since);
      opened := opened + v_pass.opened;
      escalated := escalated + v_pass.escalated;
      reminded := reminded + v_pass.reminded;
      resolved := resolved + v_pass.resolved;
      notifications := notifications + v_pass.notifications;
    exception when data_exception or integrity_constraint_violation or program_limit_exceeded then
      if v_starts[v_next] = v_ends[v_next] then
        v_failures := v_failures || jsonb_build_object('org_id', v_orgs[v_starts[v_next]], 'sqlstate', sqlstate);
      else
        v_singles := array(select generate_series(v_starts[v_next], v_ends[v_next]));
        v_starts := v_starts || v_singles;
        v_ends := v_ends || v_singles;
      end if;
    end;
    v_next := v_next + 1;
  end loop;
  failures := v_failures;
  return next;
end
$$;
comment on function private.evaluate_alerts(timestamptz) is
'One pass over every org. When several passes start at once, one works and the others return at once. failures: [{ org_id, sqlstate }] of the orgs
whose data could not be evaluated; their incidents do not change. The pass takes some orgs at a time, and when that fails, one org at a time:
unusual data of one org never ends the evaluation of another org''s alerts, as thresholds that were written as 5.0 once did.';

grant execute on function private.evaluate_alerts(timestamptz) to worker;

-- No policy: the tables are reached through these functions only.
alter table private.alert_clock enable row level security;
alter table private.connection_rhythm enable row level security;
