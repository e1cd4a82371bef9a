-- The foreign keys of events and deliveries to the connection are checked once per batch by private.scopes_of, which also gives every row its org and
-- project. The other half of the foreign keys is here: a connection is not deleted, and not moved to another org or project, while rows belong to it.

alter table public.canonical_events drop constraint canonical_events_org_id_project_id_source_connection_id_fkey;
alter table public.event_journal drop constraint event_journal_org_id_source_connection_id_fkey;

create function private.keep_connection()
returns trigger
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  -- A batch that is being written holds a lock on the row of its connection, so that the change has waited for its rows.
  if exists (select from public.canonical_events e where e.source_connection_id = old.id)
    or exists (select from public.event_journal j where j.org_id = old.org_id and j.source_connection_id = old.id) then
    raise foreign_key_violation using message = 'events or deliveries belong to the connection', constraint = 'connection_is_used';
  end if;
  return null;
end
$$;
comment on function private.keep_connection() is
'Keeps the connections of events and deliveries: refuses to delete one that has rows, and to move one to another org or project.';

create trigger keep_deleted after delete on public.source_connections for each row execute function private.keep_connection();
create trigger keep_moved after update of id, org_id, project_id on public.source_connections for each row
  when (new.id <> old.id or new.org_id <> old.org_id or new.project_id <> old.project_id) execute function private.keep_connection();

-- Changed: locks the connection against deletion, as every writer of events does.
create or replace function private.import_events(p_connection_id uuid, p_events jsonb)
 RETURNS TABLE(stored integer, restored integer, duplicates integer)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $$
declare
  v_connection public.source_connections := (select c from public.source_connections c where c.id = p_connection_id and c.deleted_at is null);
  -- The digest of the record is not in a file: this one says that any body under the key is the same record.
  v_unknown bytea := decode(repeat('00', 32), 'hex');
  v_new text[];
  v_written text[];
begin
  perform private.require_admin(v_connection.org_id);
  perform private.scopes_of(array[p_connection_id]);
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
