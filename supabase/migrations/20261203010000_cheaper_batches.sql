-- The statement of every batch with fewer parts that the executor has to set up, on which a batch of one spent a fifth of its time. The rows are the same.
-- Measured on a busy machine: about 9 % less processor time of Postgres for a batch of one to sixteen purchases, at most 5 % for one of fifty.

create type private.connection_columns as (
  id uuid[],
  org_id uuid[],
  project_id uuid[]
);
comment on type private.connection_columns is
'The connections of a batch, each once, with the org and the project to which it belongs. A statement finds those of a row by the place of its connection
in id: setting up the three joins that did so before took longer than the look-ups in a batch of a few purchases.';

create function private.connections_of(p_connection_ids uuid[])
returns private.connection_columns
language plpgsql volatile
set search_path = ''
as $$
declare
  v_connections private.connection_columns;
begin
  select array_agg(c.id), array_agg(c.org_id), array_agg(c.project_id) into v_connections.id, v_connections.org_id, v_connections.project_id
  from (select id, org_id, project_id from public.source_connections where id = any (p_connection_ids) order by id for key share) c;
  if not p_connection_ids <@ coalesce(v_connections.id, '{}') then
    raise foreign_key_violation using message = 'a connection of the batch does not exist', constraint = 'connections_of_batch';
  end if;
  return v_connections;
end
$$;
comment on function private.connections_of(uuid[]) is
'The connections of a batch, read and locked against deletion once per batch as a foreign key would do for every row (measured: 18 microseconds a
purchase). The org and project of every row come from here and never from the caller. Raises foreign_key_violation for an unknown connection.';

create function private.stored_before(p_records private.record_columns)
returns private.existing_row[]
language sql volatile
set search_path = ''
set enable_seqscan = off
as $$
  select coalesce(array_agg(row(r.event_id, k.event_id,
    -- Zeros are the digest of an imported event: the file does not say which body it was made of.
    case when k.body_sha256 in (r.body_sha256, decode(repeat('00', 32), 'hex')) then 'duplicate' else 'conflict' end,
    null, r.source_connection_id, r.journal_id, r.dlq_id)::private.existing_row), '{}')
  from (select unnest(p_records.source_connection_id) as source_connection_id, unnest(p_records.idempotency_key) as idempotency_key,
    unnest(p_records.event_id) as event_id, unnest(p_records.body_sha256) as body_sha256, unnest(p_records.journal_id) as journal_id,
    unnest(p_records.dlq_id) as dlq_id) r
  cross join lateral (
    select k.event_id, k.body_sha256 from private.event_keys k
    where k.source_connection_id = r.source_connection_id and k.idempotency_key = r.idempotency_key offset 0) k
  where r.event_id <> k.event_id
$$;
comment on function private.stored_before(private.record_columns) is
'The records of a batch whose keys belong to other events. Looks each key up in the index: with a plan from a time when event_keys had few rows, every
batch with a duplicate read the whole table (measured: 188 instead of 98 microseconds a record, with some 37,000 keys).';

create function private.insert_events(p_records private.record_columns, p_connections private.connection_columns, p_now timestamptz)
returns private.existing_row[]
language plpgsql volatile
set search_path = ''
as $$
declare
  v_count integer := coalesce(cardinality(p_records.event_id), 0);
  v_new integer;
  v_existing private.existing_row[] := '{}';
  v_known uuid[] := '{}';
begin
  if v_count = 0 then
    return v_existing;
  end if;
  -- Sorted by key: two batches with the same keys lock them in the same order and never deadlock.
  -- The insert waits for another batch that is writing the same key; the next statement then sees the row of that batch.
  insert into private.event_keys (source_connection_id, idempotency_key, event_id, event_time, body_sha256, created_at)
  select source_connection_id, idempotency_key, event_id, event_time, body_sha256, p_now
  from (select unnest(p_records.source_connection_id) as source_connection_id, unnest(p_records.idempotency_key) as idempotency_key,
    unnest(p_records.event_id) as event_id, unnest(p_records.event_time) as event_time, unnest(p_records.body_sha256) as body_sha256) r
  order by source_connection_id, idempotency_key
  on conflict do nothing;
  get diagnostics v_new = row_count;

  if v_new < v_count then
    v_existing := private.stored_before(p_records);
    v_known := array(select o.event_id from unnest(v_existing) o);
  end if;

  if v_new > 0 then
    insert into public.canonical_events (id, org_id, project_id, source_connection_id, type, source_type, source_event_type, source_event_id,
      event_time, received_at, ingested_at, idempotency_key, subject, amount_minor, currency, order_ref, attribution, properties, is_test,
      journal_id, schema_version)
    select r.event_id, p_connections.org_id[array_position(p_connections.id, r.source_connection_id)],
      p_connections.project_id[array_position(p_connections.id, r.source_connection_id)], r.source_connection_id, r.type, r.source_type,
      r.source_event_type, r.source_event_id, r.event_time, r.received_at, greatest(p_now, r.received_at), r.idempotency_key, r.subject::jsonb,
      r.amount_minor, r.currency, r.order_ref, r.attribution::jsonb, r.properties::jsonb, r.is_test, r.journal_id, r.schema_version
    from (select unnest(p_records.event_id) as event_id, unnest(p_records.source_connection_id) as source_connection_id,
      unnest(p_records.type) as type, unnest(p_records.source_type) as source_type, unnest(p_records.source_event_type) as source_event_type,
      unnest(p_records.source_event_id) as source_event_id, unnest(p_records.event_time) as event_time,
      unnest(p_records.received_at) as received_at, unnest(p_records.idempotency_key) as idempotency_key, unnest(p_records.subject) as subject,
      unnest(p_records.amount_minor) as amount_minor, unnest(p_records.currency) as currency, unnest(p_records.order_ref) as order_ref,
      unnest(p_records.attribution) as attribution, unnest(p_records.properties) as properties, unnest(p_records.is_test) as is_test,
      unnest(p_records.journal_id) as journal_id, unnest(p_records.schema_version) as schema_version) r
    -- Each comparison with an array variable copies the array (measured: 1 to 4 % of a batch of records), so that it is made only when there are known keys.
    where v_new = v_count or r.event_id <> all (v_known);
  end if;
  return v_existing;
end
$$;
comment on function private.insert_events(private.record_columns, private.connection_columns, timestamptz) is
'Writes the events whose keys are new, and returns the records whose keys were stored before. p_connections: the connections of the records. Part of a
batch''s transaction.';

create function private.letters_of(p_dead private.dead_columns, p_records private.record_columns, p_existing private.existing_row[],
  p_connections private.connection_columns)
returns private.dead_row[]
language plpgsql stable
set search_path = ''
as $$
declare
  v_letters private.dead_row[] := '{}';
begin
  if p_dead.id is not null then
    v_letters := array(
      select row(d.id, s.org_id, s.project_id, s.id, d.journal_id, d.record_index, d.error_class, d.last_error_message, d.field_path,
        d.source_event_type, d.idempotency_key, d.next_retry_at, d.is_quarantine, d.sample::jsonb, d.record_key, d.record_digest, null)::private.dead_row
      from unnest(p_dead.id, p_dead.source_connection_id, p_dead.journal_id, p_dead.record_index, p_dead.error_class, p_dead.last_error_message,
        p_dead.field_path, p_dead.source_event_type, p_dead.idempotency_key, p_dead.next_retry_at, p_dead.is_quarantine, p_dead.sample,
        p_dead.record_key, p_dead.record_digest)
      with ordinality as d (id, source_connection_id, journal_id, record_index, error_class, last_error_message, field_path, source_event_type,
        idempotency_key, next_retry_at, is_quarantine, sample, record_key, record_digest, place)
      join unnest(p_connections.id, p_connections.org_id, p_connections.project_id) s (id, org_id, project_id) on s.id = d.source_connection_id
      order by d.place);
  end if;
  if cardinality(p_existing) > 0 then
    v_letters := v_letters || array(
      select row(o.dlq_id, s.org_id, s.project_id, s.id, o.journal_id, r.record_index,
        case o.outcome when 'older' then 'OLDER_REVISION' else 'DUPLICATE_EVENT' end,
        case o.outcome when 'older' then 'a newer delivery or a newer version of the pipeline has written the stored event '
          else 'another body was stored first under the same idempotency key, as event ' end || o.stored_event_id,
        null, r.source_event_type, r.idempotency_key, null, false, jsonb_build_object('type', r.type, 'properties', r.properties::jsonb),
        encode(private.other_body_key(encode(r.body_sha256, 'hex'), o.stored_event_id), 'hex'), encode(r.body_sha256, 'hex'),
        o.stored_event_id)::private.dead_row
      from unnest(p_existing) o
      join private.records_of(p_records) with ordinality r on r.event_id = o.event_id
      join unnest(p_connections.id, p_connections.org_id, p_connections.project_id) s (id, org_id, project_id) on s.id = r.source_connection_id
      where o.outcome in ('conflict', 'older')
      order by r.ordinality);
  end if;
  return v_letters;
end
$$;
comment on function private.letters_of(private.dead_columns, private.record_columns, private.existing_row[], private.connection_columns) is
'The dead letters of a batch: p_dead, and each record whose key is stored with a different body or with a newer event. The stored event is kept (the
first body wins, also under concurrency).';

create function private.record_deliveries(p_deliveries private.delivery_columns, p_records private.record_columns, p_dead private.dead_columns,
  p_existing private.existing_row[], p_connections private.connection_columns, p_now timestamptz)
returns void
language plpgsql volatile
set search_path = ''
as $$
declare
  v_replays uuid[];
  -- The records as they are counted: their connections, deliveries, the times of new events, and the outcomes other than accepted. An accepted record
  -- has none, because comparing the texts of all records took 1.5 of 40 microseconds a record.
  v_connections uuid[] := p_records.source_connection_id;
  v_journals uuid[] := p_records.journal_id;
  v_times timestamptz[] := p_records.event_time;
  v_outcomes text[];
  -- The deliveries with records that were not accepted: how many of these there are, and their outcome.
  v_mixed uuid[];
  v_mixed_counts integer[];
  v_mixed_outcomes text[];
begin
  if p_deliveries.part is not null then
    perform private.complete_deliveries(p_deliveries, p_records, p_dead, p_existing);
  end if;
  if p_deliveries.replay_of is not null then
    v_replays := array(select d.id from unnest(p_deliveries.id, p_deliveries.replay_of) d (id, replay_of) where d.replay_of is not null);
  end if;
  if p_dead.id is not null or cardinality(p_existing) > 0 then
    select array_agg(o.source_connection_id), array_agg(o.journal_id), array_agg(o.event_time), array_agg(o.outcome)
    into v_connections, v_journals, v_times, v_outcomes
    from (
      select r.source_connection_id, r.journal_id, r.event_time, null as outcome
      from unnest(p_records.source_connection_id, p_records.journal_id, p_records.event_time, p_records.event_id)
        r (source_connection_id, journal_id, event_time, event_id)
      where r.event_id not in (select e.event_id from unnest(p_existing) e)
      union all
      select e.source_connection_id, e.journal_id, null,
        case e.outcome when 'duplicate' then 'duplicate' when 'rewritten' then null else 'dead_lettered' end
      from unnest(p_existing) e
      union all
      select d.source_connection_id, d.journal_id, null, case when d.is_quarantine then 'rejected' else 'dead_lettered' end
      from unnest(p_dead.source_connection_id, p_dead.journal_id, p_dead.is_quarantine) d (source_connection_id, journal_id, is_quarantine)
    ) o;
    select array_agg(m.journal_id), array_agg(m.n), array_agg(m.outcome) into v_mixed, v_mixed_counts, v_mixed_outcomes
    from (
      select o.journal_id, count(*)::integer as n, case when min(o.outcome) = max(o.outcome) then min(o.outcome) else 'mixed' end as outcome
      from unnest(v_journals, v_outcomes) o (journal_id, outcome)
      where o.outcome is not null group by o.journal_id
    ) m;
  end if;

  insert into public.event_journal (id, org_id, source_connection_id, received_at, content_type, byte_size, body_sha256, record_count, outcome,
    is_test, replay_of, event_types)
  select d.id, p_connections.org_id[array_position(p_connections.id, d.source_connection_id)], d.source_connection_id, d.received_at, d.content_type,
    d.byte_size, d.body_sha256, d.record_count,
    case when d.part = 'first' then 'incomplete' when d.mixed is null then 'accepted'
      when v_mixed_counts[d.mixed] = d.record_count then v_mixed_outcomes[d.mixed] else 'mixed' end,
    d.is_test, d.replay_of, coalesce(p_deliveries.event_types[d.types_from : d.types_to], '{}')
  from (select unnest(p_deliveries.id) as id, unnest(p_deliveries.source_connection_id) as source_connection_id,
    unnest(p_deliveries.received_at) as received_at, unnest(p_deliveries.content_type) as content_type,
    unnest(p_deliveries.byte_size) as byte_size, unnest(p_deliveries.body_sha256) as body_sha256,
    unnest(p_deliveries.record_count) as record_count, unnest(p_deliveries.is_test) as is_test, unnest(p_deliveries.replay_of) as replay_of,
    unnest(p_deliveries.event_types_from) as types_from, unnest(p_deliveries.event_types_to) as types_to, unnest(p_deliveries.part) as part) u,
    lateral (select u.*, array_position(v_mixed, u.id) as mixed) d
  where d.part is null or d.part = 'first';

  insert into private.journal_payloads (journal_id, received_at, org_id, key_version, sealed)
  select d.id, d.received_at, p_connections.org_id[array_position(p_connections.id, d.source_connection_id)], d.key_version, d.sealed
  from (select unnest(p_deliveries.id) as id, unnest(p_deliveries.received_at) as received_at,
    unnest(p_deliveries.source_connection_id) as source_connection_id, unnest(p_deliveries.key_version) as key_version,
    unnest(p_deliveries.sealed) as sealed, unnest(p_deliveries.part) as part) d
  where d.part is null or d.part = 'first';

  insert into public.connection_activity (org_id, source_connection_id, bucket, received, accepted, duplicates, dead_lettered, rejected,
    lag_sum_ms, lag_max_ms, lag_histogram, last_event_time, is_replay)
  select p_connections.org_id[array_position(p_connections.id, a.source_connection_id)], a.source_connection_id, date_trunc('minute', p_now), a.received,
    a.accepted, a.duplicates, a.dead_lettered, a.rejected, a.lag_sum_ms, a.lag_max_ms, a.lag_histogram, a.last_event_time, a.is_replay
  from (
    select source_connection_id, is_replay,
      count(*)::integer as received,
      count(*) filter (where outcome is null)::integer as accepted,
      count(*) filter (where outcome = 'duplicate')::integer as duplicates,
      count(*) filter (where outcome = 'dead_lettered')::integer as dead_lettered,
      count(*) filter (where outcome = 'rejected')::integer as rejected,
      coalesce(sum(lag) / 1000, 0)::bigint as lag_sum_ms,
      coalesce(max(lag) / 1000.0, 0)::bigint as lag_max_ms,
      array[
        count(*) filter (where lag_place = 0), count(*) filter (where lag_place = 1), count(*) filter (where lag_place = 2),
        count(*) filter (where lag_place = 3), count(*) filter (where lag_place = 4), count(*) filter (where lag_place = 5),
        count(*) filter (where lag_place = 6), count(*) filter (where lag_place = 7), count(*) filter (where lag_place = 8),
        count(*) filter (where lag_place = 9), count(*) filter (where lag_place = 10), count(*) filter (where lag_place = 11)
      ]::integer[] as lag_histogram,
      max(event_time) as last_event_time
    from (
      -- offset 0: the planner would otherwise compute the lag and its place once for each counter (measured: 3 of 40 microseconds a record).
      select r.*, width_bucket(r.lag, '{1000001, 2000001, 5000001, 10000001, 30000001, 60000001, 120000001, 300000001, 600000001, 1800000001,
        3600000001}'::bigint[]) as lag_place
      from (
        -- The lag in microseconds. A replay counts no lag, because it would be the age of the delivery. The lag of an event from long ago counts
        -- as a month at most (2,678,400 s), because the histogram ends at an hour: the bounds are 1, 2, 5, 10 and 30 s, and 1, 2, 5, 10, 30 and 60 min.
        select n.source_connection_id, n.outcome, n.event_time, v_replays is not null and n.journal_id = any (v_replays) as is_replay,
          case when n.event_time is not null and (v_replays is null or n.journal_id <> all (v_replays))
            then (least(greatest(0, date_part('epoch', p_now - n.event_time)), 2678400) * 1000000)::bigint end as lag
        from (select unnest(v_connections) as source_connection_id, unnest(v_journals) as journal_id, unnest(v_times) as event_time,
          unnest(v_outcomes) as outcome) n
        offset 0
      ) r
      offset 0
    ) l
    group by source_connection_id, is_replay
  ) a;
end
$$;
comment on function private.record_deliveries(private.delivery_columns, private.record_columns, private.dead_columns, private.existing_row[],
  private.connection_columns, timestamptz) is
'Writes the deliveries of a batch with the outcomes of their records: journal, sealed bodies and counters. Of a delivery that is written in parts,
the first writes the row, and the last completes it. Part of a batch''s transaction.';

create or replace function private.ingest_batch(p_deliveries private.delivery_columns, p_records private.record_columns, p_dead private.dead_columns)
returns json
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_now timestamptz := clock_timestamp();
  v_connections private.connection_columns := private.connections_of(p_deliveries.source_connection_id || p_records.source_connection_id || p_dead.source_connection_id);
  v_existing private.existing_row[];
  v_repeats json;
begin
  if p_records.former_key is not null then
    perform private.adopt_former_keys(p_records);
  end if;
  v_existing := private.insert_events(p_records, v_connections, v_now);
  if p_dead.id is not null or cardinality(v_existing) > 0 then
    v_repeats := private.raise_letters(private.letters_of(p_dead, p_records, v_existing, v_connections), v_now);
  end if;
  perform private.record_deliveries(p_deliveries, p_records, p_dead, v_existing, v_connections, v_now);
  if v_repeats is null then
    return array_to_json(v_existing);
  end if;
  return private.with_repeats(array_to_json(v_existing), v_repeats);
end
$$;

create or replace function private.replay_batch(p_deliveries private.delivery_columns, p_records private.record_columns, p_dead private.dead_columns, p_rewrite boolean)
returns json
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_now timestamptz := clock_timestamp();
  v_connections private.connection_columns := private.connections_of(p_deliveries.source_connection_id || p_records.source_connection_id || p_dead.source_connection_id);
  v_existing private.existing_row[];
  v_repeats json;
begin
  if p_records.former_key is not null then
    perform private.adopt_former_keys(p_records);
  end if;
  v_existing := private.insert_events(p_records, v_connections, v_now);
  if p_rewrite and cardinality(v_existing) > 0 then
    v_existing := private.rewrite_events(v_existing, p_records, v_now);
  end if;
  v_repeats := private.settle_replayed(private.letters_of(p_dead, p_records, v_existing, v_connections), p_deliveries, p_records, v_existing, v_now);
  perform private.record_deliveries(p_deliveries, p_records, p_dead, v_existing, v_connections, v_now);
  if v_repeats is null then
    return array_to_json(v_existing);
  end if;
  return private.with_repeats(array_to_json(v_existing), v_repeats);
end
$$;

create or replace function private.settle_dead_letters(p_owner uuid, p_entries json, p_records private.record_columns)
returns json
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_now timestamptz := clock_timestamp();
  v_claimed integer;
  v_existing private.existing_row[];
  v_settled json;
begin
  -- Keys are written before entries are locked, in the order in which every batch does so: otherwise the two could deadlock.
  begin
    if p_records.former_key is not null then
      perform private.adopt_former_keys(p_records);
    end if;
    v_existing := private.insert_events(p_records, private.connections_of(p_records.source_connection_id), v_now);
    select count(*) into v_claimed from (
      select d.id from public.dlq_events d join json_to_recordset(p_entries) as e (id uuid) on e.id = d.id
      where d.status = 'retrying' and d.lease_owner = p_owner
      order by d.source_connection_id, d.record_key, d.id for update of d) claimed;
    if v_claimed < json_array_length(p_entries) then
      raise exception using errcode = 'TBCL1', message = 'the claim to an entry is lost';
    end if;
  exception when sqlstate 'TBCL1' then
    -- The events are rolled back.
    return null;
  end;

  with entries as (
    select e.*, r.event_time, o.stored_event_id,
      case when e.outcome = 'event' then coalesce(o.outcome, 'accepted') else e.outcome end as result,
      case when o.outcome = 'conflict' then private.other_body_key(encode(r.body_sha256, 'hex'), o.stored_event_id) else decode(e.record_key, 'hex') end as key,
      coalesce(r.body_sha256, decode(e.record_digest, 'hex')) as digest
    from json_to_recordset(p_entries) as e (id uuid, outcome text, status text, retry_seconds numeric, conflict_status text, error_class text,
      last_error_message text, field_path text, source_event_type text, idempotency_key text, sample jsonb, record_key text, record_digest text)
    left join private.records_of(p_records) r on r.dlq_id = e.id
    left join unnest(v_existing) o on o.dlq_id = e.id
  ), settled as (
    update public.dlq_events d set
      status = case e.result when 'conflict' then e.conflict_status else e.status end,
      next_retry_at = v_now + make_interval(secs => e.retry_seconds::double precision),
      error_class = case e.result when 'conflict' then 'DUPLICATE_EVENT' else coalesce(e.error_class, d.error_class) end,
      last_error_message = case e.result
        when 'conflict' then 'another body was stored first under the same idempotency key, as event ' || e.stored_event_id
        else coalesce(e.last_error_message, d.last_error_message) end,
      stored_event_id = case when e.result = 'conflict' then e.stored_event_id when e.error_class is null then d.stored_event_id end,
      field_path = case when e.result = 'conflict' then null when e.error_class is null then d.field_path else e.field_path end,
      source_event_type = coalesce(e.source_event_type, d.source_event_type),
      idempotency_key = coalesce(e.idempotency_key, d.idempotency_key),
      sample = coalesce(e.sample, d.sample),
      record_key = case when e.result in ('conflict', 'failed') and not d.is_quarantine
        then coalesce(private.free_record_key(d.source_connection_id, e.key, d.id), d.record_key) else d.record_key end,
      record_digest = case when e.result in ('conflict', 'failed') and not d.is_quarantine then coalesce(e.digest, d.record_digest) else d.record_digest end
    from entries e where d.id = e.id
    returning d.id, d.status, d.org_id, d.source_connection_id, d.is_quarantine, e.result, e.event_time
  ), counted as (
    insert into public.connection_activity (org_id, source_connection_id, bucket, received, accepted, duplicates, dead_lettered, rejected,
      lag_histogram, last_event_time, is_replay)
    select s.org_id, s.source_connection_id, date_trunc('minute', v_now), count(*),
      count(*) filter (where s.result = 'accepted'), count(*) filter (where s.result = 'duplicate'),
      count(*) filter (where s.result = 'conflict' or (s.result = 'failed' and not s.is_quarantine)),
      count(*) filter (where s.result = 'failed' and s.is_quarantine),
      array_fill(0, array[12]), max(s.event_time) filter (where s.result = 'accepted'), true
    from settled s where s.result not in ('delivered', 'lost')
    group by s.org_id, s.source_connection_id
  )
  select coalesce(json_agg(json_build_object('id', s.id, 'status', s.status)), '[]') into v_settled from settled s;
  return v_settled;
end
$$;

create or replace function private.import_events(p_connection_id uuid, p_events jsonb)
returns table(stored integer, restored integer, duplicates integer)
language plpgsql volatile security definer
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
  perform private.connections_of(array[p_connection_id]);
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

drop function private.insert_events(private.record_columns, private.connection_scope[], timestamptz);
drop function private.letters_of(private.dead_columns, private.record_columns, private.existing_row[], private.connection_scope[]);
drop function private.record_deliveries(private.delivery_columns, private.record_columns, private.dead_columns, private.existing_row[], private.connection_scope[], timestamptz);
drop function private.scopes_of(uuid[]);
drop type private.connection_scope;
