-- Flow control: the modes that every instance of the API obeys, and the reports of the instances.

create table private.flow_state (
  id boolean primary key default true check (id),
  -- Null: the automatic mode applies.
  operator_mode text check (operator_mode in ('brownout', 'drain', 'paused')),
  -- Share of the deliveries to low-priority connections that the operator's brownout sheds.
  brownout_rate double precision check (brownout_rate > 0 and brownout_rate <= 1),
  automatic_mode text not null default 'normal' check (automatic_mode in ('normal', 'throttled', 'brownout')),
  reason text not null default 'installed' check (length(reason) <= 500),
  changed_by text not null default 'automatic' check (changed_by in ('operator', 'automatic')),
  changed_at timestamptz not null default now(),
  -- Grows with every requested flush; an instance reports the last flush that it has done.
  flush_turn bigint not null default 0,
  check ((operator_mode is not distinct from 'brownout') = (brownout_rate is not null))
);
insert into private.flow_state default values;
comment on table private.flow_state is 'One row: the mode that the operator has set, and the last recorded automatic mode of the fleet.';

create table private.instances (
  id uuid primary key,
  started_at timestamptz not null default now(),
  seen_at timestamptz not null default clock_timestamp(),
  automatic_mode text not null check (automatic_mode in ('normal', 'throttled', 'brownout')),
  cause text not null check (length(cause) <= 500),
  -- The mode that the instance obeyed when it wrote this row.
  obeyed_mode text not null check (obeyed_mode in ('normal', 'throttled', 'brownout', 'drain', 'paused')),
  buffer_records integer not null check (buffer_records >= 0),
  buffer_bytes bigint not null check (buffer_bytes >= 0),
  oldest_age_seconds double precision not null check (oldest_age_seconds >= 0),
  in_flight integer not null check (in_flight >= 0),
  flushed_turn bigint not null
);
comment on table private.instances is 'The last report of each instance of the API; an instance reports once a second.';

create table private.flow_transitions (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  from_mode text not null,
  to_mode text not null check (to_mode in ('normal', 'throttled', 'brownout', 'drain', 'paused')),
  cause text not null check (length(cause) <= 500),
  changed_by text not null check (changed_by in ('operator', 'automatic')),
  -- The instance that saw the pressure, or that received the operator's command.
  instance_id uuid
);
comment on table private.flow_transitions is 'Every change of the mode that the fleet obeys. Rows are only appended.';

create function private.live_instances()
returns setof private.instances
language sql volatile security definer
set search_path = ''
as $$
  select * from private.instances where seen_at > clock_timestamp() - interval '5 seconds'
$$;
comment on function private.live_instances() is 'The instances that reported within the last 5 seconds. Other instances count as dead.';

create function private.leading_instance()
returns private.instances
language sql volatile security definer
set search_path = ''
as $$
  select * from private.live_instances()
  order by array_position('{brownout,throttled,normal}'::text[], automatic_mode), seen_at desc limit 1
$$;
comment on function private.leading_instance() is 'The live instance under the highest pressure.';

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
    -- Compared again under the lock: when two instances have seen the same change, only one of them records it.
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
comment on function private.heartbeat(json) is
'Called once a second by every instance: in one round trip, the instance reports its state and learns which mode to obey. The automatic mode of
the fleet is the highest of the live instances. The first instance that sees another mode than the recorded one records the change, with the
cause.';

create function private.leave_fleet(p_instance_id uuid)
returns void
language sql volatile security definer
set search_path = ''
as $$
  delete from private.instances where id = p_instance_id
$$;
comment on function private.leave_fleet(uuid) is 'Removes an instance that stops, so that no other instance waits for it.';

create function private.set_operator_mode(p_mode text, p_brownout_rate double precision, p_reason text, p_instance_id uuid)
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_state private.flow_state;
begin
  select * into v_state from private.flow_state for update;
  -- A repeated command changes nothing.
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
comment on function private.set_operator_mode(text, double precision, text, uuid) is
'Sets the mode that every instance must obey. When p_mode is null, the automatic mode applies again.';

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
comment on function private.request_flush() is
'Asks every instance to write its buffered records at once. The flush is done when every live instance has reported the returned turn.';

create function private.flow_overview()
returns json
language sql volatile security definer
set search_path = ''
as $$
  select json_build_object('state', to_json(s), 'instances', coalesce((select json_agg(i order by i.started_at, i.id) from private.live_instances() i), '[]'))
  from private.flow_state s
$$;
comment on function private.flow_overview() is 'The state of the fleet and its live instances.';

create function private.list_flow_transitions(p_limit integer)
returns setof private.flow_transitions
language sql stable security definer
set search_path = ''
as $$
  select * from private.flow_transitions order by id desc limit p_limit
$$;
comment on function private.list_flow_transitions(integer) is 'The changes of the mode, newest first.';

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
comment on function private.adapter_lag(integer) is
'How far each source is behind, with the connections that are furthest behind. Freshness is the age of the newest event; the ingest lag is the
mean time from event to commit over the last 15 minutes (of live traffic, not of replays).';

grant execute on function private.heartbeat(json), private.leave_fleet(uuid), private.set_operator_mode(text, double precision, text, uuid),
  private.request_flush(), private.flow_overview(), private.list_flow_transitions(integer), private.adapter_lag(integer) to worker;

-- No policy: the tables are reached through these functions only.
alter table private.flow_state enable row level security;
alter table private.instances enable row level security;
alter table private.flow_transitions enable row level security;
