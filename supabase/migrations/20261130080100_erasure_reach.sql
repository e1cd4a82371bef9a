-- An erasure reaches every row of the org that can name the person: events of records that named the person without being about them, and texts
-- in rows whose delivery is gone.

alter table public.erasures
  add column other_rows integer not null default 0,
  add column row_cursor text;
comment on column public.erasures.other_rows is
'Rows that named the person in a text and lost it: events about somebody else, dead letters, filters, references, messages.';
comment on column public.erasures.row_cursor is
'How far the search of the rows has come, as the worker wrote it; null until every delivery is searched.';
grant update (other_rows, row_cursor) on public.erasures to worker;

create table private.erased_persons (
  erasure_id uuid not null references public.erasures (id) on delete cascade,
  digest text not null check (length(digest) = 64),
  primary key (erasure_id, digest)
);
comment on table private.erased_persons is
'What a completed erasure keeps of its person: a digest of each identifier under the org''s digest key, with which the org can show later that a
certain person was erased. Nobody without the key can confirm a guess.';
alter table private.erased_persons enable row level security;

create table private.erased_keys (
  org_id uuid not null references public.orgs (id) on delete cascade,
  digest text not null check (length(digest) = 64),
  primary key (org_id, digest)
);
comment on table private.erased_keys is
'Idempotency keys that named an erased person and were replaced by hmac:<digest>. A record that is sent again under such a key gets the replaced key
too, so that it is a duplicate and does not make the person anew.';
alter table private.erased_keys enable row level security;
create trigger notify after insert on private.erased_keys for each row execute function private.notify_connection_changed();

create function private.find_erased_keys(p_org_id uuid)
returns text[]
language sql stable security definer
set search_path = ''
as $$
  select coalesce(array_agg(k.digest), '{}') from private.erased_keys k where k.org_id = p_org_id
$$;
comment on function private.find_erased_keys(uuid) is 'The digests of the org''s erased keys, for the process that makes the keys of new records.';

create function private.erase_recorded_events(p_org_id uuid, p_connection_ids uuid[], p_keys text[])
returns integer
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_erased integer;
begin
  update public.canonical_events e set properties = '{}', attribution = '{}'
  from unnest(p_connection_ids, p_keys) as k (connection_id, key)
  join private.event_keys s on s.source_connection_id = k.connection_id and s.idempotency_key = k.key
  where e.id = s.event_id and e.event_time = s.event_time and e.org_id = p_org_id and (e.properties <> '{}' or e.attribution <> '{}');
  get diagnostics v_erased = row_count;
  return v_erased;
end
$$;
comment on function private.erase_recorded_events(uuid, uuid[], text[]) is
'Empties the properties of the events that records became which named the person, and returns their number. The event is about somebody else, or
about nobody, so that its subject stays.';

create function private.erasure_columns(p_table text)
returns text[]
language sql immutable
set search_path = ''
as $$
  select case p_table
    when 'event_journal' then '{received_at,content_type,event_types}'
    when 'canonical_events' then '{event_time,source_connection_id,type,source_event_type,source_event_id,idempotency_key,order_ref,attribution,properties}'
    when 'dlq_events' then '{created_at,last_error_message,field_path,source_event_type,idempotency_key,sample}'
    when 'dlq_operations' then '{created_at,filter,error}'
    when 'replay_plans' then '{created_at,name,filter,reference,error}'
    when 'legal_holds' then '{created_at,reason}'
    when 'alert_incidents' then '{opened_at,message}'
    when 'alert_notifications' then '{created_at,message,last_error}'
    when 'erasures' then '{created_at,reference}'
  end::text[]
$$;
comment on function private.erasure_columns(text) is
'The tables whose rows an erasure searches: the time by which their rows are walked, and the columns with texts that a delivery or a person may have
written.';

create function private.find_rows_to_search(p_org_id uuid, p_table text, p_after_at timestamptz, p_after_id uuid, p_limit integer)
returns table (at text, id uuid, texts jsonb)
language plpgsql stable security definer
set search_path = ''
set plan_cache_mode = 'force_custom_plan'
as $$
declare
  v_columns text[] := private.erasure_columns(p_table);
  v_texts text;
begin
  select string_agg(format('%L, t.%I', c, c), ', ') into strict v_texts from unnest(v_columns[2:]) c;
  return query execute format(
    'select t.%1$I::text, t.id, jsonb_build_object(%2$s) from public.%3$I t
     where t.org_id = $1 and ($2 is null or (t.%1$I, t.id) > ($2, $3)) order by t.%1$I, t.id limit $4', v_columns[1], v_texts, p_table)
  using p_org_id, p_after_at, p_after_id, p_limit;
end
$$;
comment on function private.find_rows_to_search(uuid, text, timestamptz, uuid, integer) is
'The next rows of an org in one of the tables of private.erasure_columns, oldest first, with their texts. Times are text, because a JavaScript date has no
microseconds.';

create function private.erase_texts(p_org_id uuid, p_table text, p_rows jsonb)
returns integer
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_columns text[] := private.erasure_columns(p_table);
  v_row jsonb;
  v_set text;
  v_key text;
  v_connection uuid;
  v_changed integer;
  v_total integer := 0;
begin
  for v_row in select * from jsonb_array_elements(p_rows) loop
    select string_agg(format('%1$I = r.%1$I', c), ', ') into strict v_set
    from unnest(v_columns[2:]) c where v_row -> 'texts' ? c;
    if p_table = 'canonical_events' and v_row -> 'texts' ? 'idempotency_key' then
      select e.idempotency_key, e.source_connection_id into v_key, v_connection from public.canonical_events e
      where e.org_id = p_org_id and e.id = (v_row ->> 'id')::uuid and e.event_time = (v_row ->> 'at')::timestamptz for update;
      update private.event_keys set idempotency_key = v_row -> 'texts' ->> 'idempotency_key'
      where source_connection_id = v_connection and idempotency_key = v_key;
      insert into private.erased_keys (org_id, digest) values (p_org_id, right(v_row -> 'texts' ->> 'idempotency_key', 64)) on conflict do nothing;
    end if;
    execute format('update public.%1$I t set %2$s from jsonb_populate_record(null::public.%1$I, $1) r where t.org_id = $2 and t.id = $3 and t.%3$I = $4',
      p_table, v_set, v_columns[1])
    using v_row -> 'texts', p_org_id, (v_row ->> 'id')::uuid, (v_row ->> 'at')::timestamptz;
    get diagnostics v_changed = row_count;
    v_total := v_total + v_changed;
  end loop;
  return v_total;
end
$$;
comment on function private.erase_texts(uuid, text, jsonb) is
'Replaces texts of rows that name the person: [{"at", "id", "texts": {column: value}}]. Returns the number of rows. Only columns of
private.erasure_columns are written. An idempotency key is replaced in private.event_keys as well, and remembered in private.erased_keys.';

create function private.keep_erased_person(p_erasure_id uuid, p_owner uuid, p_digests text[])
returns void
language sql volatile security definer
set search_path = ''
as $$
  insert into private.erased_persons (erasure_id, digest)
  select e.id, d from public.erasures e, unnest(p_digests) d where e.id = p_erasure_id and e.lease_owner = p_owner
  on conflict do nothing
$$;
comment on function private.keep_erased_person(uuid, uuid, text[]) is 'Stores what a completed erasure keeps of its person.';

create function private.find_erasures_of_person(p_org_id uuid, p_digests text[])
returns table (id uuid, completed_at timestamptz)
language plpgsql stable security definer
set search_path = ''
as $$
begin
  perform private.require_admin(p_org_id);
  return query
  select e.id, e.completed_at from public.erasures e
  where e.org_id = p_org_id and e.status = 'completed'
    and exists (select from private.erased_persons p where p.erasure_id = e.id and p.digest = any (p_digests))
  order by e.completed_at desc limit 100;
end
$$;
comment on function private.find_erasures_of_person(uuid, text[]) is
'The completed erasures of a person, newest first, for owners and admins.';

-- Grants and policies -------------------------------------------------------------------------------------------------

grant execute on function private.find_erased_keys(uuid) to ingest;
grant execute on function private.find_erasures_of_person(uuid, text[]) to authenticated;
grant execute on function private.erase_recorded_events(uuid, uuid[], text[]), private.find_rows_to_search(uuid, text, timestamptz, uuid, integer),
  private.erase_texts(uuid, text, jsonb), private.keep_erased_person(uuid, uuid, text[]) to worker;
