-- Instances of the former version run until the upgrade has replaced them, and send their batches as JSON. The function that they call turns the JSON
-- into arrays, and the batch goes the way of all others. The org and project that the JSON names are not read.

create function private.columns_of_json(p_rows json)
returns json
language sql stable
set search_path = ''
as $$
  select json_object_agg(n.name, (
    select json_agg(r.one -> n.name order by r.place) from json_array_elements(p_rows) with ordinality r (one, place)))
  from json_object_keys(p_rows -> 0) n (name)
$$;
comment on function private.columns_of_json(json) is 'Turns an array of objects with the same keys into an object of arrays.';

create function private.ingest_batch(p_deliveries json, p_keys json, p_events json, p_dead json, p_sealed bytea)
returns json
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_deliveries private.delivery_columns;
  v_records private.record_columns := json_populate_record(null::private.record_columns, private.columns_of_json(p_events));
  v_dead private.dead_columns := json_populate_record(null::private.dead_columns, private.columns_of_json(p_dead));
begin
  -- A value that was undefined is missing in the object, and the first object decides which keys are read.
  select array_agg(k.event_id order by k.place), array_agg(decode(k.body_sha256, 'hex') order by k.place), array_agg(k.dlq_id order by k.place),
    array_agg(k.former_key order by k.place), array_agg(k.spare_key order by k.place)
  into v_records.event_id, v_records.body_sha256, v_records.dlq_id, v_records.former_key, v_records.spare_key
  from rows from (json_populate_recordset(null::private.key_row, p_keys)) with ordinality
    as k (source_connection_id, idempotency_key, event_id, event_time, body_sha256, journal_id, dlq_id, record_keys, former_key, spare_key, place);

  with deliveries as (
    select d.*, coalesce(sum(cardinality(d.event_types)) over before, 0) as types_before,
      coalesce(sum(cardinality(d.outcomes_before)) over before, 0) as outcomes_ahead,
      (select count(*) from unnest(v_records.journal_id || v_dead.journal_id) j where j = d.id) as sent
    from rows from (json_populate_recordset(null::private.delivery_row, p_deliveries)) with ordinality
      as d (id, org_id, source_connection_id, received_at, content_type, byte_size, body_sha256, is_test, replay_of, event_types, key_version,
        sealed_at, sealed_length, part, record_total, outcomes_before, place)
    window before as (order by d.place rows between unbounded preceding and 1 preceding)
  )
  select array_agg(d.id order by d.place), array_agg(d.source_connection_id order by d.place), array_agg(d.received_at order by d.place),
    array_agg(d.content_type order by d.place), array_agg(d.byte_size order by d.place), array_agg(d.body_sha256 order by d.place),
    array_agg(coalesce(d.record_total, d.sent) order by d.place), array_agg(d.is_test order by d.place), array_agg(d.replay_of order by d.place),
    (select array_agg(t order by e.place, i) from deliveries e, unnest(e.event_types) with ordinality u (t, i)),
    array_agg(d.types_before + 1 order by d.place), array_agg(d.types_before + coalesce(cardinality(d.event_types), 0) order by d.place),
    array_agg(d.key_version order by d.place), array_agg(substring(p_sealed from d.sealed_at + 1 for d.sealed_length) order by d.place),
    array_agg(d.part order by d.place),
    (select array_agg(t order by e.place, i) from deliveries e, unnest(e.outcomes_before) with ordinality u (t, i)),
    array_agg(d.outcomes_ahead + 1 order by d.place), array_agg(d.outcomes_ahead + coalesce(cardinality(d.outcomes_before), 0) order by d.place)
  into v_deliveries
  from deliveries d;
  return private.ingest_batch(v_deliveries, v_records, v_dead);
end
$$;
comment on function private.ingest_batch(json, json, json, json, bytea) is
'Writes a batch of the former version, which sends JSON arrays of rows. Goes when instances of that version no longer run.';
grant execute on function private.ingest_batch(json, json, json, json, bytea) to ingest, worker;
