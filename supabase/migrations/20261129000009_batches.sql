-- Batches: deliveries become journal, keys, events, dead letters and activity in one transaction, which is one statement. Ingestion, replay and
-- reprocessing write the same way; reprocessing may also rewrite what is stored.

create function private.insert_events(p_keys json, p_events json, p_now timestamptz)
returns json
language plpgsql volatile security invoker
set search_path = ''
as $$
declare
  v_count integer := json_array_length(p_keys);
  v_new uuid[] := '{}';
  v_old json := '[]';
begin
  if v_count > 0 then
    -- Sorted by key: two batches that share keys take them in one order and never deadlock.
    -- Waits here for another batch that is writing the same key; the next statement then sees its row.
    with inserted as (
      insert into private.event_keys (source_connection_id, idempotency_key, event_id, event_time, body_sha256, created_at)
      select source_connection_id, idempotency_key, event_id, event_time, decode(body_sha256, 'hex'), p_now
      from json_to_recordset(p_keys) as k (source_connection_id uuid, idempotency_key text, event_id uuid, event_time timestamptz, body_sha256 text)
      order by source_connection_id, idempotency_key
      on conflict do nothing
      returning event_id
    )
    select coalesce(array_agg(event_id), '{}') into v_new from inserted;

    if cardinality(v_new) < v_count then
      select coalesce(json_agg(json_build_object(
        'event_id', k.event_id, 'stored_event_id', s.event_id, 'journal_id', k.journal_id, 'dlq_id', k.dlq_id,
        'source_connection_id', k.source_connection_id,
        'outcome', case when s.body_sha256 = decode(k.body_sha256, 'hex') then 'duplicate' else 'conflict' end)), '[]')
      into v_old
      from json_to_recordset(p_keys) as k (source_connection_id uuid, idempotency_key text, event_id uuid, body_sha256 text, journal_id uuid, dlq_id uuid)
      join private.event_keys s using (source_connection_id, idempotency_key)
      where k.event_id <> s.event_id;
    end if;

    insert into public.canonical_events (id, org_id, project_id, source_connection_id, type, source_type, source_event_type, source_event_id,
      event_time, received_at, ingested_at, idempotency_key, subject, amount_minor, currency, order_ref, attribution, properties, is_test,
      journal_id, schema_version)
    select id, org_id, project_id, source_connection_id, type, source_type, source_event_type, source_event_id,
      event_time, received_at, greatest(p_now, received_at), idempotency_key, subject, amount_minor, currency, order_ref, attribution, properties, is_test,
      journal_id, schema_version
    from json_to_recordset(p_events) as e (id uuid, org_id uuid, project_id uuid, source_connection_id uuid, type text, source_type text,
      source_event_type text, source_event_id text, event_time timestamptz, received_at timestamptz, idempotency_key text, subject jsonb,
      amount_minor bigint, currency text, order_ref text, attribution jsonb, properties jsonb, is_test boolean, journal_id uuid, schema_version integer)
    where cardinality(v_new) = v_count or id = any (v_new);
  end if;
  return v_old;
end
$$;
comment on function private.insert_events(json, json, timestamptz) is
'Writes what is new of p_events and returns the rest, as private.ingest_batch documents both. Part of a batch''s transaction.';

create function private.settle_batch(p_deliveries json, p_keys json, p_events json, p_dead json, p_sealed bytea, p_old json, p_now timestamptz)
returns void
language plpgsql volatile security invoker
set search_path = ''
as $$
begin
  -- Guarded: even with nothing to insert, the join below would parse the whole of p_events (measured: a third of the batch).
  if json_array_length(p_dead) > 0 or json_array_length(p_old) > 0 then
    insert into public.dlq_events (id, org_id, project_id, source_connection_id, journal_id, record_index, error_class, last_error_message,
      field_path, source_event_type, idempotency_key, next_retry_at, is_quarantine, sample, created_at, updated_at)
    select id, org_id, project_id, source_connection_id, journal_id, record_index, error_class, last_error_message,
      field_path, source_event_type, idempotency_key, next_retry_at, is_quarantine, sample, p_now, p_now
    from json_to_recordset(p_dead) as d (id uuid, org_id uuid, project_id uuid, source_connection_id uuid, journal_id uuid, record_index integer,
      error_class text, last_error_message text, field_path text, source_event_type text, idempotency_key text, next_retry_at timestamptz,
      is_quarantine boolean, sample jsonb)
    union all
    -- The first body under a key stands, or the newest where deliveries are reprocessed; another one is kept for a person to see.
    select o.dlq_id, e.org_id, e.project_id, e.source_connection_id, o.journal_id, e.record_index,
      case o.outcome when 'older' then 'OLDER_REVISION' else 'DUPLICATE_EVENT' end,
      case o.outcome when 'older' then 'a newer delivery, or a newer version of the pipeline, made what is stored as event '
        else 'another body was stored first under the same idempotency key, as event ' end || o.stored_event_id,
      null, e.source_event_type, e.idempotency_key, null, false, jsonb_build_object('type', e.type, 'properties', e.properties), p_now, p_now
    from json_to_recordset(p_old) as o (event_id uuid, stored_event_id uuid, journal_id uuid, dlq_id uuid, outcome text)
    join json_to_recordset(p_events) as e (id uuid, org_id uuid, project_id uuid, source_connection_id uuid, record_index integer,
      source_event_type text, idempotency_key text, type text, properties jsonb) on e.id = o.event_id
    where o.outcome in ('conflict', 'older');
  end if;

  with records as (
    select k.journal_id, 'accepted' as outcome, k.event_time, k.source_connection_id
    from json_to_recordset(p_keys) as k (event_id uuid, journal_id uuid, event_time timestamptz, source_connection_id uuid)
    where json_array_length(p_old) = 0
      or k.event_id not in (select o.event_id from json_to_recordset(p_old) as o (event_id uuid))
    union all
    select o.journal_id, case o.outcome when 'duplicate' then 'duplicate' when 'rewritten' then 'accepted' else 'dead_lettered' end, null, o.source_connection_id
    from json_to_recordset(p_old) as o (journal_id uuid, outcome text, source_connection_id uuid)
    union all
    select d.journal_id, case when d.is_quarantine then 'rejected' else 'dead_lettered' end, null, d.source_connection_id
    from json_to_recordset(p_dead) as d (journal_id uuid, is_quarantine boolean, source_connection_id uuid)
  ), deliveries as (
    select * from json_to_recordset(p_deliveries) as d (id uuid, org_id uuid, source_connection_id uuid, received_at timestamptz,
      content_type text, byte_size integer, body_sha256 text, is_test boolean, replay_of uuid, event_types text[], key_version integer, sealed_at integer, sealed_length integer)
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
    -- A replay's lag would be the age of its delivery. Of an event from long ago it says no more than a month: the histogram ends at an hour.
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
comment on function private.settle_batch(json, json, json, json, bytea, json, timestamptz) is
'Writes what follows the events of a batch: dead letters, journal, sealed bodies and counters. Part of its transaction. p_old: the records of
p_keys that were not new, as private.insert_events and private.rewrite_events return them.';

create function private.ingest_batch(p_deliveries json, p_keys json, p_events json, p_dead json, p_sealed bytea)
returns json
language plpgsql volatile security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := clock_timestamp();
  v_old json := private.insert_events(p_keys, p_events, v_now);
begin
  perform private.settle_batch(p_deliveries, p_keys, p_events, p_dead, p_sealed, v_old, v_now);
  return v_old;
end
$$;
comment on function private.ingest_batch(json, json, json, json, bytea) is
'The one entry of the hot path.
p_deliveries: [{ id, org_id, project_id, source_connection_id, received_at, content_type, byte_size, body_sha256, is_test, replay_of, event_types,
                 key_version, sealed_at, sealed_length }]; sealed_at and sealed_length cut the sealed body out of p_sealed
                 (one bytea for the whole batch: binary on the wire, nothing encoded).
p_keys:       [{ source_connection_id, idempotency_key, event_id, event_time, body_sha256 (hex), journal_id, dlq_id }], one per event;
                 dlq_id is used where the key turns out to be taken by a different body.
p_events:     rows of canonical_events, one per key.
p_dead:       rows of dlq_events.
Returns, for the records of p_keys that were not new, [{ event_id, outcome: ''duplicate'' | ''conflict'', stored_event_id }].
A record of p_keys that is not in the answer is new and stored.';

create function private.rewrite_events(p_old json, p_keys json, p_events json, p_now timestamptz)
returns json
language plpgsql volatile security invoker
set search_path = ''
as $$
declare
  v_new record;
  v_key private.event_keys;
  v_stored record;
  v_outcome text;
  v_answer jsonb[] := '{}';
begin
  -- Two that rewrite the same event follow one another here. Sorted, so that they never deadlock; and whoever still inserts keys holds none
  -- that a batch which has come this far waits for.
  perform from private.event_keys k
  join json_to_recordset(p_keys) as n (source_connection_id uuid, idempotency_key text, event_id uuid) using (source_connection_id, idempotency_key)
  where n.event_id in (select o.event_id from json_to_recordset(p_old) as o (event_id uuid))
  order by k.source_connection_id, k.idempotency_key
  for update of k;

  for v_new in
    select o.known, o.outcome, n.body_sha256, e.*
    from (select value as known, (value ->> 'event_id')::uuid as event_id, value ->> 'outcome' as outcome from json_array_elements(p_old)) o
    join json_to_recordset(p_keys) as n (event_id uuid, body_sha256 text) using (event_id)
    join json_to_recordset(p_events) as e (id uuid, source_connection_id uuid, type text, source_type text, source_event_type text,
      source_event_id text, event_time timestamptz, received_at timestamptz, idempotency_key text, subject jsonb, amount_minor bigint,
      currency text, order_ref text, attribution jsonb, properties jsonb, is_test boolean, journal_id uuid, schema_version integer,
      record_index integer) on e.id = o.event_id
    order by e.received_at, e.journal_id, e.record_index
  loop
    select * into strict v_key from private.event_keys
    where source_connection_id = v_new.source_connection_id and idempotency_key = v_new.idempotency_key;
    -- Locked: whoever erases it just now is waited for, and seen.
    select journal_id, received_at, schema_version, revision, erased_at into v_stored
    from public.canonical_events where id = v_key.event_id and event_time = v_key.event_time for update;
    if v_stored.journal_id is null or v_stored.journal_id = v_new.journal_id or v_stored.erased_at is not null then
      v_outcome := v_new.outcome;
    elsif v_new.received_at < v_stored.received_at or v_new.schema_version < v_stored.schema_version then
      v_outcome := 'older';
    else
      v_outcome := 'rewritten';
      update public.canonical_events
      set type = v_new.type, source_type = v_new.source_type, source_event_type = v_new.source_event_type, source_event_id = v_new.source_event_id,
        event_time = v_new.event_time, received_at = v_new.received_at, ingested_at = greatest(p_now, v_new.received_at), subject = v_new.subject,
        amount_minor = v_new.amount_minor, currency = v_new.currency, order_ref = v_new.order_ref, attribution = v_new.attribution,
        properties = v_new.properties, is_test = v_new.is_test, journal_id = v_new.journal_id, schema_version = v_new.schema_version,
        revision = v_stored.revision + 1
      where id = v_key.event_id and event_time = v_key.event_time;
      -- The event may have moved to another partition: its key says where it is.
      update private.event_keys set event_time = v_new.event_time, body_sha256 = decode(v_new.body_sha256, 'hex')
      where source_connection_id = v_key.source_connection_id and idempotency_key = v_key.idempotency_key;
    end if;
    v_answer := v_answer || (v_new.known::jsonb || jsonb_build_object('outcome', v_outcome,
      'revision', case v_outcome when 'rewritten' then v_stored.revision + 1 end));
  end loop;
  return array_to_json(v_answer);
end
$$;
comment on function private.rewrite_events(json, json, json, timestamptz) is
'Rewrites the stored events under the keys of p_old with the same keys'' p_events; each keeps its id. Returns p_old with what became of them:
  ''rewritten''  with the revision it has now;
  ''older''      the delivery first arrived before the one whose state is stored (received_at is that of the first delivery, however often it
               was replayed), or an older version of the pipeline made it: what is stored stays;
  as it was    the same delivery wrote the key already (two records of one key: the first stands), or the event is gone by retention or
               erasure and does not come back. An event that was erased stays erased.';

create function private.replay_batch(p_deliveries json, p_keys json, p_events json, p_dead json, p_sealed bytea, p_rewrite boolean)
returns json
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_now timestamptz := clock_timestamp();
  v_old json := private.insert_events(p_keys, p_events, v_now);
begin
  if p_rewrite and json_array_length(v_old) > 0 then
    v_old := private.rewrite_events(v_old, p_keys, p_events, v_now);
  end if;
  perform private.settle_batch(p_deliveries, p_keys, p_events, p_dead, p_sealed, v_old, v_now);
  return v_old;
end
$$;
comment on function private.replay_batch(json, json, json, json, bytea, boolean) is
'A batch out of the journal, as private.ingest_batch takes and answers it; with p_rewrite, stored events are rewritten (private.rewrite_events).
Security definer, because no role holds the right to change events.';

grant execute on function private.insert_events(json, json, timestamptz), private.settle_batch(json, json, json, json, bytea, json, timestamptz),
  private.ingest_batch(json, json, json, json, bytea) to ingest, worker;
grant execute on function private.replay_batch(json, json, json, json, bytea, boolean) to worker;
