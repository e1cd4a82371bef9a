-- Several processes of a host share its port, and several hosts share the limits that people set. A sender that keeps one connection open always reaches
-- the same process, so each process gets the part of a limit that its senders ask for, and not an equal part.

alter table private.instances
  add column demands jsonb not null default '{}',
  add constraint instances_demands_check check (jsonb_typeof(demands) = 'object' and length(demands::text) <= 65536);

comment on column private.instances.demands is 'How many records the senders of each limited connection and org have lately asked this instance to take, by the id of the connection or org.';

create or replace function private.heartbeat(p_instance json) returns json
language plpgsql security definer set search_path = ''
as $$
declare
  v_state private.flow_state;
  v_leader private.instances;
  v_demands jsonb := coalesce((p_instance ->> 'demands')::jsonb, '{}');
begin
  insert into private.instances as i (id, automatic_mode, cause, obeyed_mode, buffer_records, buffer_bytes, oldest_age_seconds, in_flight, flushed_turn, demands)
  select r.id, r.automatic_mode, r.cause, r.obeyed_mode, r.buffer_records, r.buffer_bytes, r.oldest_age_seconds, r.in_flight, r.flushed_turn, v_demands
  from json_to_record(p_instance) as r (id uuid, automatic_mode text, cause text, obeyed_mode text, buffer_records integer, buffer_bytes bigint,
    oldest_age_seconds double precision, in_flight integer, flushed_turn bigint)
  on conflict (id) do update set seen_at = clock_timestamp(), automatic_mode = excluded.automatic_mode, cause = excluded.cause,
    obeyed_mode = excluded.obeyed_mode, buffer_records = excluded.buffer_records, buffer_bytes = excluded.buffer_bytes,
    oldest_age_seconds = excluded.oldest_age_seconds, in_flight = excluded.in_flight, flushed_turn = excluded.flushed_turn,
    demands = excluded.demands;

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
    'automatic_mode', v_state.automatic_mode, 'flush_turn', v_state.flush_turn, 'instances', (select count(*) from private.live_instances()),
    'demands', private.demands_of_all(v_demands));
end
$$;

comment on function private.heartbeat(json) is 'Called once a second by every instance: in one round trip, the instance reports its state and learns which mode to obey, and how much all
instances together are asked for of each limit that its own senders use. The automatic mode of the fleet is the highest of the live instances. The first
instance that sees another mode than the recorded one records the change, with the cause.';

create function private.demands_of_all(p_own jsonb) returns json
language sql stable set search_path = ''
as $$
  select coalesce(json_object_agg(d.key, d.records), '{}')
  from (
    select one.key, sum(one.value::double precision) as records
    from private.live_instances() i
    cross join lateral jsonb_each_text(i.demands) one
    where p_own <> '{}' and p_own ? one.key
    group by one.key
  ) d
$$;

comment on function private.demands_of_all(jsonb) is 'For each key of the given demands, what all live instances together report. Called by private.heartbeat.';
revoke all on function private.demands_of_all(jsonb) from public;
