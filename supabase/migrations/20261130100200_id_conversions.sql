-- Ids that contain a person's identifier, in what was stored before new events got their digests. The digest needs the key of the org, which SQL cannot
-- open, so that a job of the API replaces the ids org by org (apps/api/src/conversions/). Until an org is done, its deliveries name the former key of
-- each record too, and a record that is stored under its former key gets its new key at once.

create table private.id_conversions (
  org_id uuid primary key references public.orgs (id) on delete cascade,
  status text not null default 'running' check (status in ('running', 'done')),
  place text,                            -- how far the conversion has come, as the job wrote it
  rows_seen bigint not null default 0,
  rows_changed bigint not null default 0,
  waits_for text,
  -- The first claim waits, so that instances of the former version, which store ids as they are sent, have ended.
  lease_until timestamptz default now() + interval '15 minutes',
  lease_owner uuid,
  created_at timestamptz not null default now(),
  finished_at timestamptz
);
create index id_conversions_open_idx on private.id_conversions (org_id, lease_until) where status = 'running';
comment on table private.id_conversions is
'The orgs that existed when ids with a person''s identifier began to be stored as digests, and how far the stored rows of each are converted. An org
without a row has never stored such ids.';
alter table private.id_conversions enable row level security;
create trigger notify after update of status on private.id_conversions for each row execute function private.notify_connection_changed();

insert into private.id_conversions (org_id) select o.id from public.orgs o on conflict do nothing;

alter table private.turns drop constraint turns_queue_check;
alter table private.turns add constraint turns_queue_check
  check (queue in ('replays', 'erasures', 'dlq_operations', 'dlq_retries', 'alert_notifications', 'confirmations', 'id_conversions'));
insert into private.turns (queue) values ('id_conversions') on conflict do nothing;

alter type private.key_row
  add attribute former_key text,           -- the key under which an org that is not converted may have stored the record
  add attribute spare_key text;            -- takes the place of the former key when both keys are stored

create function private.has_former_ids(p_org_id uuid)
returns boolean
language sql stable security definer
set search_path = ''
as $$
  select exists (select from private.id_conversions c where c.org_id = p_org_id and c.status = 'running')
$$;
comment on function private.has_former_ids(uuid) is 'Whether rows of the org may still hold ids that contain a person''s identifier.';

create function private.convert_keys(p_keys private.key_row[])
returns integer
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_key private.key_row;
  v_stored private.event_keys;
  v_converted integer := 0;
begin
  -- Sorted by the former key: of two transactions that convert the same keys, the second waits and finds nothing more to do.
  for v_key in
    select k.* from unnest(p_keys) k where k.former_key <> k.idempotency_key order by k.source_connection_id, k.former_key
  loop
    select * into v_stored from private.event_keys s
    where s.source_connection_id = v_key.source_connection_id and s.idempotency_key = v_key.former_key for update;
    continue when v_stored.event_id is null;
    begin
      update private.event_keys s set idempotency_key = v_key.idempotency_key
      where s.source_connection_id = v_key.source_connection_id and s.idempotency_key = v_key.former_key;
    exception when unique_violation then
      -- Both keys are stored: an instance of the former version took the record while it ended. The event keeps a key that names nobody.
      v_key.idempotency_key := v_key.spare_key;
      update private.event_keys s set idempotency_key = v_key.spare_key
      where s.source_connection_id = v_key.source_connection_id and s.idempotency_key = v_key.former_key;
    end;
    update public.canonical_events e set idempotency_key = v_key.idempotency_key
    where e.id = v_stored.event_id and e.event_time = v_stored.event_time;
    v_converted := v_converted + 1;
  end loop;
  return v_converted;
end
$$;
comment on function private.convert_keys(private.key_row[]) is
'Gives stored records the key that replaces their former key, in private.event_keys and in the event. Returns how many there were.';

create function private.adopt_former_keys(p_keys json)
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  perform private.convert_keys(array(
    select k from json_populate_recordset(null::private.key_row, p_keys) k
    join private.event_keys s on s.source_connection_id = k.source_connection_id and s.idempotency_key = k.former_key));
end
$$;
comment on function private.adopt_former_keys(json) is
'Converts the keys of those records of a batch that are stored under their former key, so that the batch finds them as duplicates.';

create function private.claim_id_conversions(p_owner uuid, p_lease_seconds integer, p_most integer, p_holding uuid[])
returns table (id uuid, org_id uuid, place text)
language plpgsql volatile security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  with orgs as materialized (
    select * from private.orgs_in_turn('id_conversions', p_most, p_holding)
  ), chosen as (
    select c.org_id from private.id_conversions c
    where c.org_id in (select o.org_id from orgs o) and c.status = 'running' and (c.lease_until is null or c.lease_until <= now())
    order by c.org_id limit p_most for update skip locked
  )
  update private.id_conversions c set lease_owner = p_owner, lease_until = now() + make_interval(secs => p_lease_seconds), waits_for = null
  from chosen where c.org_id = chosen.org_id
  returning c.org_id, c.org_id, c.place;
end
$$;
comment on function private.claim_id_conversions(uuid, integer, integer, uuid[]) is 'Claims orgs whose stored ids are to be converted. Orgs take turns.';

create function private.save_id_conversion(
  p_org_id uuid, p_owner uuid, p_lease_seconds double precision, p_place text, p_seen integer, p_changed integer, p_is_done boolean)
returns boolean
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  update private.id_conversions c set place = p_place, rows_seen = c.rows_seen + p_seen, rows_changed = c.rows_changed + p_changed,
    status = case when p_is_done then 'done' else 'running' end, finished_at = case when p_is_done then now() end,
    lease_owner = case when p_is_done then null else p_owner end,
    lease_until = case when p_is_done then null else now() + make_interval(secs => p_lease_seconds) end
  where c.org_id = p_org_id and c.lease_owner = p_owner and c.status = 'running';
  return found;
end
$$;
comment on function private.save_id_conversion(uuid, uuid, double precision, text, integer, integer, boolean) is
'Writes how far a conversion has come and renews its lease. Returns false when p_owner does not hold the lease any more.';

create function private.release_id_conversion(p_org_id uuid, p_owner uuid, p_wait_seconds double precision, p_waits_for text)
returns void
language sql volatile security definer
set search_path = ''
as $$
  update private.id_conversions c
  set lease_owner = null, lease_until = now() + make_interval(secs => p_wait_seconds), waits_for = p_waits_for
  where c.org_id = p_org_id and c.lease_owner = p_owner and c.status = 'running'
$$;
comment on function private.release_id_conversion(uuid, uuid, double precision, text) is 'Gives a conversion back: it may be claimed again after a pause.';

create function private.find_keys_to_convert(p_connection_ids uuid[], p_after_connection uuid, p_after_key text, p_limit integer)
returns table (source_connection_id uuid, idempotency_key text)
language plpgsql stable security definer
set search_path = ''
set plan_cache_mode = 'force_custom_plan'
as $$
#variable_conflict use_column
begin
  return query
  select k.source_connection_id, k.idempotency_key from private.event_keys k
  where k.source_connection_id = any (p_connection_ids)
    and (p_after_connection is null or (k.source_connection_id, k.idempotency_key) > (p_after_connection, p_after_key))
  order by k.source_connection_id, k.idempotency_key limit p_limit;
end
$$;
comment on function private.find_keys_to_convert(uuid[], uuid, text, integer) is 'The next keys of some connections, in the order of their index.';

create function private.replace_texts(p_org_id uuid, p_table text, p_rows jsonb)
returns integer
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_columns text[] := private.erasure_columns(p_table);
  v_row jsonb;
  v_set text;
  v_was text;
  v_changed integer;
  v_total integer := 0;
begin
  select string_agg(format('%L, t.%I', c, c), ', ') into strict v_was from unnest(v_columns[2:]) c;
  for v_row in select * from jsonb_array_elements(p_rows) loop
    select string_agg(format('%1$I = r.%1$I', c), ', ') into strict v_set from unnest(v_columns[2:]) c where v_row -> 'texts' ? c;
    execute format('update public.%1$I t set %2$s from jsonb_populate_record(null::public.%1$I, $1) r
      where t.org_id = $2 and t.id = $3 and t.%3$I = $4 and jsonb_build_object(%4$s) = $5', p_table, v_set, v_columns[1], v_was)
    using v_row -> 'texts', p_org_id, (v_row ->> 'id')::uuid, (v_row ->> 'at')::timestamptz, v_row -> 'was';
    get diagnostics v_changed = row_count;
    v_total := v_total + v_changed;
  end loop;
  return v_total;
end
$$;
comment on function private.replace_texts(uuid, text, jsonb) is
'Replaces texts of rows: [{"at", "id", "was", "texts": {column: value}}]. A row whose texts are not any more as `was` says is left as it is. Returns
the number of replaced rows.';

create function private.count_id_conversions()
returns bigint
language sql stable security definer
set search_path = ''
as $$
  select count(*) from private.id_conversions c where c.status = 'running'
$$;
comment on function private.count_id_conversions() is 'The orgs whose stored ids are not converted yet, for the operator''s metrics.';

create or replace function private.orgs_in_turn(p_queue text, p_most integer, p_holding uuid[] default '{}')
returns table(org_id uuid, share integer)
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  -- The table of the queue, which of its rows are open, and which of these may be claimed now.
  v_table text := case p_queue when 'replays' then 'public.replay_plans' when 'erasures' then 'public.erasures'
    when 'dlq_operations' then 'public.dlq_operations' when 'dlq_retries' then 'public.dlq_events'
    when 'alert_notifications' then 'public.alert_notifications' when 'confirmations' then 'private.alert_recipients'
    when 'id_conversions' then 'private.id_conversions' end;
  v_open text := case p_queue when 'dlq_operations' then $q$t.status in ('queued', 'running')$q$
    when 'dlq_retries' then $q$t.status in ('pending', 'retrying') and t.next_retry_at is not null$q$
    when 'alert_notifications' then $q$t.status = 'pending'$q$ when 'confirmations' then 't.ask_from is not null' else $q$t.status = 'running'$q$ end;
  v_due text := case p_queue when 'dlq_retries' then 't.next_retry_at <= now()' when 'alert_notifications' then 't.next_attempt_at <= clock_timestamp()'
    when 'confirmations' then 't.ask_from <= clock_timestamp()' else '(t.lease_until is null or t.lease_until <= now())' end;
  v_looks constant integer := 200;
  v_first uuid;
  v_after uuid;
  v_end uuid := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
  v_found uuid[] := '{}';
  v_some uuid[];
  v_looked integer;
  v_last uuid;
begin
  if p_most <= 0 then
    return;
  end if;
  select s.after_org into strict v_first from private.turns s where s.queue = p_queue for update;
  v_after := v_first;
  loop
    execute format($q$
      with recursive waiting (org_id, place) as (
        (select t.org_id, 1 from %1$s t where %2$s and t.org_id > $1 and t.org_id <= $2 order by t.org_id limit 1)
        union all
        select n.org_id, w.place + 1 from waiting w cross join lateral (
          select t.org_id from %1$s t where %2$s and t.org_id > w.org_id and t.org_id <= $2 order by t.org_id limit 1) n
        where w.place < $3
      ), chosen as (
        select w.org_id from waiting w
        where w.org_id <> all ($4)
          and exists (select from %1$s t where %2$s and t.org_id = w.org_id and %3$s)
          and exists (select from public.orgs o where o.id = w.org_id and o.suspended_at is null)
        order by w.org_id limit $5
      )
      select array(select c.org_id from chosen c order by c.org_id), (select count(*) from waiting), (select max(w.org_id::text)::uuid from waiting w)$q$,
      v_table, v_open, v_due)
    into v_some, v_looked, v_last
    using v_after, v_end, v_looks, p_holding, p_most - cardinality(v_found);
    v_found := v_found || v_some;
    if cardinality(v_found) >= p_most then
      v_after := v_found[cardinality(v_found)];
      exit;
    elsif v_looked = v_looks then
      v_after := v_last;
    elsif v_end < 'ffffffff-ffff-ffff-ffff-ffffffffffff' or v_first = '00000000-0000-0000-0000-000000000000' then
      -- Every org had its turn.
      v_after := coalesce(v_found[cardinality(v_found)], v_first);
      exit;
    else
      -- The orgs before the one with which this claim began.
      v_after := '00000000-0000-0000-0000-000000000000';
      v_end := v_first;
    end if;
  end loop;
  if v_after <> v_first then
    update private.turns s set after_org = v_after where s.queue = p_queue;
  end if;

  -- Places that no other org wants are for the orgs that hold some already.
  if cardinality(v_found) < p_most and cardinality(p_holding) > 0 then
    v_found := v_found || array(
      select o.id from public.orgs o where o.id = any (p_holding) and o.suspended_at is null order by o.id limit p_most - cardinality(v_found));
  end if;
  if v_found = '{}' then
    return;
  end if;
  return query select f.org_id, greatest(1, ceil(p_most::numeric / cardinality(v_found))::integer) from unnest(v_found) f (org_id);
end
$$;

-- Grants and policies -------------------------------------------------------------------------------------------------

grant execute on function private.has_former_ids(uuid) to ingest;
grant execute on function private.adopt_former_keys(json) to ingest, worker;
grant execute on function private.convert_keys(private.key_row[]), private.claim_id_conversions(uuid, integer, integer, uuid[]),
  private.save_id_conversion(uuid, uuid, double precision, text, integer, integer, boolean),
  private.release_id_conversion(uuid, uuid, double precision, text), private.find_keys_to_convert(uuid[], uuid, text, integer),
  private.replace_texts(uuid, text, jsonb), private.count_id_conversions() to worker;
