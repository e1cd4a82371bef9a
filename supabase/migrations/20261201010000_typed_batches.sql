-- The batch as typed arrays: one array per column, and one set of columns for a key and its event, which are one record.

create type private.delivery_columns as (
  id uuid[],
  source_connection_id uuid[],
  received_at timestamptz[],
  content_type text[],
  byte_size integer[],
  body_sha256 text[],
  record_count integer[],       -- of all parts, when the delivery is written in parts
  is_test boolean[],
  replay_of uuid[],
  event_types text[],           -- those of all deliveries, one after the other
  event_types_from integer[],   -- the places in event_types of the delivery's first and last type
  event_types_to integer[],
  key_version integer[],
  sealed bytea[],
  part text[],                  -- 'first', 'next' or 'last'; null when the delivery is written whole
  outcomes_before text[],       -- in the last part, the outcomes of the records of earlier parts
  outcomes_before_from integer[],
  outcomes_before_to integer[]
);
comment on type private.delivery_columns is
'The deliveries of a batch: their rows in event_journal, and their sealed bodies. An array is null when the column is null in every row.';

create type private.record_columns as (
  event_id uuid[],
  source_connection_id uuid[],
  journal_id uuid[],
  record_index integer[],
  idempotency_key text[],
  body_sha256 bytea[],
  dlq_id uuid[],                -- the id of the dead letter that the record becomes when its key is stored with another body
  type text[],
  source_type text[],
  source_event_type text[],
  source_event_id text[],
  event_time timestamptz[],
  received_at timestamptz[],
  subject text[],               -- JSON, which is parsed when the event is inserted
  amount_minor bigint[],
  currency text[],
  order_ref text[],
  attribution text[],
  properties text[],
  is_test boolean[],
  schema_version integer[],
  record_keys text[],           -- in a replay, the record_key that dead letters of the record may have
  record_keys_from integer[],
  record_keys_to integer[],
  former_key text[],
  spare_key text[]
);
comment on type private.record_columns is
'The records of a batch: the idempotency key and the event of each. An array is null when the column is null in every row.';

create type private.dead_columns as (
  id uuid[],
  source_connection_id uuid[],
  journal_id uuid[],
  record_index integer[],
  error_class text[],
  last_error_message text[],
  field_path text[],
  source_event_type text[],
  idempotency_key text[],
  next_retry_at timestamptz[],
  is_quarantine boolean[],
  sample text[],
  record_key text[],
  record_digest text[]
);
comment on type private.dead_columns is
'The records and deliveries of a batch that could not become events. An array is null when the column is null in every row.';

create type private.record_row as (
  event_id uuid,
  source_connection_id uuid,
  journal_id uuid,
  record_index integer,
  idempotency_key text,
  body_sha256 bytea,
  dlq_id uuid,
  type text,
  source_type text,
  source_event_type text,
  source_event_id text,
  event_time timestamptz,
  received_at timestamptz,
  subject text,
  amount_minor bigint,
  currency text,
  order_ref text,
  attribution text,
  properties text,
  is_test boolean,
  schema_version integer,
  record_keys text[],
  former_key text,
  spare_key text
);
comment on type private.record_row is 'One record of a batch.';

create type private.connection_scope as (
  id uuid,
  org_id uuid,
  project_id uuid
);
comment on type private.connection_scope is 'A connection of a batch, with the org and the project to which it belongs.';

create function private.records_of(p_records private.record_columns)
returns setof private.record_row
language sql immutable
set search_path = ''
as $$
  select r.event_id, r.source_connection_id, r.journal_id, r.record_index, r.idempotency_key, r.body_sha256, r.dlq_id, r.type, r.source_type,
    r.source_event_type, r.source_event_id, r.event_time, r.received_at, r.subject, r.amount_minor, r.currency, r.order_ref, r.attribution,
    r.properties, r.is_test, r.schema_version, p_records.record_keys[r.record_keys_from : r.record_keys_to], r.former_key, r.spare_key
  from unnest(p_records.event_id, p_records.source_connection_id, p_records.journal_id, p_records.record_index, p_records.idempotency_key,
    p_records.body_sha256, p_records.dlq_id, p_records.type, p_records.source_type, p_records.source_event_type, p_records.source_event_id,
    p_records.event_time, p_records.received_at, p_records.subject, p_records.amount_minor, p_records.currency, p_records.order_ref,
    p_records.attribution, p_records.properties, p_records.is_test, p_records.schema_version, p_records.record_keys_from,
    p_records.record_keys_to, p_records.former_key, p_records.spare_key)
  as r (event_id, source_connection_id, journal_id, record_index, idempotency_key, body_sha256, dlq_id, type, source_type, source_event_type,
    source_event_id, event_time, received_at, subject, amount_minor, currency, order_ref, attribution, properties, is_test, schema_version,
    record_keys_from, record_keys_to, former_key, spare_key)
$$;
comment on function private.records_of(private.record_columns) is
'The records of a batch as rows. The statements that every batch runs take only the columns that they need from the arrays instead.';

create function private.scopes_of(p_connection_ids uuid[])
returns private.connection_scope[]
language plpgsql volatile
set search_path = ''
as $$
declare
  v_scopes private.connection_scope[];
  v_ids uuid[];
begin
  select array_agg(row(c.id, c.org_id, c.project_id)::private.connection_scope), array_agg(c.id) into v_scopes, v_ids
  from (select id, org_id, project_id from public.source_connections where id = any (p_connection_ids) order by id for key share) c;
  if not p_connection_ids <@ coalesce(v_ids, '{}') then
    raise foreign_key_violation using message = 'a connection of the batch does not exist', constraint = 'connections_of_batch';
  end if;
  return v_scopes;
end
$$;
comment on function private.scopes_of(uuid[]) is
'The connections of a batch, read and locked against deletion once per batch as a foreign key would do for every row (measured: 18 microseconds a
purchase). The org and project of every row come from here and never from the caller. Raises foreign_key_violation for an unknown connection.';

create function private.adopt_former_keys(p_records private.record_columns)
returns void
language plpgsql volatile
set search_path = ''
as $$
begin
  perform private.convert_keys(array(
    select row(r.source_connection_id, r.idempotency_key, r.event_id, r.event_time, null, r.journal_id, r.dlq_id, null, r.former_key, r.spare_key)::private.key_row
    from private.records_of(p_records) r
    join private.event_keys s on s.source_connection_id = r.source_connection_id and s.idempotency_key = r.former_key));
end
$$;
comment on function private.adopt_former_keys(private.record_columns) is
'Converts the keys of those records of a batch that are stored under their former key, so that the batch finds them as duplicates.';

create function private.insert_events(p_records private.record_columns, p_scopes private.connection_scope[], p_now timestamptz)
returns private.existing_row[]
language plpgsql volatile
set search_path = ''
as $$
declare
  v_count integer := coalesce(cardinality(p_records.event_id), 0);
  v_new uuid[];
  v_existing private.existing_row[] := '{}';
  v_unknown bytea := decode(repeat('00', 32), 'hex');
begin
  if v_count = 0 then
    return v_existing;
  end if;
  -- Sorted by key: two batches with the same keys lock them in the same order and never deadlock.
  -- The insert waits for another batch that is writing the same key; the next statement then sees the row of that batch.
  with inserted as (
    insert into private.event_keys (source_connection_id, idempotency_key, event_id, event_time, body_sha256, created_at)
    select source_connection_id, idempotency_key, event_id, event_time, body_sha256, p_now
    from (select unnest(p_records.source_connection_id) as source_connection_id, unnest(p_records.idempotency_key) as idempotency_key,
      unnest(p_records.event_id) as event_id, unnest(p_records.event_time) as event_time, unnest(p_records.body_sha256) as body_sha256) r
    order by source_connection_id, idempotency_key
    on conflict do nothing
    returning event_id
  )
  select coalesce(array_agg(event_id), '{}') into v_new from inserted;

  if cardinality(v_new) < v_count then
    select coalesce(array_agg(row(r.event_id, k.event_id,
      -- Zeros are the digest of an imported event: the file does not say which body it was made of.
      case when k.body_sha256 in (r.body_sha256, v_unknown) then 'duplicate' else 'conflict' end,
      null, r.source_connection_id, r.journal_id, r.dlq_id)::private.existing_row), '{}')
    into v_existing
    from (select unnest(p_records.source_connection_id) as source_connection_id, unnest(p_records.idempotency_key) as idempotency_key,
      unnest(p_records.event_id) as event_id, unnest(p_records.body_sha256) as body_sha256, unnest(p_records.journal_id) as journal_id,
      unnest(p_records.dlq_id) as dlq_id) r
    join private.event_keys k using (source_connection_id, idempotency_key)
    where r.event_id <> k.event_id;
  end if;

  if cardinality(v_new) > 0 then
    insert into public.canonical_events (id, org_id, project_id, source_connection_id, type, source_type, source_event_type, source_event_id,
      event_time, received_at, ingested_at, idempotency_key, subject, amount_minor, currency, order_ref, attribution, properties, is_test,
      journal_id, schema_version)
    select r.event_id, s.org_id, s.project_id, s.id, r.type, r.source_type, r.source_event_type, r.source_event_id,
      r.event_time, r.received_at, greatest(p_now, r.received_at), r.idempotency_key, r.subject::jsonb, r.amount_minor, r.currency, r.order_ref,
      r.attribution::jsonb, r.properties::jsonb, r.is_test, r.journal_id, r.schema_version
    from (select unnest(p_records.event_id) as event_id, unnest(p_records.source_connection_id) as source_connection_id,
      unnest(p_records.type) as type, unnest(p_records.source_type) as source_type, unnest(p_records.source_event_type) as source_event_type,
      unnest(p_records.source_event_id) as source_event_id, unnest(p_records.event_time) as event_time,
      unnest(p_records.received_at) as received_at, unnest(p_records.idempotency_key) as idempotency_key, unnest(p_records.subject) as subject,
      unnest(p_records.amount_minor) as amount_minor, unnest(p_records.currency) as currency, unnest(p_records.order_ref) as order_ref,
      unnest(p_records.attribution) as attribution, unnest(p_records.properties) as properties, unnest(p_records.is_test) as is_test,
      unnest(p_records.journal_id) as journal_id, unnest(p_records.schema_version) as schema_version) r
    join unnest(p_scopes) s on s.id = r.source_connection_id
    where cardinality(v_new) = v_count or r.event_id = any (v_new);
  end if;
  return v_existing;
end
$$;
comment on function private.insert_events(private.record_columns, private.connection_scope[], timestamptz) is
'Writes the events whose keys are new, and returns the records whose keys were stored before. p_scopes: the connections of the records. Part of a
batch''s transaction.';

create function private.letters_of(p_dead private.dead_columns, p_records private.record_columns, p_existing private.existing_row[],
  p_scopes private.connection_scope[])
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
      join unnest(p_scopes) s on s.id = d.source_connection_id
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
      join unnest(p_scopes) s on s.id = r.source_connection_id
      where o.outcome in ('conflict', 'older')
      order by r.ordinality);
  end if;
  return v_letters;
end
$$;
comment on function private.letters_of(private.dead_columns, private.record_columns, private.existing_row[], private.connection_scope[]) is
'The dead letters of a batch: p_dead, and each record whose key is stored with a different body or with a newer event. The stored event is kept (the
first body wins, also under concurrency).';

create function private.complete_deliveries(p_deliveries private.delivery_columns, p_records private.record_columns, p_dead private.dead_columns,
  p_existing private.existing_row[])
returns void
language sql volatile
set search_path = ''
as $$
  with last_parts as (
    select d.id, d.received_at, p_deliveries.outcomes_before[d.outcomes_from : d.outcomes_to] as outcomes_before
    from unnest(p_deliveries.id, p_deliveries.received_at, p_deliveries.part, p_deliveries.outcomes_before_from, p_deliveries.outcomes_before_to)
      as d (id, received_at, part, outcomes_from, outcomes_to)
    where d.part = 'last'
  ), outcomes as (
    select l.id, unnest(l.outcomes_before) as outcome from last_parts l
    union
    select r.journal_id, 'accepted' from unnest(p_records.journal_id, p_records.event_id) r (journal_id, event_id)
    where r.event_id not in (select o.event_id from unnest(p_existing) o)
    union
    select o.journal_id, case o.outcome when 'duplicate' then 'duplicate' when 'rewritten' then 'accepted' else 'dead_lettered' end from unnest(p_existing) o
    union
    select d.journal_id, 'dead_lettered' from unnest(p_dead.journal_id) d (journal_id)
  )
  update public.event_journal j
  set outcome = (select case when count(*) = 1 then min(o.outcome) else 'mixed' end from outcomes o where o.id = j.id)
  from last_parts l
  where j.id = l.id and j.received_at = l.received_at and j.outcome = 'incomplete'
$$;
comment on function private.complete_deliveries(private.delivery_columns, private.record_columns, private.dead_columns, private.existing_row[]) is
'Sets the outcomes of the deliveries whose last part is in the batch; the arguments are those of private.record_deliveries. Part of a batch''s
transaction.';

create function private.record_deliveries(p_deliveries private.delivery_columns, p_records private.record_columns, p_dead private.dead_columns,
  p_existing private.existing_row[], p_scopes private.connection_scope[], p_now timestamptz)
returns void
language plpgsql volatile
set search_path = ''
as $$
declare
  v_known uuid[] := '{}';
  v_replays uuid[] := '{}';
begin
  if cardinality(p_existing) > 0 then
    v_known := array(select o.event_id from unnest(p_existing) o);
  end if;
  if p_deliveries.part is not null then
    perform private.complete_deliveries(p_deliveries, p_records, p_dead, p_existing);
  end if;
  if p_deliveries.replay_of is not null then
    v_replays := array(select d.id from unnest(p_deliveries.id, p_deliveries.replay_of) d (id, replay_of) where d.replay_of is not null);
  end if;

  with others as (
    -- The records that are not new events, which are few or none.
    select o.journal_id, o.source_connection_id, case o.outcome when 'duplicate' then 'duplicate' when 'rewritten' then 'accepted' else 'dead_lettered' end as outcome from unnest(p_existing) o
    union all
    select d.journal_id, d.source_connection_id, case when d.is_quarantine then 'rejected' else 'dead_lettered' end
    from unnest(p_dead.journal_id, p_dead.source_connection_id, p_dead.is_quarantine) d (journal_id, source_connection_id, is_quarantine)
  ), deliveries as (
    select d.*, s.org_id
    from (select unnest(p_deliveries.id) as id, unnest(p_deliveries.source_connection_id) as source_connection_id,
      unnest(p_deliveries.received_at) as received_at, unnest(p_deliveries.content_type) as content_type,
      unnest(p_deliveries.byte_size) as byte_size, unnest(p_deliveries.body_sha256) as body_sha256,
      unnest(p_deliveries.record_count) as record_count, unnest(p_deliveries.is_test) as is_test, unnest(p_deliveries.replay_of) as replay_of,
      unnest(p_deliveries.event_types_from) as types_from, unnest(p_deliveries.event_types_to) as types_to,
      unnest(p_deliveries.key_version) as key_version, unnest(p_deliveries.sealed) as sealed, unnest(p_deliveries.part) as part) d
    join unnest(p_scopes) s on s.id = d.source_connection_id
    where d.part is null or d.part = 'first'
  ), journalled as (
    insert into public.event_journal (id, org_id, source_connection_id, received_at, content_type, byte_size, body_sha256, record_count, outcome, is_test, replay_of, event_types)
    select d.id, d.org_id, d.source_connection_id, d.received_at, d.content_type, d.byte_size, d.body_sha256, d.record_count,
      case when d.part = 'first' then 'incomplete' when o.n is null then 'accepted' when o.n = d.record_count and o.low = o.high then o.low else 'mixed' end,
      d.is_test, d.replay_of, coalesce(p_deliveries.event_types[d.types_from : d.types_to], '{}')
    from deliveries d
    left join (
      select journal_id, count(*) as n, min(outcome) as low, max(outcome) as high from others where outcome <> 'accepted' group by journal_id
    ) o on o.journal_id = d.id
  ), sealed as (
    insert into private.journal_payloads (journal_id, received_at, org_id, key_version, sealed)
    select d.id, d.received_at, d.org_id, d.key_version, d.sealed from deliveries d
  ), records as (
    -- No lag is counted for a replay, because it would be the age of the delivery. The lag of an event from long ago is capped at a month
    -- (2,678,400 s), because the histogram ends at an hour.
    select r.source_connection_id, 'accepted' as outcome, r.event_time, r.journal_id = any (v_replays) as is_replay,
      case when r.journal_id <> all (v_replays) then least(greatest(0, extract(epoch from p_now - r.event_time)), 2678400) end as lag
    from (select unnest(p_records.source_connection_id) as source_connection_id, unnest(p_records.journal_id) as journal_id,
      unnest(p_records.event_id) as event_id, unnest(p_records.event_time) as event_time) r
    where r.event_id <> all (v_known)
    union all
    select o.source_connection_id, o.outcome, null, o.journal_id = any (v_replays), null from others o
  )
  insert into public.connection_activity (org_id, source_connection_id, bucket, received, accepted, duplicates, dead_lettered, rejected,
    lag_sum_ms, lag_max_ms, lag_histogram, last_event_time, is_replay)
  select s.org_id, s.id, date_trunc('minute', p_now), a.received, a.accepted, a.duplicates, a.dead_lettered, a.rejected,
    a.lag_sum_ms, a.lag_max_ms, a.lag_histogram, a.last_event_time, a.is_replay
  from unnest(p_scopes) s
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
    from records group by source_connection_id, is_replay
  ) a on a.source_connection_id = s.id;
end
$$;
comment on function private.record_deliveries(private.delivery_columns, private.record_columns, private.dead_columns, private.existing_row[],
  private.connection_scope[], timestamptz) is
'Writes the deliveries of a batch with the outcomes of their records: journal, sealed bodies and counters. Of a delivery that is written in parts,
the first writes the row, and the last completes it. Part of a batch''s transaction.';

create function private.ingest_batch(p_deliveries private.delivery_columns, p_records private.record_columns, p_dead private.dead_columns)
returns json
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_now timestamptz := clock_timestamp();
  v_scopes private.connection_scope[] := private.scopes_of(p_deliveries.source_connection_id || p_records.source_connection_id || p_dead.source_connection_id);
  v_existing private.existing_row[];
  v_repeats json;
begin
  if p_records.former_key is not null then
    perform private.adopt_former_keys(p_records);
  end if;
  v_existing := private.insert_events(p_records, v_scopes, v_now);
  if p_dead.id is not null or cardinality(v_existing) > 0 then
    v_repeats := private.raise_letters(private.letters_of(p_dead, p_records, v_existing, v_scopes), v_now);
  end if;
  perform private.record_deliveries(p_deliveries, p_records, p_dead, v_existing, v_scopes, v_now);
  if v_repeats is null then
    return array_to_json(v_existing);
  end if;
  return private.with_repeats(array_to_json(v_existing), v_repeats);
end
$$;
comment on function private.ingest_batch(private.delivery_columns, private.record_columns, private.dead_columns) is
'The only statement of the hot path. Returns an array of private.existing_row for the records whose keys were stored before; a dead letter that
raised an open entry is in it as private.raise_letters returns it. The org and project of every row are those of its connection, and no caller can name
others: security definer, because the roles that may call the function may not write the tables. The function is volatile plpgsql, so that each of its
statements sees the rows that the statement before it waited for.';

create function private.rewrite_events(p_existing private.existing_row[], p_records private.record_columns, p_now timestamptz)
returns private.existing_row[]
language plpgsql volatile
set search_path = ''
as $$
declare
  v_row record;
  v_existing private.existing_row;
  v_new private.record_row;
  v_key private.event_keys;
  v_stored record;
  v_answer private.existing_row[] := '{}';
begin
  -- Of two transactions that rewrite the same event, the second waits here for the first. The keys are sorted, so that two such transactions
  -- never deadlock. A transaction that is still inserting keys holds no key that this statement waits for.
  perform from private.event_keys k
  join unnest(p_records.source_connection_id, p_records.idempotency_key, p_records.event_id) n (source_connection_id, idempotency_key, event_id)
    using (source_connection_id, idempotency_key)
  where n.event_id in (select o.event_id from unnest(p_existing) o)
  order by k.source_connection_id, k.idempotency_key
  for update of k;

  for v_row in
    select o as existing, r as record
    from unnest(p_existing) o join private.records_of(p_records) r on r.event_id = o.event_id
    order by r.received_at, r.journal_id, r.record_index
  loop
    v_existing := v_row.existing;
    v_new := v_row.record;
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
        event_time = v_new.event_time, received_at = v_new.received_at, rewritten_at = greatest(p_now, v_new.received_at), subject = v_new.subject::jsonb,
        amount_minor = v_new.amount_minor, currency = v_new.currency, order_ref = v_new.order_ref, attribution = v_new.attribution::jsonb,
        properties = v_new.properties::jsonb, is_test = v_new.is_test, journal_id = v_new.journal_id, schema_version = v_new.schema_version,
        revision = v_existing.revision
      where id = v_key.event_id and event_time = v_key.event_time;
      -- The event may have moved to another partition, which the key must name.
      update private.event_keys set event_time = v_new.event_time, body_sha256 = v_new.body_sha256
      where source_connection_id = v_key.source_connection_id and idempotency_key = v_key.idempotency_key;
    end if;
    v_answer := v_answer || v_existing;
  end loop;
  return v_answer;
end
$$;

comment on function private.rewrite_events(private.existing_row[], private.record_columns, timestamptz) is
'Rewrites the stored events of the keys in p_existing with the events of the same keys in p_records; each event keeps its id. Returns p_existing
with the new outcomes:
  rewritten    the event was rewritten; revision is its new revision;
  older        the event was not changed, because the stored state comes from a delivery that first arrived later (received_at is the time of
               the first delivery, however often it was replayed) or from a newer version of the pipeline;
  unchanged    duplicate or conflict, as before: the same delivery has already written the key (of two records with one key, the first is
               kept), or retention or an erasure has removed the event, which is not stored again.';

create function private.settle_replayed(p_letters private.dead_row[], p_deliveries private.delivery_columns, p_records private.record_columns,
  p_existing private.existing_row[], p_now timestamptz)
returns json
language plpgsql volatile
set search_path = ''
as $$
declare
  v_settled uuid[];
  v_found uuid[];
  v_told uuid[];
  v_left private.dead_row[];
  v_repeats json;
  v_raised json;
begin
  with sent as (
    select d.id, d.replay_of, d.source_connection_id, decode(d.body_sha256, 'hex') as body,
      case when d.part in ('next', 'last') then (select j.record_count from public.event_journal j where j.id = d.id) else d.record_count end as records
    from unnest(p_deliveries.id, p_deliveries.replay_of, p_deliveries.source_connection_id, p_deliveries.body_sha256, p_deliveries.part,
      p_deliveries.record_count) d (id, replay_of, source_connection_id, body_sha256, part, record_count)
    where d.replay_of is not null
  ), replayed as (
    -- A record is found by its place in the delivery, unless the delivery has another number of records by now.
    select s.*, s.records = j.record_count as same_places
    from sent s join public.event_journal j on j.id = s.replay_of
  ), stored as (
    select r.source_connection_id, r.journal_id, r.record_index, r.body_sha256 as digest,
      array(select decode(k, 'hex') from unnest(r.record_keys) k) || private.other_body_key(encode(r.body_sha256, 'hex'), o.stored_event_id) as keys
    from private.records_of(p_records) r
    left join unnest(p_existing) o on o.event_id = r.event_id
    where o.outcome is distinct from 'conflict' and o.outcome is distinct from 'older'
  ), settled as (
    select d.id from stored s join public.dlq_events d
      on d.source_connection_id = s.source_connection_id and d.record_key = any (s.keys) and d.record_digest = s.digest
        and d.status in ('pending', 'retrying', 'exhausted')
    union
    select d.id from stored s join replayed r on r.id = s.journal_id and r.same_places
    join public.dlq_events d on d.journal_id = r.replay_of and d.record_index = s.record_index
      and d.status in ('pending', 'retrying', 'exhausted') and not d.is_quarantine
    union
    -- A delivery that had failed as a whole has been split into records.
    select d.id from replayed r
    join public.dlq_events d on (d.journal_id = r.replay_of or d.record_key = r.body) and d.source_connection_id = r.source_connection_id
      and d.record_key is not null and d.record_digest is null and d.status in ('pending', 'retrying', 'exhausted')
    where not exists (select from unnest(p_letters) l where l.journal_id = r.id and l.record_digest is null)
  ), letters as (
    select l.*, r.replay_of, (
      select d.id from public.dlq_events d
      where d.source_connection_id = l.source_connection_id and d.record_key = decode(l.record_key, 'hex')
        and d.status in ('pending', 'retrying', 'exhausted')
    ) as same_record, (
      select d.id from public.dlq_events d
      where d.journal_id = r.replay_of and r.same_places and d.record_index = l.record_index
        and d.status in ('pending', 'retrying', 'exhausted') and not d.is_quarantine
      order by d.created_at, d.id limit 1
    ) as same_place
    from unnest(p_letters) with ordinality l left join replayed r on r.id = l.journal_id
  )
  select array(select id from settled),
    array(select coalesce(l.same_record, l.same_place) from letters l order by l.ordinality),
    -- An entry that has moved on to other contents of its record is not told how the older contents fail.
    array(
      select d.id from letters l left join public.dlq_events d on d.id = coalesce(l.same_record, l.same_place)
        and (d.id = l.same_place or d.journal_id = l.replay_of or d.record_digest is not distinct from decode(l.record_digest, 'hex'))
      order by l.ordinality)
  into v_settled, v_found, v_told;

  perform from public.dlq_events d where d.id = any (v_settled || v_found) order by d.source_connection_id, d.record_key, d.id for update;
  update public.dlq_events set status = 'resolved' where id = any (v_settled) and status in ('pending', 'retrying', 'exhausted');
  if v_found <> '{}' then
    perform private.update_letters(v_told, p_letters, true, p_now);
    -- An entry that ended while this statement waited for it is no entry of the record any more.
    v_found := array(
      select (select d.id from public.dlq_events d where d.id = f and d.status in ('pending', 'retrying', 'exhausted'))
      from unnest(v_found) with ordinality u (f, i) order by i);
    select array_agg(p_letters[i] order by i) filter (where v_found[i] is null),
      json_agg(json_build_object('dlq_id', p_letters[i].id, 'entry_id', v_found[i])) filter (where v_found[i] is not null)
    into v_left, v_repeats
    from generate_subscripts(v_found, 1) i;
    if v_left is not null then
      v_raised := private.raise_letters(v_left, p_now);
    end if;
  end if;
  return (select json_agg(r) from (select json_array_elements(v_repeats) r union all select json_array_elements(v_raised)) a);
end
$$;

comment on function private.settle_replayed(private.dead_row[], private.delivery_columns, private.record_columns, private.existing_row[], timestamptz) is
'Brings the open dead letters in line with a batch from the journal, and returns what private.raise_letters returns. p_letters: the letters of the batch;
the other arguments are those of private.record_deliveries. The entries of records that are stored now are resolved, also while a retry of them is
running, which then loses its claim. The entries of records that failed again get the new failure. Other letters become entries.';


create function private.replay_batch(p_deliveries private.delivery_columns, p_records private.record_columns, p_dead private.dead_columns,
  p_rewrite boolean)
returns json
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_now timestamptz := clock_timestamp();
  v_scopes private.connection_scope[] := private.scopes_of(p_deliveries.source_connection_id || p_records.source_connection_id || p_dead.source_connection_id);
  v_existing private.existing_row[];
  v_repeats json;
begin
  if p_records.former_key is not null then
    perform private.adopt_former_keys(p_records);
  end if;
  v_existing := private.insert_events(p_records, v_scopes, v_now);
  if p_rewrite and cardinality(v_existing) > 0 then
    v_existing := private.rewrite_events(v_existing, p_records, v_now);
  end if;
  v_repeats := private.settle_replayed(private.letters_of(p_dead, p_records, v_existing, v_scopes), p_deliveries, p_records, v_existing, v_now);
  perform private.record_deliveries(p_deliveries, p_records, p_dead, v_existing, v_scopes, v_now);
  if v_repeats is null then
    return array_to_json(v_existing);
  end if;
  return private.with_repeats(array_to_json(v_existing), v_repeats);
end
$$;
comment on function private.replay_batch(private.delivery_columns, private.record_columns, private.dead_columns, boolean) is
'Writes a batch from the journal, with the arguments and the result of private.ingest_batch, and settles dead letters (private.settle_replayed). With
p_rewrite, stored events are rewritten (private.rewrite_events). Security definer, because no role has the right to change events.';

create function private.settle_dead_letters(p_owner uuid, p_entries json, p_records private.record_columns)
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
    v_existing := private.insert_events(p_records, private.scopes_of(p_records.source_connection_id), v_now);
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

comment on function private.settle_dead_letters(uuid, json, private.record_columns) is
'Ends the attempts at entries that p_owner has claimed, and writes their events in the same transaction.
p_entries: [{ id, outcome, status, retry_seconds, conflict_status, error_class, last_error_message, field_path, source_event_type,
             idempotency_key, sample, record_key, record_digest }]. Outcomes: `event`: the entry became the event of p_records whose dlq_id is its id;
             `delivered`: the whole delivery went through private.replay_batch, which counted it; `failed`; `lost`: the entry could not be run
             at all. conflict_status: the status of the entry when its key is stored with a different body.
p_records: the records of these events, as private.ingest_batch takes them. Security definer, because no role may write events.
Returns [{ id, status }]. Returns null, and writes nothing, when the claim to one of the entries is lost: the lease ended, a person has changed
the entry, a replay has settled it, or the record was sent again with other contents.';

grant execute on function private.ingest_batch(private.delivery_columns, private.record_columns, private.dead_columns) to ingest, worker;
grant execute on function private.replay_batch(private.delivery_columns, private.record_columns, private.dead_columns, boolean),
  private.settle_dead_letters(uuid, json, private.record_columns) to worker;

-- Only these functions write the tables of a batch.

drop policy canonical_events_ingest on public.canonical_events;
drop policy canonical_events_worker_insert on public.canonical_events;
drop policy event_journal_ingest on public.event_journal;
drop policy event_journal_worker_insert on public.event_journal;
drop policy event_keys_ingest_insert on private.event_keys;
drop policy event_keys_ingest_select on private.event_keys;
drop policy event_keys_worker_insert on private.event_keys;
drop policy journal_payloads_ingest on private.journal_payloads;
drop policy journal_payloads_worker_insert on private.journal_payloads;
drop policy connection_activity_ingest on public.connection_activity;
drop policy connection_activity_worker_insert on public.connection_activity;
drop policy dlq_events_ingest on public.dlq_events;
drop policy dlq_events_worker_insert on public.dlq_events;
revoke insert on public.canonical_events, public.event_journal, private.event_keys, private.journal_payloads, public.connection_activity,
  public.dlq_events from ingest, worker;
revoke select on private.event_keys from ingest;

drop function private.settle_dead_letters(uuid, json, json, json);
drop function private.replay_batch(json, json, json, json, bytea, boolean);
drop function private.ingest_batch(json, json, json, json, bytea);
drop function private.settle_replayed(private.dead_row[], json, json, json, json, timestamptz);
drop function private.record_deliveries(json, json, json, json, bytea, timestamptz);
drop function private.complete_deliveries(json, json, json, json);
drop function private.rewrite_events(json, json, json, timestamptz);
drop function private.letters_of(json, json, json, json);
drop function private.insert_events(json, json, timestamptz);
drop function private.adopt_former_keys(json);
revoke execute on function private.raise_letters(private.dead_row[], timestamptz), private.with_repeats(json, json),
  private.other_body_key(text, uuid) from ingest, worker;
