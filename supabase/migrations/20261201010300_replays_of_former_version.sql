-- Background work of the former version goes on during an upgrade too: its replays and retries send JSON as its deliveries do. Without these functions
-- a replay plan would fail after five refused slices, within ten seconds, and each refused retry would count as an attempt at its dead letter.

create function private.former_records(p_keys json, p_events json)
returns private.record_columns
language plpgsql stable
set search_path = ''
as $$
declare
  v_records private.record_columns := json_populate_record(null::private.record_columns, private.columns_of_json(p_events));
begin
  -- A value that was undefined is missing in the object, and the first object decides which names private.columns_of_json reads.
  with keys as (
    select k.*, coalesce(sum(cardinality(k.record_keys)) over (order by k.place rows between unbounded preceding and 1 preceding), 0) as keys_before
    from rows from (json_populate_recordset(null::private.key_row, p_keys)) with ordinality
      as k (source_connection_id, idempotency_key, event_id, event_time, body_sha256, journal_id, dlq_id, record_keys, former_key, spare_key, place)
  )
  select array_agg(k.event_id order by k.place), array_agg(decode(k.body_sha256, 'hex') order by k.place), array_agg(k.dlq_id order by k.place),
    array_agg(k.former_key order by k.place), array_agg(k.spare_key order by k.place),
    (select array_agg(t order by l.place, i) from keys l, unnest(l.record_keys) with ordinality u (t, i)),
    array_agg(k.keys_before + 1 order by k.place), array_agg(k.keys_before + coalesce(cardinality(k.record_keys), 0) order by k.place)
  into v_records.event_id, v_records.body_sha256, v_records.dlq_id, v_records.former_key, v_records.spare_key,
    v_records.record_keys, v_records.record_keys_from, v_records.record_keys_to
  from keys k;
  return v_records;
end
$$;
comment on function private.former_records(json, json) is 'The records of a batch of the former version, which sends their keys and events as JSON.';

create function private.former_deliveries(p_deliveries json, p_sealed bytea, p_journal_ids uuid[])
returns private.delivery_columns
language plpgsql stable
set search_path = ''
as $$
declare
  v_deliveries private.delivery_columns;
begin
  with deliveries as (
    select d.*, coalesce(sum(cardinality(d.event_types)) over before, 0) as types_before,
      coalesce(sum(cardinality(d.outcomes_before)) over before, 0) as outcomes_ahead,
      (select count(*) from unnest(p_journal_ids) j where j = d.id) as sent
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
  return v_deliveries;
end
$$;
comment on function private.former_deliveries(json, bytea, uuid[]) is
'The deliveries of a batch of the former version. p_journal_ids: the delivery of each record and dead letter of the batch.';

create or replace function private.ingest_batch(p_deliveries json, p_keys json, p_events json, p_dead json, p_sealed bytea)
returns json
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_records private.record_columns := private.former_records(p_keys, p_events);
  v_dead private.dead_columns := json_populate_record(null::private.dead_columns, private.columns_of_json(p_dead));
begin
  return private.ingest_batch(private.former_deliveries(p_deliveries, p_sealed, v_records.journal_id || v_dead.journal_id), v_records, v_dead);
end
$$;

create function private.replay_batch(p_deliveries json, p_keys json, p_events json, p_dead json, p_sealed bytea, p_rewrite boolean)
returns json
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_records private.record_columns := private.former_records(p_keys, p_events);
  v_dead private.dead_columns := json_populate_record(null::private.dead_columns, private.columns_of_json(p_dead));
begin
  return private.replay_batch(private.former_deliveries(p_deliveries, p_sealed, v_records.journal_id || v_dead.journal_id), v_records, v_dead, p_rewrite);
end
$$;
comment on function private.replay_batch(json, json, json, json, bytea, boolean) is
'Writes a batch from the journal as the former version sends it. Goes when instances of that version no longer run.';

create function private.settle_dead_letters(p_owner uuid, p_entries json, p_keys json, p_events json)
returns json
language sql volatile security definer
set search_path = ''
as $$
  select private.settle_dead_letters(p_owner, p_entries, private.former_records(p_keys, p_events))
$$;
comment on function private.settle_dead_letters(uuid, json, json, json) is
'Ends attempts at dead letters as the former version sends them. Goes when instances of that version no longer run.';

grant execute on function private.replay_batch(json, json, json, json, bytea, boolean), private.settle_dead_letters(uuid, json, json, json) to worker;
