-- Test events are no sign of life: a connection that only ever got the samples of the dashboard, or of a platform's test button, is not fresh.

alter table public.connection_activity add column tests integer not null default 0;
comment on column public.connection_activity.tests is 'Records that were tests. They are counted among the others too; such a row has no other counts.';
alter table public.activity_minutes add column tests bigint not null default 0;
comment on column public.activity_minutes.tests is 'How many of the records were tests.';

create function private.count_tests()
returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  if tg_table_name like 'canonical_events%' then
    insert into public.connection_activity (org_id, source_connection_id, bucket, tests)
    values (new.org_id, new.source_connection_id, date_trunc('minute', new.ingested_at), 1);
  else
    insert into public.connection_activity (org_id, source_connection_id, bucket, tests)
    values (new.org_id, new.source_connection_id, date_trunc('minute', now()), new.record_count);
  end if;
  return null;
end
$$;
comment on function private.count_tests() is 'Trigger function: counts the records that are tests, which are events or were not stored.';
-- The condition of a trigger is evaluated for each row, and nothing is done for records that are no tests.
create trigger count_tests after insert on public.canonical_events for each row when (new.is_test) execute function private.count_tests();
create trigger count_tests after insert on public.event_journal for each row
  when (new.is_test and new.replay_of is null and new.outcome in ('duplicate', 'dead_lettered')) execute function private.count_tests();

create function private.note_tests()
returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  select coalesce(sum(a.tests), 0) into new.tests
  from public.connection_activity a
  where a.org_id = new.org_id and a.source_connection_id = new.source_connection_id and a.bucket >= new.bucket and a.bucket < new.bucket + interval '1 minute';
  if new.tests > 0 and new.tests >= new.accepted + new.replayed_accepted then
    new.last_event_time := null;
  end if;
  return new;
end
$$;
comment on function private.note_tests() is
'Trigger function: a minute in which every stored event was a test has no last event. Everything that reads the rollups, such as the freshness of a connection,
then passes over tests.';
create trigger note_tests before insert or update on public.activity_minutes for each row execute function private.note_tests();

create or replace function private.connection_arrivals(p_now timestamptz, p_orgs uuid[])
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
      and m.accepted + m.duplicates + m.dead_lettered > m.tests
    order by m.bucket desc limit 1
  ) a on true
  where c.org_id = any (p_orgs) and c.is_active and c.deleted_at is null
$$;

create or replace function private.learn_rhythms(p_orgs uuid[], p_now timestamptz, p_seconds double precision)
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
          and m.bucket > p_now - interval '28 days' and m.bucket <= p_now and m.accepted + m.duplicates + m.dead_lettered > m.tests
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
