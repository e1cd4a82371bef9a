-- The evaluation of alerts goes through the orgs in bounded parts, each in a transaction of its own. In one transaction over every org, 20,000 orgs
-- without any traffic, or one org with many connections, ended the evaluation for everybody at the statement timeout.

create table private.alert_turns (
  org_id uuid primary key references public.orgs (id) on delete cascade,
  evaluated_at timestamptz not null default '-infinity',    -- the time of the last pass that evaluated the org, or found nothing to evaluate
  held_until timestamptz not null default '-infinity',      -- an instance evaluates the org, or its evaluation failed
  failures integer not null default 0,                      -- evaluations that failed in a row
  watching_since timestamptz not null default '-infinity'   -- the last pass in which the org was suspended
);
create index alert_turns_evaluated_idx on private.alert_turns (evaluated_at);
insert into private.alert_turns (org_id) select distinct org_id from public.source_connections;
alter table private.alert_turns enable row level security;
comment on table private.alert_turns is
'The orgs that have or had a connection, with the time of their last evaluation: a pass begins with the org that was evaluated longest ago.';

-- The orgs with open incidents, however many incidents an org has had.
create index alert_incidents_unresolved_idx on public.alert_incidents (org_id) where status <> 'resolved';

create function private.watch_new_connections()
returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  insert into private.alert_turns (org_id) select distinct m.org_id from made m order by m.org_id on conflict do nothing;
  return null;
end
$$;
comment on function private.watch_new_connections() is 'Trigger function: the alerts of an org are evaluated as soon as it has a connection.';
create trigger watch_alerts after insert on public.source_connections
  referencing new table as made for each statement execute function private.watch_new_connections();

drop function private.evaluate_alerts(timestamptz);
drop function private.learn_rhythms(timestamptz, double precision);

create function private.learn_rhythms(p_orgs uuid[], p_now timestamptz, p_seconds double precision)
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
      from public.alert_rules where enabled and kind in ('ConnectionSilent', 'ConnectionLag') and org_id = any (p_orgs) group by org_id
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
comment on function private.learn_rhythms(uuid[], timestamptz, double precision) is
'Learns the rhythm of connections of these orgs that look silent or late and whose rhythm was learned before their last event and more than an hour ago. Of each
of the last 28 days it takes the longest gap that began within two hours of the time of day at which the present gap began. The gap that is not
exceeded on nine days in ten is expected: a shop that closes at night, rests at weekends or sends twice a day does so every day or week, and a
single outage is not a rhythm. Days on which no gap began at that time of day do not count; when fewer than three such days are left, the longest
gap of each day counts. It handles one connection after the other, starting with the one whose rhythm is oldest, for at most p_seconds: a
connection that sends every minute has 40,000 rows to read.';

create function private.begin_alert_pass(p_now timestamptz)
returns timestamptz
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_watching_since timestamptz;
begin
  update private.alert_clock
  set evaluated_at = p_now, watching_since = case
    when p_now - evaluated_at > interval '2 minutes' or private.activity_rolled_until() < p_now - interval '5 minutes' and isfinite(private.activity_rolled_until())
      or exists (select from private.flow_state where operator_mode in ('drain', 'paused'))
      -- The clock was ahead and has been set back.
      or watching_since > p_now then p_now
    else watching_since end
  returning watching_since into v_watching_since;
  update private.alert_turns set evaluated_at = '-infinity' where evaluated_at > p_now;
  update private.alert_turns set watching_since = '-infinity' where watching_since > p_now;
  return v_watching_since;
end
$$;
comment on function private.begin_alert_pass(timestamptz) is
'Begins a pass at p_now, and returns since when alerts are evaluated and deliveries accepted without a break.';

create function private.claim_alert_orgs(p_now timestamptz, p_orgs integer, p_connections integer, p_lease_seconds integer)
returns uuid[]
language plpgsql volatile security definer
set search_path = ''
-- The plan for unknown times would read every partition of the activity.
set plan_cache_mode = 'force_custom_plan'
as $$
declare
  v_next uuid[];
  v_idle uuid[];
  v_part uuid[];
begin
  loop
    v_next := array(
      select t.org_id from private.alert_turns t
      where t.evaluated_at < p_now and t.held_until <= clock_timestamp()
      order by t.evaluated_at limit 200 for update skip locked);
    if v_next = '{}' then
      return v_next;
    end if;
    v_idle := array(
      select n.org_id from unnest(v_next) n (org_id)
      where exists (select from public.orgs o where o.id = n.org_id and o.suspended_at is not null)
        or not exists (select from public.alert_incidents i where i.org_id = n.org_id and i.status <> 'resolved')
          and not (
            exists (select from public.alert_rules r where r.org_id = n.org_id and r.enabled)
            and exists (
              select from public.source_connections c
              where c.org_id = n.org_id and c.is_active and c.deleted_at is null and exists (
                select from public.activity_minutes m
                where m.org_id = c.org_id and m.source_connection_id = c.id and m.bucket > p_now - interval '28 days' and m.bucket <= p_now))));
    update private.alert_turns t
    set evaluated_at = p_now, failures = 0,
      watching_since = case when exists (select from public.orgs o where o.id = t.org_id and o.suspended_at is not null) then p_now else t.watching_since end
    where t.org_id = any (v_idle);
    -- At least one org, and of further orgs as many as have p_connections together.
    v_part := array(
      select s.org_id
      from (
        select n.org_id, n.place, sum(greatest(1, k.connections)) over (order by n.place) as connections
        from (select u.org_id, row_number() over (order by u.ordinality) as place from unnest(v_next) with ordinality u (org_id, ordinality)
          where u.org_id <> all (v_idle)) n
        cross join lateral (
          select count(*) as connections from (
            select from public.source_connections c where c.org_id = n.org_id and c.is_active and c.deleted_at is null limit p_connections) found) k
      ) s
      where s.place = 1 or s.place <= p_orgs and s.connections <= p_connections);
    if v_part <> '{}' then
      update private.alert_turns set held_until = clock_timestamp() + make_interval(secs => p_lease_seconds) where org_id = any (v_part);
      return v_part;
    end if;
  end loop;
end
$$;
comment on function private.claim_alert_orgs(timestamptz, integer, integer, integer) is
'The next orgs of a pass, evaluated longest ago first, at most p_orgs with p_connections connections together, or one org with more. Orgs without
an enabled rule, without an open incident or without any activity in four weeks are passed over, and so are suspended orgs. Returns an empty array
at the end of the pass. An instance that dies holds the orgs for p_lease_seconds.';

create function private.evaluate_alerts(p_orgs uuid[], p_now timestamptz, p_watching_since timestamptz,
  out opened integer, out escalated integer, out reminded integer, out resolved integer, out notifications integer)
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_group record;
  v_pass record;
begin
  opened := 0; escalated := 0; reminded := 0; resolved := 0; notifications := 0;
  perform private.learn_rhythms(p_orgs, p_now, 0.5);
  for v_group in
    select greatest(p_watching_since, t.watching_since) as since, array_agg(n.org_id order by n.org_id) as orgs
    from unnest(p_orgs) n (org_id) left join private.alert_turns t on t.org_id = n.org_id
    group by 1
  loop
    select * into v_pass from private.evaluate_alerts_of(v_group.orgs, p_now, v_group.since);
    opened := opened + v_pass.opened;
    escalated := escalated + v_pass.escalated;
    reminded := reminded + v_pass.reminded;
    resolved := resolved + v_pass.resolved;
    notifications := notifications + v_pass.notifications;
  end loop;
  update private.alert_turns set evaluated_at = p_now, held_until = '-infinity', failures = 0 where org_id = any (p_orgs);
end
$$;
comment on function private.evaluate_alerts(uuid[], timestamptz, timestamptz) is
'Evaluates the alerts of some orgs in a pass at p_now. The time in which an org was suspended does not count as silence of its connections.';

create function private.postpone_alerts(p_org_id uuid)
returns void
language sql volatile security definer
set search_path = ''
as $$
  update private.alert_turns
  set failures = failures + 1, held_until = clock_timestamp() + least(interval '30 minutes', interval '30 seconds' * 2 ^ least(failures, 10))
  where org_id = p_org_id
$$;
comment on function private.postpone_alerts(uuid) is
'The evaluation of an org failed or took too long: it is tried again after half a minute, and after each further failure in twice the time, at most half
an hour. Unusual data of one org never ends the evaluation of another org''s alerts.';

grant execute on function private.begin_alert_pass(timestamptz), private.claim_alert_orgs(timestamptz, integer, integer, integer),
  private.evaluate_alerts(uuid[], timestamptz, timestamptz), private.postpone_alerts(uuid) to worker;

-- Notifications -------------------------------------------------------------------------------------------------------

create or replace function private.claim_alert_notifications(p_limit integer, p_lease_seconds integer, p_now timestamptz default clock_timestamp())
returns table (
  id uuid, attempts integer, kind text, level text, value double precision, threshold double precision, message text, created_at timestamptz,
  org_id uuid, org_name text, incident_id uuid, rule text, opened_at timestamptz, actor_email text,
  connection_id uuid, connection_name text, source_type text, channel_id uuid, channel_type text, sealed bytea
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
    i.source_connection_id, s.name, s.type, c.id, c.type, k.sealed
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

