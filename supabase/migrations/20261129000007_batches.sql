-- Batches: one statement, and so one transaction, writes the journal, keys, events, dead letters and activity of some deliveries. Ingestion,
-- replay and reprocessing write in the same way; reprocessing may also rewrite stored events.

-- The row types of a batch; the API sends the rows of each type as one JSON array. The functions below parse an array where they need it:
-- parameters that were typed arrays made Postgres plan for their length, and were measured to be 9 % slower.

create type private.delivery_row as (
  id uuid,
  org_id uuid,
  source_connection_id uuid,
  received_at timestamptz,
  content_type text,
  byte_size integer,
  body_sha256 text,          -- hex
  is_test boolean,
  replay_of uuid,
  event_types text[],
  key_version integer,
  -- The place of the sealed body in the one bytea that holds the bodies of the whole batch and is sent in binary form, without an encoding.
  sealed_at integer,
  sealed_length integer
);
comment on type private.delivery_row is 'A delivery of a batch: its row in event_journal, and the place of its sealed body.';

create type private.key_row as (
  source_connection_id uuid,
  idempotency_key text,
  event_id uuid,
  event_time timestamptz,
  body_sha256 text,          -- hex, of the record
  journal_id uuid,
  dlq_id uuid                -- the id of the dead letter to write when the key is stored with a different body
);
comment on type private.key_row is 'The idempotency key of one record of a batch.';

create type private.event_row as (
  id uuid,
  org_id uuid,
  project_id uuid,
  source_connection_id uuid,
  type text,
  source_type text,
  source_event_type text,
  source_event_id text,
  event_time timestamptz,
  received_at timestamptz,
  idempotency_key text,
  subject jsonb,
  amount_minor bigint,
  currency text,
  order_ref text,
  attribution jsonb,
  properties jsonb,
  is_test boolean,
  journal_id uuid,
  schema_version integer,
  record_index integer       -- position in the delivery
);
comment on type private.event_row is 'The event of one record of a batch: its row in canonical_events.';

create type private.dead_row as (
  id uuid,
  org_id uuid,
  project_id uuid,
  source_connection_id uuid,
  journal_id uuid,
  record_index integer,
  error_class text,
  last_error_message text,
  field_path text,
  source_event_type text,
  idempotency_key text,
  next_retry_at timestamptz,
  is_quarantine boolean,
  sample jsonb
);
comment on type private.dead_row is 'A record or delivery of a batch that could not become an event: its row in dlq_events.';

create type private.existing_row as (
  event_id uuid,             -- of the record in this batch
  stored_event_id uuid,      -- of the event that is stored under the same key
  outcome text,              -- duplicate, conflict, rewritten, older
  revision integer,          -- of a rewritten event
  source_connection_id uuid,
  journal_id uuid,
  dlq_id uuid
);
comment on type private.existing_row is 'A record of a batch whose key was stored before, with its outcome.';

create function private.insert_events(p_keys json, p_events json, p_now timestamptz)
returns json
language plpgsql volatile security invoker
set search_path = ''
as $$
declare
  v_count integer := json_array_length(p_keys);
  v_new uuid[] := '{}';
  v_existing private.existing_row[] := '{}';
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
      case when s.body_sha256 = decode(k.body_sha256, 'hex') then 'duplicate' else 'conflict' end,
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
comment on function private.insert_events(json, json, timestamptz) is
'Writes the events whose keys are new, and returns the records whose keys were stored before, as an array of private.existing_row. Part of a
batch''s transaction.';

create function private.insert_dead_letters(p_dead json, p_events json, p_existing json, p_now timestamptz)
returns void
language plpgsql volatile security invoker
set search_path = ''
as $$
begin
  if json_array_length(p_dead) > 0 then
    insert into public.dlq_events (id, org_id, project_id, source_connection_id, journal_id, record_index, error_class, last_error_message,
      field_path, source_event_type, idempotency_key, next_retry_at, is_quarantine, sample, created_at, updated_at)
    select id, org_id, project_id, source_connection_id, journal_id, record_index, error_class, last_error_message,
      field_path, source_event_type, idempotency_key, next_retry_at, is_quarantine, sample, p_now, p_now
    from json_populate_recordset(null::private.dead_row, p_dead);
  end if;

  -- Without this condition, the join would parse all of p_events even when there is nothing to insert (measured: a third of the time of the
  -- batch). Only the needed events are turned into rows.
  if exists (select from json_populate_recordset(null::private.existing_row, p_existing) where outcome in ('conflict', 'older')) then
    insert into public.dlq_events (id, org_id, project_id, source_connection_id, journal_id, record_index, error_class, last_error_message,
      stored_event_id, source_event_type, idempotency_key, sample, created_at, updated_at)
    select o.dlq_id, e.org_id, e.project_id, e.source_connection_id, o.journal_id, e.record_index,
      case o.outcome when 'older' then 'OLDER_REVISION' else 'DUPLICATE_EVENT' end,
      case o.outcome when 'older' then 'a newer delivery or a newer version of the pipeline has written the stored event '
        else 'another body was stored first under the same idempotency key, as event ' end || o.stored_event_id,
      o.stored_event_id, e.source_event_type, e.idempotency_key, jsonb_build_object('type', e.type, 'properties', e.properties), p_now, p_now
    from json_populate_recordset(null::private.existing_row, p_existing) o
    join json_array_elements(p_events) sent on (sent ->> 'id')::uuid = o.event_id
    cross join lateral json_populate_record(null::private.event_row, sent) e
    where o.outcome in ('conflict', 'older');
  end if;
end
$$;
comment on function private.insert_dead_letters(json, json, json, timestamptz) is
'Writes the dead letters of a batch: p_dead, and each record whose key is stored with a different body or with a newer event. The stored event is
kept (the first body, or the newest when deliveries are reprocessed); the other body becomes a dead letter, so that a person can see it.';

create function private.record_deliveries(p_deliveries json, p_keys json, p_dead json,
  p_existing json, p_sealed bytea, p_now timestamptz)
returns void
language plpgsql volatile security invoker
set search_path = ''
as $$
begin
  with records as (
    select k.journal_id, 'accepted' as outcome, k.event_time, k.source_connection_id
    from json_populate_recordset(null::private.key_row, p_keys) k
    where json_array_length(p_existing) = 0 or k.event_id not in (select o.event_id from json_populate_recordset(null::private.existing_row, p_existing) o)
    union all
    select o.journal_id, case o.outcome when 'duplicate' then 'duplicate' when 'rewritten' then 'accepted' else 'dead_lettered' end, null, o.source_connection_id
    from json_populate_recordset(null::private.existing_row, p_existing) o
    union all
    select d.journal_id, case when d.is_quarantine then 'rejected' else 'dead_lettered' end, null, d.source_connection_id
    from json_populate_recordset(null::private.dead_row, p_dead) d
  ), deliveries as (
    select * from json_populate_recordset(null::private.delivery_row, p_deliveries)
  ), journalled as (
    insert into public.event_journal (id, org_id, source_connection_id, received_at, content_type, byte_size, body_sha256, record_count, outcome, is_test, replay_of, event_types)
    select d.id, d.org_id, d.source_connection_id, d.received_at, d.content_type, d.byte_size, d.body_sha256, coalesce(r.n, 0),
      -- A delivery without records (a platform's probe) is accepted.
      case when r.outcomes is null then 'accepted' when cardinality(r.outcomes) = 1 then r.outcomes[1] else 'mixed' end,
      d.is_test, d.replay_of, coalesce(d.event_types, '{}')
    from deliveries d
    left join (select journal_id, count(*)::integer as n, array_agg(distinct outcome) as outcomes from records group by journal_id) r on r.journal_id = d.id
  ), sealed as (
    insert into private.journal_payloads (journal_id, received_at, org_id, key_version, sealed)
    select d.id, d.received_at, d.org_id, d.key_version, substring(p_sealed from d.sealed_at + 1 for d.sealed_length)
    from deliveries d
  ), lags as (
    -- No lag is counted for a replay, because it would be the age of the delivery. The lag of an event from long ago is capped at a month
    -- (2,678,400 s), because the histogram ends at an hour.
    select r.*, d.replay_of is not null as is_replay,
      case when r.event_time is not null and d.replay_of is null then least(greatest(0, extract(epoch from p_now - r.event_time)), 2678400) end as lag
    from records r join deliveries d on d.id = r.journal_id
  )
  insert into public.connection_activity (org_id, source_connection_id, bucket, received, accepted, duplicates, dead_lettered, rejected,
    lag_sum_ms, lag_max_ms, lag_histogram, last_event_time, is_replay)
  select c.org_id, c.source_connection_id, date_trunc('minute', p_now), a.received, a.accepted, a.duplicates, a.dead_lettered, a.rejected,
    a.lag_sum_ms, a.lag_max_ms, a.lag_histogram, a.last_event_time, a.is_replay
  from (select distinct org_id, source_connection_id from deliveries) c
  join (
    select source_connection_id, is_replay,
      count(*)::integer as received,
      count(*) filter (where outcome = 'accepted')::integer as accepted,
      count(*) filter (where outcome = 'duplicate')::integer as duplicates,
      count(*) filter (where outcome = 'dead_lettered')::integer as dead_lettered,
      count(*) filter (where outcome = 'rejected')::integer as rejected,
      coalesce(sum(lag * 1000), 0)::bigint as lag_sum_ms,
      coalesce(max(lag * 1000), 0)::bigint as lag_max_ms,
      array[
        count(*) filter (where lag <= 1), count(*) filter (where lag > 1 and lag <= 2), count(*) filter (where lag > 2 and lag <= 5),
        count(*) filter (where lag > 5 and lag <= 10), count(*) filter (where lag > 10 and lag <= 30), count(*) filter (where lag > 30 and lag <= 60),
        count(*) filter (where lag > 60 and lag <= 120), count(*) filter (where lag > 120 and lag <= 300), count(*) filter (where lag > 300 and lag <= 600),
        count(*) filter (where lag > 600 and lag <= 1800), count(*) filter (where lag > 1800 and lag <= 3600), count(*) filter (where lag > 3600)
      ]::integer[] as lag_histogram,
      max(event_time) as last_event_time
    from lags group by source_connection_id, is_replay
  ) a using (source_connection_id);
end
$$;
comment on function private.record_deliveries(json, json, json, json, bytea, timestamptz) is
'Writes the deliveries of a batch with the outcomes of their records: journal, sealed bodies and counters. Part of a batch''s transaction.';

create function private.ingest_batch(p_deliveries json, p_keys json, p_events json, p_dead json, p_sealed bytea)
returns json
language plpgsql volatile security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := clock_timestamp();
  v_existing json := private.insert_events(p_keys, p_events, v_now);
begin
  perform private.insert_dead_letters(p_dead, p_events, v_existing, v_now);
  perform private.record_deliveries(p_deliveries, p_keys, p_dead, v_existing, p_sealed, v_now);
  return v_existing;
end
$$;
comment on function private.ingest_batch(json, json, json, json, bytea) is
'The only statement of the hot path. Each argument except p_sealed is an array: of private.delivery_row, of private.key_row and private.event_row
(one each per event), and of private.dead_row. p_sealed holds the sealed bodies of the whole batch. Returns an array of private.existing_row; a
record of p_keys that is not in this array is new and was stored. The function is volatile plpgsql, so that each of its statements sees the rows
that the statement before it waited for.';

create function private.rewrite_events(p_existing json, p_keys json, p_events json, p_now timestamptz)
returns json
language plpgsql volatile security invoker
set search_path = ''
as $$
declare
  v_row record;
  v_existing private.existing_row;
  v_new private.event_row;
  v_key private.event_keys;
  v_stored record;
  v_answer private.existing_row[] := '{}';
begin
  -- Of two transactions that rewrite the same event, the second waits here for the first. The keys are sorted, so that two such transactions
  -- never deadlock. A transaction that is still inserting keys holds no key that this statement waits for.
  perform from private.event_keys k
  join json_populate_recordset(null::private.key_row, p_keys) n using (source_connection_id, idempotency_key)
  where n.event_id in (select o.event_id from json_populate_recordset(null::private.existing_row, p_existing) o)
  order by k.source_connection_id, k.idempotency_key
  for update of k;

  for v_row in
    select o as existing, e as event, k.body_sha256
    from json_populate_recordset(null::private.existing_row, p_existing) o
    join json_populate_recordset(null::private.key_row, p_keys) k on k.event_id = o.event_id
    join json_populate_recordset(null::private.event_row, p_events) e on e.id = o.event_id
    order by e.received_at, e.journal_id, e.record_index
  loop
    v_existing := v_row.existing;
    v_new := v_row.event;
    select * into strict v_key from private.event_keys
    where source_connection_id = v_new.source_connection_id and idempotency_key = v_new.idempotency_key;
    -- The row lock waits for a running erasure of the event, and the statement then sees the result of the erasure.
    select journal_id, received_at, schema_version, revision, erased_at into v_stored
    from public.canonical_events where id = v_key.event_id and event_time = v_key.event_time for update;
    if v_stored.journal_id is null or v_stored.journal_id = v_new.journal_id or v_stored.erased_at is not null then
      null;
    elsif v_new.received_at < v_stored.received_at or v_new.schema_version < v_stored.schema_version then
      v_existing.outcome := 'older';
    else
      v_existing.outcome := 'rewritten';
      v_existing.revision := v_stored.revision + 1;
      update public.canonical_events
      set type = v_new.type, source_type = v_new.source_type, source_event_type = v_new.source_event_type, source_event_id = v_new.source_event_id,
        event_time = v_new.event_time, received_at = v_new.received_at, ingested_at = greatest(p_now, v_new.received_at), subject = v_new.subject,
        amount_minor = v_new.amount_minor, currency = v_new.currency, order_ref = v_new.order_ref, attribution = v_new.attribution,
        properties = v_new.properties, is_test = v_new.is_test, journal_id = v_new.journal_id, schema_version = v_new.schema_version,
        revision = v_existing.revision
      where id = v_key.event_id and event_time = v_key.event_time;
      -- The event may have moved to another partition, which the key must name.
      update private.event_keys set event_time = v_new.event_time, body_sha256 = decode(v_row.body_sha256, 'hex')
      where source_connection_id = v_key.source_connection_id and idempotency_key = v_key.idempotency_key;
    end if;
    v_answer := v_answer || v_existing;
  end loop;
  return array_to_json(v_answer);
end
$$;
comment on function private.rewrite_events(json, json, json, timestamptz) is
'Rewrites the stored events of the keys in p_existing with the events of the same keys in p_events; each event keeps its id. Returns p_existing
with the new outcomes:
  rewritten    the event was rewritten; revision is its new revision;
  older        the event was not changed, because the stored state comes from a delivery that first arrived later (received_at is the time of
               the first delivery, however often it was replayed) or from a newer version of the pipeline;
  unchanged    duplicate or conflict, as before: the same delivery has already written the key (of two records with one key, the first is
               kept), or retention or an erasure has removed the event, which is not stored again.';

create function private.replay_batch(p_deliveries json, p_keys json, p_events json, p_dead json, p_sealed bytea, p_rewrite boolean)
returns json
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_now timestamptz := clock_timestamp();
  v_existing json := private.insert_events(p_keys, p_events, v_now);
begin
  if p_rewrite and json_array_length(v_existing) > 0 then
    v_existing := private.rewrite_events(v_existing, p_keys, p_events, v_now);
  end if;
  perform private.insert_dead_letters(p_dead, p_events, v_existing, v_now);
  perform private.record_deliveries(p_deliveries, p_keys, p_dead, v_existing, p_sealed, v_now);
  return v_existing;
end
$$;
comment on function private.replay_batch(json, json, json, json, bytea, boolean) is
'Writes a batch from the journal, with the arguments and the result of private.ingest_batch. With p_rewrite, stored events are rewritten
(private.rewrite_events). Security definer, because no role has the right to change events.';

grant execute on function private.insert_events(json, json, timestamptz),
  private.insert_dead_letters(json, json, json, timestamptz),
  private.record_deliveries(json, json, json, json, bytea, timestamptz),
  private.ingest_batch(json, json, json, json, bytea) to ingest, worker;
grant execute on function private.replay_batch(json, json, json, json, bytea, boolean) to worker;
