-- Events of an exported file are stored again under their idempotency keys, so that a file can be imported twice, and so that a platform that sends one
-- of its records again gets the answer that it is a duplicate.
insert into private.quotas (name, value) values ('imported_events_per_day', 1000000);

create or replace function private.import_events(p_connection_id uuid, p_events jsonb)
returns table (stored integer, restored integer, duplicates integer)
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_connection public.source_connections := (select c from public.source_connections c where c.id = p_connection_id and c.deleted_at is null);
  -- The digest of the record is not in a file: this one says that any body under the key is the same record.
  v_unknown bytea := decode(repeat('00', 32), 'hex');
  v_new text[];
  v_written text[];
begin
  perform private.require_admin(v_connection.org_id);
  perform private.take_day_quota(v_connection.org_id, 'imported_events_per_day', jsonb_array_length(p_events));

  create temporary table sent on commit drop as
    select distinct on (e.idempotency_key) e.*, x.erased_at
    from jsonb_array_elements(p_events) with ordinality as s (event, place)
    cross join lateral jsonb_populate_record(null::private.event_row, s.event) e
    cross join lateral jsonb_to_record(s.event) as x (erased_at timestamptz)
    order by e.idempotency_key, s.place;

  -- Sorted by key, as every writer of keys does, so that two of them never deadlock.
  with inserted as (
    insert into private.event_keys (source_connection_id, idempotency_key, event_id, event_time, body_sha256)
    select p_connection_id, s.idempotency_key,
      -- An id of the file that is in use belongs to another event.
      case when exists (select from public.canonical_events e where e.id = s.id) then gen_random_uuid() else s.id end, s.event_time, v_unknown
    from pg_temp.sent s order by s.idempotency_key
    on conflict do nothing
    returning idempotency_key)
  select coalesce(array_agg(i.idempotency_key), '{}') into v_new from inserted i;

  with written as (
    insert into public.canonical_events (id, org_id, project_id, source_connection_id, type, source_type, source_event_type, source_event_id, event_time,
      received_at, ingested_at, idempotency_key, subject, amount_minor, currency, order_ref, attribution, properties, is_test, journal_id, schema_version, erased_at)
    select k.event_id, v_connection.org_id, v_connection.project_id, v_connection.id, s.type, s.source_type, s.source_event_type, s.source_event_id, k.event_time,
      s.received_at, greatest(now(), s.received_at), s.idempotency_key, s.subject, s.amount_minor, s.currency, s.order_ref, s.attribution, s.properties, s.is_test,
      s.journal_id, s.schema_version, s.erased_at
    from pg_temp.sent s
    join private.event_keys k on k.source_connection_id = p_connection_id and k.idempotency_key = s.idempotency_key
    where not exists (select from public.canonical_events e where e.id = k.event_id and e.event_time = k.event_time)
    on conflict do nothing
    returning idempotency_key)
  select coalesce(array_agg(w.idempotency_key), '{}') into v_written from written w;

  stored := cardinality(v_new);
  restored := cardinality(v_written) - cardinality(v_new);
  duplicates := jsonb_array_length(p_events) - cardinality(v_written);
  drop table pg_temp.sent;
  perform private.append_audit(v_connection.org_id, 'canonical_events.import', p_connection_id::text,
    jsonb_build_object('stored', stored, 'restored', restored, 'duplicates', duplicates));
  return next;
end
$$;
comment on function private.import_events(uuid, jsonb) is 'Stores exported events for an owner or admin of the connection''s org. p_events is an array of private.event_row, with erased_at. An event whose key is new
is stored under its id, an event whose key is known and whose row is gone is stored again under the id of the key, and every other event is left as it is.';
grant execute on function private.import_events(uuid, jsonb) to authenticated;

create or replace function private.insert_events(p_keys json, p_events json, p_now timestamptz)
returns json
language plpgsql
set search_path = ''
as $$
declare
  v_count integer := json_array_length(p_keys);
  v_new uuid[] := '{}';
  v_existing private.existing_row[] := '{}';
  v_unknown bytea := decode(repeat('00', 32), 'hex');
begin
  if v_count > 0 then
    -- Sorted by key: two batches with the same keys lock them in the same order and never deadlock.
    -- The insert waits for another batch that is writing the same key; the next statement then sees the row of that batch.
    with inserted as (
      insert into private.event_keys (source_connection_id, idempotency_key, event_id, event_time, body_sha256, created_at)
      select source_connection_id, idempotency_key, event_id, event_time, decode(body_sha256, 'hex'), p_now
      from json_populate_recordset(null::private.key_row, p_keys)
      order by source_connection_id, idempotency_key
      on conflict do nothing
      returning event_id
    )
    select coalesce(array_agg(event_id), '{}') into v_new from inserted;
  end if;

  if cardinality(v_new) < v_count then
    select coalesce(array_agg(row(k.event_id, s.event_id,
      -- Zeros are the digest of an imported event: the file does not say which body it was made of.
      case when s.body_sha256 in (decode(k.body_sha256, 'hex'), v_unknown) then 'duplicate' else 'conflict' end,
      null, k.source_connection_id, k.journal_id, k.dlq_id)::private.existing_row), '{}')
    into v_existing
    from json_populate_recordset(null::private.key_row, p_keys) k
    join private.event_keys s using (source_connection_id, idempotency_key)
    where k.event_id <> s.event_id;
  end if;

  -- Without this condition, all of p_events would be parsed even when no key is new.
  if cardinality(v_new) > 0 then
    insert into public.canonical_events (id, org_id, project_id, source_connection_id, type, source_type, source_event_type, source_event_id,
      event_time, received_at, ingested_at, idempotency_key, subject, amount_minor, currency, order_ref, attribution, properties, is_test,
      journal_id, schema_version)
    select id, org_id, project_id, source_connection_id, type, source_type, source_event_type, source_event_id,
      event_time, received_at, greatest(p_now, received_at), idempotency_key, subject, amount_minor, currency, order_ref, attribution, properties, is_test,
      journal_id, schema_version
    from json_populate_recordset(null::private.event_row, p_events)
    where cardinality(v_new) = v_count or id = any (v_new);
  end if;
  return array_to_json(v_existing);
end
$$;
