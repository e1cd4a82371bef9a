-- An event keeps the time at which it was first stored; a reprocessing that rewrites the event has a time beside it.

alter table public.canonical_events add column rewritten_at timestamptz;
comment on column public.canonical_events.received_at is
'When the delivery arrived from which the contents of the event were read, however often it was replayed. A reprocessing may have taken the contents
from a later delivery of the same key.';
comment on column public.canonical_events.ingested_at is 'When the event was first stored. Lag is counted up to this time. It never changes.';
comment on column public.canonical_events.rewritten_at is 'When a reprocessing last rewrote the event; null when none has. revision counts them.';

-- Rewritten events had their first time replaced. Their keys still have it.
update public.canonical_events e
set rewritten_at = e.ingested_at, ingested_at = least(e.ingested_at, k.created_at)
from private.event_keys k
where e.revision > 1 and e.rewritten_at is null and k.source_connection_id = e.source_connection_id and k.idempotency_key = e.idempotency_key
  and k.event_id = e.id;

create or replace function private.rewrite_events(p_existing json, p_keys json, p_events json, p_now timestamptz)
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
        event_time = v_new.event_time, received_at = v_new.received_at, rewritten_at = greatest(p_now, v_new.received_at), subject = v_new.subject,
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
