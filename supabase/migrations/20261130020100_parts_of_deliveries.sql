-- Large deliveries are written in parts, each in a batch by itself or beside other deliveries, so that no statement is larger than a batch. The first
-- part writes the journal row, with the outcome `incomplete`; the last part completes the row. The sender is answered after the last part. When a
-- part fails, the sender is answered 503 and repeats the delivery, whose stored records are then duplicates; the incomplete row stays visible and can
-- be replayed.

alter table public.event_journal drop constraint event_journal_outcome_check;
alter table public.event_journal add constraint event_journal_outcome_check
  check (outcome in ('accepted', 'duplicate', 'dead_lettered', 'mixed', 'rejected', 'incomplete')) not valid;
alter table public.event_journal validate constraint event_journal_outcome_check;

alter type private.delivery_row
  add attribute part text,                 -- null: the whole delivery; else first, next or last
  add attribute record_total integer,      -- records of all parts, in the first part
  add attribute outcomes_before text[];    -- outcomes of the records of earlier parts, each once, in the last part

create function private.complete_deliveries(p_deliveries json, p_keys json, p_dead json, p_existing json)
returns void
language sql volatile security definer
set search_path = ''
as $$
  with last_parts as (
    select d.id, d.received_at, d.outcomes_before
    from json_populate_recordset(null::private.delivery_row, p_deliveries) d
    where d.part = 'last'
  ), outcomes as (
    select l.id, unnest(l.outcomes_before) as outcome from last_parts l
    union
    select k.journal_id, 'accepted' from json_populate_recordset(null::private.key_row, p_keys) k
    where k.event_id not in (select o.event_id from json_populate_recordset(null::private.existing_row, p_existing) o)
    union
    select o.journal_id, case o.outcome when 'duplicate' then 'duplicate' when 'rewritten' then 'accepted' else 'dead_lettered' end
    from json_populate_recordset(null::private.existing_row, p_existing) o
    union
    select d.journal_id, 'dead_lettered' from json_populate_recordset(null::private.dead_row, p_dead) d
  )
  update public.event_journal j
  set outcome = (select case when count(*) = 1 then min(o.outcome) else 'mixed' end from outcomes o where o.id = j.id)
  from last_parts l
  where j.id = l.id and j.received_at = l.received_at and j.outcome = 'incomplete'
$$;
comment on function private.complete_deliveries(json, json, json, json) is
'Sets the outcomes of the deliveries whose last part is in the batch; the arguments are those of private.record_deliveries. Part of a batch''s
transaction. Security definer, because the roles that write batches may only insert into the journal.';

create or replace function private.record_deliveries(p_deliveries json, p_keys json, p_dead json,
  p_existing json, p_sealed bytea, p_now timestamptz)
returns void
language plpgsql volatile security invoker
set search_path = ''
as $$
begin
  -- The search of the text costs next to nothing. A quotation mark inside a JSON string is escaped, so only the API writes this text.
  if strpos(p_deliveries::text, '"part":"last"') > 0 then
    perform private.complete_deliveries(p_deliveries, p_keys, p_dead, p_existing);
  end if;

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
    select d.id, d.org_id, d.source_connection_id, d.received_at, d.content_type, d.byte_size, d.body_sha256, coalesce(d.record_total, r.n, 0),
      -- A delivery without records (a platform's probe) is accepted.
      case when d.part = 'first' then 'incomplete' when r.outcomes is null then 'accepted' when cardinality(r.outcomes) = 1 then r.outcomes[1] else 'mixed' end,
      d.is_test, d.replay_of, coalesce(d.event_types, '{}')
    from deliveries d
    left join (select journal_id, count(*)::integer as n, array_agg(distinct outcome) as outcomes from records group by journal_id) r on r.journal_id = d.id
    where d.part is null or d.part = 'first'
  ), sealed as (
    insert into private.journal_payloads (journal_id, received_at, org_id, key_version, sealed)
    select d.id, d.received_at, d.org_id, d.key_version, substring(p_sealed from d.sealed_at + 1 for d.sealed_length)
    from deliveries d
    where d.part is null or d.part = 'first'
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
'Writes the deliveries of a batch with the outcomes of their records: journal, sealed bodies and counters. Of a delivery that is written in parts,
the first part writes the journal row and the sealed body, and the last part completes the row. Part of a batch''s transaction.';

grant execute on function private.complete_deliveries(json, json, json, json) to ingest, worker;
