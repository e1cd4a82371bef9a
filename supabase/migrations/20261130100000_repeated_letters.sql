-- One record is one open dead letter: a repeat raises the count of the letter, and a replay updates or settles the letter.

alter table public.dlq_events
  add column occurrences integer not null default 1 check (occurrences > 0),
  add column last_seen_at timestamptz,
  add column record_key bytea check (length(record_key) = 32),
  add column record_digest bytea check (length(record_digest) = 32);
alter table public.dlq_events alter column last_seen_at set default now();
comment on column public.dlq_events.occurrences is
'How often the sender sent the record while the entry was open. Retries and replays are no occurrences.';
comment on column public.dlq_events.last_seen_at is
'When the record was last sent. Null in entries that are older than this column: the record was seen when the entry was created.';
comment on column public.dlq_events.record_key is
'What makes a repeat of the record recognisable: a digest of its idempotency key under the digest key of the org or, where the key could not be read
or is stored with another body, of the contents of the record. Null for rejected deliveries, which are separate entries, and in older entries.';
comment on column public.dlq_events.record_digest is
'Digest of the contents of the record, as private.event_keys.body_sha256. Null when the delivery failed as a whole.';

-- The constraint that makes a second open entry of a record impossible, over all processes.
create unique index dlq_events_record_idx on public.dlq_events (source_connection_id, record_key)
  where record_key is not null and status in ('pending', 'retrying', 'exhausted');
-- As before, with the columns that a summary adds up.
drop index public.dlq_events_open_idx;
create index dlq_events_open_idx on public.dlq_events (org_id, created_at desc, id desc)
  include (error_class, source_connection_id, status, source_event_type, field_path, occurrences, last_seen_at)
  where status in ('pending', 'retrying', 'exhausted');

alter type private.dead_row
  add attribute record_key text,           -- hex
  add attribute record_digest text,        -- hex
  add attribute stored_event_id uuid;      -- set by private.letters_of
alter type private.key_row
  add attribute record_keys text[];        -- hex, in a replay only: the record_keys that dead letters of this record may have

create function private.other_body_key(p_body_sha256 text, p_stored_event_id uuid)
returns bytea
language sql immutable security invoker
set search_path = ''
as $$
  select sha256(decode(p_body_sha256, 'hex') || uuid_send(p_stored_event_id))
$$;
comment on function private.other_body_key(text, uuid) is
'The record_key of a dead letter whose idempotency key is stored with another body: it names the body and the stored event.';

create function private.letters_of(p_dead json, p_keys json, p_events json, p_existing json)
returns private.dead_row[]
language plpgsql stable security invoker
set search_path = ''
as $$
declare
  v_letters private.dead_row[] := '{}';
  v_refused private.dead_row[];
begin
  if json_array_length(p_dead) > 0 then
    v_letters := array(select d from json_populate_recordset(null::private.dead_row, p_dead) d);
  end if;
  -- Without this condition, the join would parse all of p_events even when there is nothing to insert (measured: a third of the time of the
  -- batch). Only the needed events are turned into rows.
  if exists (select from json_populate_recordset(null::private.existing_row, p_existing) where outcome in ('conflict', 'older')) then
    v_refused := array(
      select row(o.dlq_id, e.org_id, e.project_id, e.source_connection_id, o.journal_id, e.record_index,
        case o.outcome when 'older' then 'OLDER_REVISION' else 'DUPLICATE_EVENT' end,
        case o.outcome when 'older' then 'a newer delivery or a newer version of the pipeline has written the stored event '
          else 'another body was stored first under the same idempotency key, as event ' end || o.stored_event_id,
        null, e.source_event_type, e.idempotency_key, null, false, jsonb_build_object('type', e.type, 'properties', e.properties),
        encode(private.other_body_key(k.body_sha256, o.stored_event_id), 'hex'), k.body_sha256, o.stored_event_id)::private.dead_row
      from json_populate_recordset(null::private.existing_row, p_existing) o
      join json_populate_recordset(null::private.key_row, p_keys) k on k.event_id = o.event_id
      join json_array_elements(p_events) sent on (sent ->> 'id')::uuid = o.event_id
      cross join lateral json_populate_record(null::private.event_row, sent) e
      where o.outcome in ('conflict', 'older'));
    v_letters := v_letters || v_refused;
  end if;
  return v_letters;
end
$$;
comment on function private.letters_of(json, json, json, json) is
'The dead letters of a batch: p_dead, and each record whose key is stored with a different body or with a newer event. The stored event is kept (the
first body, or the newest when deliveries are reprocessed); the other body becomes a dead letter, so that a person can see it.';

create function private.free_record_key(p_connection_id uuid, p_record_key bytea, p_entry_id uuid)
returns bytea
language sql stable security invoker
set search_path = ''
as $$
  select p_record_key where not exists (
    select from public.dlq_events d
    where d.source_connection_id = p_connection_id and d.record_key = p_record_key and d.id <> p_entry_id
      and d.status in ('pending', 'retrying', 'exhausted'))
$$;
comment on function private.free_record_key(uuid, bytea, uuid) is 'The key, or null when another open dead letter has it.';

create function private.update_letters(p_entries uuid[], p_letters private.dead_row[], p_is_replay boolean, p_now timestamptz)
returns void
language sql volatile security invoker
set search_path = ''
as $$
  -- Of several letters of one entry, the last counts.
  with news as (
    select distinct on (p_entries[l.ordinality]) p_entries[l.ordinality] as entry_id, l.*,
      decode(l.record_key, 'hex') as key, decode(l.record_digest, 'hex') as digest
    from unnest(p_letters) with ordinality l where p_entries[l.ordinality] is not null
    order by p_entries[l.ordinality], l.ordinality desc
  )
  update public.dlq_events d set
    status = case when d.status = 'retrying' or (d.status = 'exhausted' and n.next_retry_at is not null and not p_is_replay) then 'pending' else d.status end,
    next_retry_at = case when d.status = 'retrying' then p_now else coalesce(d.next_retry_at, n.next_retry_at) end,
    attempts = case when d.status = 'exhausted' and n.next_retry_at is not null and not p_is_replay then 0 else d.attempts end,
    error_class = n.error_class, last_error_message = n.last_error_message, field_path = n.field_path, stored_event_id = n.stored_event_id,
    source_event_type = coalesce(n.source_event_type, d.source_event_type),
    idempotency_key = coalesce(n.idempotency_key, d.idempotency_key),
    sample = n.sample,
    journal_id = case when p_is_replay then d.journal_id else n.journal_id end,
    record_index = case when p_is_replay then d.record_index else n.record_index end,
    record_key = coalesce(private.free_record_key(d.source_connection_id, n.key, d.id), d.record_key),
    record_digest = n.digest
  from news n
  where d.id = n.entry_id
    and d.status in ('pending', 'retrying', 'exhausted')
    -- A running retry of the same contents decides what becomes of the entry.
    and not (d.status = 'retrying' and (p_is_replay or d.record_digest is not distinct from n.digest))
$$;
comment on function private.update_letters(uuid[], private.dead_row[], boolean, timestamptz) is
'Writes the newest failure of records into their open entries: that of p_letters[i] into p_entries[i], which may be null. A repeat moves the entry to
the newest delivery: a retry that is running with other contents loses its claim, and the new contents are due at once. An exhausted entry is retried
again when time can heal the new failure. A replay leaves the entry at the delivery that it has.';

create function private.raise_letters(p_letters private.dead_row[], p_now timestamptz)
returns json
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_letters private.dead_row[] := array(select l from unnest(p_letters) l where l.record_key is not null and not l.is_quarantine);
  v_entries uuid[];
  v_repeats json;
begin
  if cardinality(v_letters) < cardinality(p_letters) then
    insert into public.dlq_events (id, org_id, project_id, source_connection_id, journal_id, record_index, error_class, last_error_message,
      field_path, source_event_type, idempotency_key, next_retry_at, is_quarantine, sample, stored_event_id, created_at, updated_at, last_seen_at)
    select id, org_id, project_id, source_connection_id, journal_id, record_index, error_class, last_error_message,
      field_path, source_event_type, idempotency_key, next_retry_at, is_quarantine, sample, stored_event_id, p_now, p_now, p_now
    from unnest(p_letters) where record_key is null or is_quarantine;
  end if;

  -- Sorted by key, as the keys of events are, so that two batches with the same records never deadlock. When the entry is being settled at this
  -- moment, the insert waits, and the record then gets a new entry.
  with letters as (
    select l.*, count(*) over (partition by l.source_connection_id, l.record_key) as sent,
      first_value(l.id) over (partition by l.source_connection_id, l.record_key order by l.ordinality desc) as newest
    from unnest(v_letters) with ordinality l
  ), written as (
    insert into public.dlq_events as d (id, org_id, project_id, source_connection_id, journal_id, record_index, error_class, last_error_message,
      field_path, source_event_type, idempotency_key, next_retry_at, sample, stored_event_id, record_key, record_digest, occurrences, created_at,
      updated_at, last_seen_at)
    select id, org_id, project_id, source_connection_id, journal_id, record_index, error_class, last_error_message,
      field_path, source_event_type, idempotency_key, next_retry_at, sample, stored_event_id, decode(record_key, 'hex'), decode(record_digest, 'hex'),
      sent, p_now, p_now, p_now
    from letters where id = newest
    order by source_connection_id, record_key
    on conflict (source_connection_id, record_key) where record_key is not null and status in ('pending', 'retrying', 'exhausted')
    do update set occurrences = d.occurrences + excluded.occurrences, last_seen_at = excluded.last_seen_at
    returning d.id, d.source_connection_id, d.record_key
  )
  select array_agg(nullif(w.id, l.newest) order by l.ordinality),
    json_agg(json_build_object('dlq_id', l.id, 'entry_id', w.id)) filter (where w.id <> l.id)
  into v_entries, v_repeats
  from letters l join written w on w.source_connection_id = l.source_connection_id and w.record_key = decode(l.record_key, 'hex');

  if v_repeats is not null then
    perform private.update_letters(v_entries, v_letters, false, p_now);
  end if;
  return v_repeats;
end
$$;
comment on function private.raise_letters(private.dead_row[], timestamptz) is
'Writes the dead letters of a batch. A record that has an open entry raises the count of this entry and tells the entry its newest failure
(private.update_letters). Returns the letters that are no new entries, as [{ "dlq_id": of the letter, "entry_id" }], or null. Security definer, because
the role that ingests may not read or change entries.';

create function private.settle_replayed(p_letters private.dead_row[], p_deliveries json, p_keys json, p_events json, p_existing json, p_now timestamptz)
returns json
language plpgsql volatile security invoker
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
      coalesce(d.record_total, case when d.part in ('next', 'last') then (select j.record_count from public.event_journal j where j.id = d.id) end,
        (select count(*) from json_populate_recordset(null::private.key_row, p_keys) k where k.journal_id = d.id)
        + (select count(*) from unnest(p_letters) l where l.journal_id = d.id)
        - (select count(*) from json_populate_recordset(null::private.existing_row, p_existing) o where o.journal_id = d.id and o.outcome in ('conflict', 'older'))
      ) as records
    from json_populate_recordset(null::private.delivery_row, p_deliveries) d
    where d.replay_of is not null
  ), replayed as (
    -- A record is found by its place in the delivery, unless the delivery has another number of records by now.
    select s.*, s.records = j.record_count as same_places
    from sent s join public.event_journal j on j.id = s.replay_of
  ), stored as (
    select k.source_connection_id, k.journal_id, e.record_index, decode(k.body_sha256, 'hex') as digest,
      array(select decode(r, 'hex') from unnest(k.record_keys) r) || private.other_body_key(k.body_sha256, o.stored_event_id) as keys
    from json_populate_recordset(null::private.key_row, p_keys) k
    join json_populate_recordset(null::private.event_row, p_events) e on e.id = k.event_id
    left join json_populate_recordset(null::private.existing_row, p_existing) o on o.event_id = k.event_id
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
comment on function private.settle_replayed(private.dead_row[], json, json, json, json, timestamptz) is
'Brings the open dead letters in line with a batch from the journal, and returns what private.raise_letters returns. p_letters: the letters of the batch;
the other arguments are those of private.record_deliveries. The entries of records that are stored now are resolved, also while a retry of them is
running, which then loses its claim. The entries of records that failed again get the new failure. Other letters become entries.';

create function private.with_repeats(p_existing json, p_repeats json)
returns json
language sql immutable security invoker
set search_path = ''
as $$
  select case when p_repeats is null then p_existing else (
    select json_agg(a.one) from (select json_array_elements(p_existing) as one union all select json_array_elements(p_repeats)) a) end
$$;
comment on function private.with_repeats(json, json) is 'The result of a batch: both arrays as one.';

create or replace function private.ingest_batch(p_deliveries json, p_keys json, p_events json, p_dead json, p_sealed bytea)
returns json
language plpgsql volatile security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := clock_timestamp();
  v_existing json;
  v_repeats json;
begin
  -- Only the API writes this text: a quotation mark inside a JSON string is escaped.
  if strpos(p_keys::text, '"former_key"') > 0 then
    perform private.adopt_former_keys(p_keys);
  end if;
  v_existing := private.insert_events(p_keys, p_events, v_now);
  if json_array_length(p_dead) > 0 or json_array_length(v_existing) > 0 then
    v_repeats := private.raise_letters(private.letters_of(p_dead, p_keys, p_events, v_existing), v_now);
  end if;
  perform private.record_deliveries(p_deliveries, p_keys, p_dead, v_existing, p_sealed, v_now);
  return private.with_repeats(v_existing, v_repeats);
end
$$;
comment on function private.ingest_batch(json, json, json, json, bytea) is
'The only statement of the hot path. Each argument except p_sealed is an array: of private.delivery_row, of private.key_row and private.event_row
(one each per event), and of private.dead_row. p_sealed holds the sealed bodies of the whole batch. Returns an array of private.existing_row; a
record of p_keys that is not in this array is new and was stored. Dead letters that raised the count of an entry are in the array as
private.raise_letters returns them. The function is volatile plpgsql, so that each of its statements sees the rows that the statement before it
waited for.';

create or replace function private.replay_batch(p_deliveries json, p_keys json, p_events json, p_dead json, p_sealed bytea, p_rewrite boolean)
returns json
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_now timestamptz := clock_timestamp();
  v_existing json;
  v_repeats json;
begin
  -- Only the API writes this text: a quotation mark inside a JSON string is escaped.
  if strpos(p_keys::text, '"former_key"') > 0 then
    perform private.adopt_former_keys(p_keys);
  end if;
  v_existing := private.insert_events(p_keys, p_events, v_now);
  if p_rewrite and json_array_length(v_existing) > 0 then
    v_existing := private.rewrite_events(v_existing, p_keys, p_events, v_now);
  end if;
  v_repeats := private.settle_replayed(private.letters_of(p_dead, p_keys, p_events, v_existing), p_deliveries, p_keys, p_events, v_existing, v_now);
  perform private.record_deliveries(p_deliveries, p_keys, p_dead, v_existing, p_sealed, v_now);
  return private.with_repeats(v_existing, v_repeats);
end
$$;
comment on function private.replay_batch(json, json, json, json, bytea, boolean) is
'Writes a batch from the journal, with the arguments and the result of private.ingest_batch, and settles dead letters (private.settle_replayed). With
p_rewrite, stored events are rewritten (private.rewrite_events). Security definer, because no role has the right to change events.';

drop function private.insert_dead_letters(json, json, json, timestamptz);

create or replace function private.settle_dead_letters(p_owner uuid, p_entries json, p_keys json, p_events json)
returns json
language plpgsql volatile security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := clock_timestamp();
  v_claimed integer;
  v_existing json;
  v_settled json;
begin
  -- Keys are written before entries are locked, in the order in which every batch does so: otherwise the two could deadlock.
  begin
    if strpos(p_keys::text, '"former_key"') > 0 then
      perform private.adopt_former_keys(p_keys);
    end if;
    v_existing := private.insert_events(p_keys, p_events, v_now);
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
    select e.*, k.event_time, o.stored_event_id,
      case when e.outcome = 'event' then coalesce(o.outcome, 'accepted') else e.outcome end as result,
      case when o.outcome = 'conflict' then private.other_body_key(k.body_sha256, o.stored_event_id) else decode(e.record_key, 'hex') end as key,
      decode(coalesce(k.body_sha256, e.record_digest), 'hex') as digest
    from json_to_recordset(p_entries) as e (id uuid, outcome text, status text, retry_seconds numeric, conflict_status text, error_class text,
      last_error_message text, field_path text, source_event_type text, idempotency_key text, sample jsonb, record_key text, record_digest text)
    left join json_populate_recordset(null::private.key_row, p_keys) k on k.dlq_id = e.id
    left join json_populate_recordset(null::private.existing_row, v_existing) o on o.dlq_id = e.id
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
comment on function private.settle_dead_letters(uuid, json, json, json) is
'Ends the attempts at entries that p_owner has claimed, and writes their events in the same transaction.
p_entries: [{ id, outcome, status, retry_seconds, conflict_status, error_class, last_error_message, field_path, source_event_type,
             idempotency_key, sample, record_key, record_digest }]. Outcomes: `event`: the entry became the event of p_keys whose dlq_id is its id;
             `delivered`: the whole delivery went through private.replay_batch, which counted it; `failed`; `lost`: the entry could not be run
             at all. conflict_status: the status of the entry when its key is stored with a different body.
p_keys, p_events: as private.ingest_batch takes them.
Returns [{ id, status }]. Returns null, and writes nothing, when the claim to one of the entries is lost: the lease ended, a person has changed
the entry, a replay has settled it, or the record was sent again with other contents.';

create or replace function private.touch_dead_letter()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  new.updated_at := now();
  if new.status <> 'retrying' then
    new.lease_owner := null;
  end if;
  if new.status <> 'pending' and new.status <> 'retrying' then
    new.next_retry_at := null;
  end if;
  new.resolved_at := case when new.status = 'resolved' then coalesce(old.resolved_at, now()) end;
  -- An entry that a person opens again stands beside the entry that the record has got since.
  if old.status in ('resolved', 'discarded') and new.status not in ('resolved', 'discarded') and new.record_key is not null then
    new.record_key := private.free_record_key(new.source_connection_id, new.record_key, new.id);
  end if;
  return new;
end
$$;

-- Grants and policies -------------------------------------------------------------------------------------------------

grant execute on function private.other_body_key(text, uuid), private.letters_of(json, json, json, json), private.raise_letters(private.dead_row[], timestamptz),
  private.with_repeats(json, json) to ingest, worker;
-- The trigger runs as the role that changes an entry.
grant execute on function private.free_record_key(uuid, bytea, uuid) to authenticated, worker;
