-- Flow control: limits that people set, and the modes that every instance of the API obeys.

alter table public.source_connections
  -- Deliveries a second over all instances; null: no limit of its own.
  add column rate_limit_per_second integer check (rate_limit_per_second between 1 and 100000),
  -- A brownout sheds part of what comes to connections of low priority, and nothing else.
  add column priority text not null default 'normal' check (priority in ('normal', 'low'));
alter table public.orgs
  add column rate_limit_per_second integer check (rate_limit_per_second between 1 and 100000);

grant update (rate_limit_per_second, priority) on public.source_connections to authenticated;
grant update (rate_limit_per_second) on public.orgs to authenticated;

create or replace trigger touch before update of name, is_active, config_json, rate_limit_per_second, priority, deleted_at on public.source_connections
  for each row execute function private.touch_updated_at();

create or replace function private.notify_connection_changed()
returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  v_row jsonb := to_jsonb(case when tg_op = 'DELETE' then old else new end);
begin
  -- The hot path's own bookkeeping must not empty the caches.
  if tg_op = 'UPDATE' and to_jsonb(new) - 'last_event_at' = to_jsonb(old) - 'last_event_at' then
    return null;
  end if;
  perform pg_notify('connection_changed', case tg_table_name
    when 'source_connections' then v_row ->> 'id'
    when 'connection_secrets' then v_row ->> 'source_connection_id'
    when 'orgs' then 'org:' || (v_row ->> 'id')
    else 'org:' || (v_row ->> 'org_id') end);
  return null;
end
$$;
create trigger notify after update of rate_limit_per_second on public.orgs for each row execute function private.notify_connection_changed();

create or replace function private.find_connection(p_id uuid)
returns json
language sql stable security definer
set search_path = ''
as $$
  select json_build_object(
    'id', c.id, 'org_id', c.org_id, 'project_id', c.project_id, 'type', c.type, 'is_active', c.is_active, 'config', c.config_json,
    'priority', c.priority, 'rate_limit_per_second', c.rate_limit_per_second, 'org_rate_limit_per_second', o.rate_limit_per_second,
    'secrets', coalesce((
      select json_agg(json_build_object('name', s.name, 'sealed', encode(s.sealed, 'base64'), 'expires_at', s.expires_at) order by s.created_at desc)
      from private.connection_secrets s
      where s.org_id = c.org_id and s.source_connection_id = c.id and (s.expires_at is null or s.expires_at > now())), '[]'))
  from public.source_connections c
  join public.orgs o on o.id = c.org_id
  where c.id = p_id and c.deleted_at is null
$$;

-- One row: what the operator demands, and the automatic mode of the fleet as it was last written down.
create table private.flow_state (
  id boolean primary key default true check (id),
  -- Null: the automatic mode counts.
  operator_mode text check (operator_mode in ('brownout', 'drain', 'paused')),
  -- Share of the deliveries to low-priority connections that the operator's brownout sheds.
  brownout_rate double precision check (brownout_rate > 0 and brownout_rate <= 1),
  automatic_mode text not null default 'normal' check (automatic_mode in ('normal', 'throttled', 'brownout')),
  reason text not null default 'installed' check (length(reason) <= 500),
  changed_by text not null default 'automatic' check (changed_by in ('operator', 'automatic')),
  changed_at timestamptz not null default now(),
  -- Grows with every flush that was asked for; an instance reports the last one it has done.
  flush_turn bigint not null default 0,
  check ((operator_mode is not distinct from 'brownout') = (brownout_rate is not null))
);
insert into private.flow_state default values;

-- What each instance last said of itself, once a second.
create table private.instances (
  id uuid primary key,
  started_at timestamptz not null default now(),
  seen_at timestamptz not null default clock_timestamp(),
  automatic_mode text not null check (automatic_mode in ('normal', 'throttled', 'brownout')),
  cause text not null check (length(cause) <= 500),
  -- The mode it obeyed when it wrote this row.
  obeyed_mode text not null check (obeyed_mode in ('normal', 'throttled', 'brownout', 'drain', 'paused')),
  buffer_records integer not null check (buffer_records >= 0),
  buffer_bytes bigint not null check (buffer_bytes >= 0),
  oldest_age_seconds double precision not null check (oldest_age_seconds >= 0),
  in_flight integer not null check (in_flight >= 0),
  flushed_turn bigint not null
);

-- Append-only: every change of the mode that the fleet obeys.
create table private.flow_transitions (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  from_mode text not null,
  to_mode text not null check (to_mode in ('normal', 'throttled', 'brownout', 'drain', 'paused')),
  cause text not null check (length(cause) <= 500),
  changed_by text not null check (changed_by in ('operator', 'automatic')),
  -- The instance that saw the pressure, or took the operator's command.
  instance_id uuid
);

alter table private.flow_state enable row level security;
alter table private.instances enable row level security;
alter table private.flow_transitions enable row level security;

-- An instance that has not been seen for as long counts no more.
create function private.live_instances()
returns setof private.instances
language sql volatile security definer
set search_path = ''
as $$
  select * from private.instances where seen_at > clock_timestamp() - interval '5 seconds'
$$;

-- Once a second, by every instance and in one round trip: says how it is, and answers what to obey. Whoever sees that the automatic mode of
-- the fleet (the highest of the live instances) is another than the one written down writes it down, with the cause.
create function private.heartbeat(p_instance json)
returns json
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_state private.flow_state;
  v_leader private.instances;
begin
  insert into private.instances as i (id, automatic_mode, cause, obeyed_mode, buffer_records, buffer_bytes, oldest_age_seconds, in_flight, flushed_turn)
  select r.id, r.automatic_mode, r.cause, r.obeyed_mode, r.buffer_records, r.buffer_bytes, r.oldest_age_seconds, r.in_flight, r.flushed_turn
  from json_to_record(p_instance) as r (id uuid, automatic_mode text, cause text, obeyed_mode text, buffer_records integer, buffer_bytes bigint,
    oldest_age_seconds double precision, in_flight integer, flushed_turn bigint)
  on conflict (id) do update set seen_at = clock_timestamp(), automatic_mode = excluded.automatic_mode, cause = excluded.cause,
    obeyed_mode = excluded.obeyed_mode, buffer_records = excluded.buffer_records, buffer_bytes = excluded.buffer_bytes,
    oldest_age_seconds = excluded.oldest_age_seconds, in_flight = excluded.in_flight, flushed_turn = excluded.flushed_turn;

  delete from private.instances where id in (
    select id from private.instances where seen_at < clock_timestamp() - interval '1 minute' for update skip locked);

  select * into v_state from private.flow_state;
  v_leader := private.leading_instance();
  if v_leader.automatic_mode <> v_state.automatic_mode then
    -- Again under the lock: two instances that saw the same change write it down once.
    select * into v_state from private.flow_state for update;
    v_leader := private.leading_instance();
    if v_leader.automatic_mode <> v_state.automatic_mode then
      if v_state.operator_mode is null then
        insert into private.flow_transitions (from_mode, to_mode, cause, changed_by, instance_id)
        values (v_state.automatic_mode, v_leader.automatic_mode, v_leader.cause, 'automatic', v_leader.id);
      end if;
      update private.flow_state set
        automatic_mode = v_leader.automatic_mode,
        reason = case when operator_mode is null then v_leader.cause else reason end,
        changed_by = case when operator_mode is null then 'automatic' else changed_by end,
        changed_at = case when operator_mode is null then clock_timestamp() else changed_at end
      returning * into v_state;
      perform pg_notify('flow_changed', '');
    end if;
  end if;
  return json_build_object('operator_mode', v_state.operator_mode, 'brownout_rate', v_state.brownout_rate,
    'automatic_mode', v_state.automatic_mode, 'flush_turn', v_state.flush_turn, 'instances', (select count(*) from private.live_instances()));
end
$$;

-- The live instance under the highest pressure.
create function private.leading_instance()
returns private.instances
language sql volatile security definer
set search_path = ''
as $$
  select * from private.live_instances()
  order by array_position('{brownout,throttled,normal}'::text[], automatic_mode), seen_at desc limit 1
$$;

-- An instance that stops says so, and nobody waits for it.
create function private.leave_fleet(p_instance_id uuid)
returns void
language sql volatile security definer
set search_path = ''
as $$
  delete from private.instances where id = p_instance_id
$$;

-- What the operator demands of every instance; p_mode null: nothing, the automatic mode counts again.
create function private.set_operator_mode(p_mode text, p_brownout_rate double precision, p_reason text, p_instance_id uuid)
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_state private.flow_state;
begin
  select * into v_state from private.flow_state for update;
  -- Pressed twice is pressed once.
  if v_state.operator_mode is not distinct from p_mode and v_state.brownout_rate is not distinct from p_brownout_rate then
    return;
  end if;
  update private.flow_state
  set operator_mode = p_mode, brownout_rate = p_brownout_rate, reason = p_reason, changed_by = 'operator', changed_at = clock_timestamp();
  insert into private.flow_transitions (from_mode, to_mode, cause, changed_by, instance_id)
  values (coalesce(v_state.operator_mode, v_state.automatic_mode), coalesce(p_mode, v_state.automatic_mode), p_reason, 'operator', p_instance_id);
  perform pg_notify('flow_changed', '');
end
$$;

-- Asks every instance to write what it holds at once. The turn it answers has been done when every live instance reports it.
create function private.request_flush()
returns bigint
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_turn bigint;
begin
  update private.flow_state set flush_turn = flush_turn + 1 returning flush_turn into v_turn;
  perform pg_notify('flow_changed', '');
  return v_turn;
end
$$;

create function private.flow_overview()
returns json
language sql volatile security definer
set search_path = ''
as $$
  select json_build_object('state', to_json(s), 'instances', coalesce((select json_agg(i order by i.started_at, i.id) from private.live_instances() i), '[]'))
  from private.flow_state s
$$;

-- Newest first.
create function private.list_flow_transitions(p_limit integer)
returns setof private.flow_transitions
language sql stable security definer
set search_path = ''
as $$
  select * from private.flow_transitions order by id desc limit p_limit
$$;

-- How far behind the sources are: per source, and its laggiest connections. Freshness counts from the newest event; the ingest lag is the
-- mean time from event to commit over the last 15 minutes (of live traffic, not of replays).
create function private.adapter_lag(p_connections_max integer)
returns json
language sql volatile security definer
set search_path = ''
as $$
  with connections as (
    select c.id, c.org_id, c.name, c.type, c.last_event_at, extract(epoch from clock_timestamp() - c.last_event_at)::double precision as lag_seconds
    from public.source_connections c
    where c.is_active and c.deleted_at is null
  ), laggiest as (
    select * from connections where last_event_at is not null order by last_event_at limit p_connections_max
  ), described as (
    select l.*, a.ingest_lag_seconds
    from laggiest l
    cross join lateral (
      select sum(a.lag_sum_ms)::double precision / 1000 / nullif(sum(a.accepted), 0) as ingest_lag_seconds
      from public.connection_activity a
      where a.org_id = l.org_id and a.source_connection_id = l.id and a.bucket >= date_trunc('minute', clock_timestamp() - interval '15 minutes')
        and not a.is_replay
    ) a
  )
  select coalesce(json_agg(json_build_object(
    'source', s.type, 'lag_seconds', s.lag_seconds, 'active_connections', s.active_connections, 'connections', coalesce((
      select json_agg(json_build_object('id', d.id, 'name', d.name, 'lag_seconds', d.lag_seconds, 'ingest_lag_seconds', d.ingest_lag_seconds)
        order by d.lag_seconds desc)
      from described d where d.type = s.type), '[]')) order by s.type), '[]')
  from (select type, count(*) as active_connections, min(lag_seconds) as lag_seconds from connections group by type) s
$$;

grant execute on function private.heartbeat(json), private.leave_fleet(uuid), private.set_operator_mode(text, double precision, text, uuid),
  private.request_flush(), private.flow_overview(), private.list_flow_transitions(integer), private.adapter_lag(integer) to worker;
