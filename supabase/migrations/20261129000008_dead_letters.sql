-- Dead letters: records and deliveries that could not become canonical events. They are run again at planned times, by a person, or many at
-- once by an operation. The quarantine is the part of them that was rejected on arrival.

create table public.dlq_events (
  id uuid primary key,
  org_id uuid not null,
  project_id uuid not null,
  source_connection_id uuid not null,
  journal_id uuid not null,
  record_index integer,               -- position in the delivery; null: the whole delivery
  error_class text not null,
  last_error_message text not null,
  field_path text,
  source_event_type text,
  idempotency_key text,
  status text not null default 'pending' check (status in ('pending', 'retrying', 'resolved', 'exhausted', 'discarded')),
  attempts integer not null default 0 check (attempts >= 0),
  next_retry_at timestamptz,
  is_quarantine boolean not null default false,
  sample jsonb,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  resolved_at timestamptz,
  -- The worker or operation that has claimed the entry. While the entry is `retrying`, `next_retry_at` is the end of the lease: after that time
  -- the attempt counts as abandoned, and the entry is due again.
  lease_owner uuid,
  -- The event that is stored under the entry's key, with another body or from a newer delivery. No foreign key, because retention drops events.
  stored_event_id uuid,
  foreign key (org_id, project_id, source_connection_id) references public.source_connections (org_id, project_id, id),
  constraint dlq_events_leased check (status <> 'retrying' or (lease_owner is not null and next_retry_at is not null))
);
create index dlq_events_org_created_idx on public.dlq_events (org_id, created_at desc, id desc);
create index dlq_events_connection_idx on public.dlq_events (org_id, project_id, source_connection_id);
-- Ordered by org first: an org with a million due entries must not delay the other orgs (private.claim_dead_letters).
create index dlq_events_due_idx on public.dlq_events (org_id, next_retry_at)
  where status in ('pending', 'retrying') and next_retry_at is not null;
-- The list, the summary and the clusters of open entries are read from this index alone.
create index dlq_events_open_idx on public.dlq_events (org_id, created_at desc, id desc)
  include (error_class, source_connection_id, status, source_event_type, field_path)
  where status in ('pending', 'retrying', 'exhausted');
create index dlq_events_class_idx on public.dlq_events (org_id, error_class, created_at desc, id desc);
-- Contains open entries only: counting them never reads the entries that were resolved or discarded, however many there are.
create index dlq_events_status_idx on public.dlq_events (status, is_quarantine, created_at)
  where status in ('pending', 'retrying', 'exhausted');
-- The entries that an operation on dead letters has claimed.
create index dlq_events_leased_idx on public.dlq_events (lease_owner) where status = 'retrying';
-- The dead letters of a delivery.
create index dlq_events_journal_idx on public.dlq_events (journal_id);
comment on table public.dlq_events is 'Records and deliveries that could not become canonical events, each with an error class.';

create function private.touch_dead_letter()
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
  return new;
end
$$;
comment on function private.touch_dead_letter() is
'Trigger function: keeps the columns of an entry consistent with its status, no matter which command changes the status.';
create trigger touch before update on public.dlq_events for each row execute function private.touch_dead_letter();
-- Only changes by people are audited; the entry itself records its outcome in the pipeline.
create trigger audit after update of status, next_retry_at on public.dlq_events
  for each row when (auth.uid() is not null) execute function private.audit('id');

create table public.dlq_operations (
  id uuid primary key default gen_random_uuid(),
  org_id uuid not null references public.orgs (id) on delete cascade,
  kind text not null check (kind in ('redrive', 'discard', 'purge', 'reverify')),
  filter jsonb not null check (jsonb_typeof(filter) = 'object'),
  status text not null default 'queued' check (status in ('queued', 'running', 'done', 'failed', 'canceled')),
  total integer not null check (total >= 0),  -- entries that matched when it was started
  done integer not null default 0,
  succeeded integer not null default 0,
  failed integer not null default 0,
  error text,
  cursor_at timestamptz,                      -- created_at and id of the last processed entry
  cursor_id uuid,
  lease_owner uuid,
  lease_until timestamptz,
  created_by uuid,
  created_at timestamptz not null default now(),
  finished_at timestamptz
);
-- An operation that is started twice, or by two people at the same moment, runs once.
create unique index dlq_operations_open_key on public.dlq_operations (org_id, kind, md5(filter::text)) where status in ('queued', 'running');
create index dlq_operations_org_created_idx on public.dlq_operations (org_id, created_at desc, id desc);
-- Finds the next operation.
create index dlq_operations_lease_idx on public.dlq_operations (lease_until nulls first, created_at) where status in ('queued', 'running');
comment on table public.dlq_operations is 'Redrive, discard, purge or re-verification of every entry that matches a filter, a chunk at a time.';

create function private.touch_dlq_operation()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if new.status in ('done', 'failed', 'canceled') then
    new.finished_at := coalesce(old.finished_at, now());
    new.lease_owner := null;
    new.lease_until := null;
  end if;
  return new;
end
$$;
comment on function private.touch_dlq_operation() is 'Trigger function: an operation that has ended has a finish time and no lease.';
create trigger touch before update on public.dlq_operations for each row execute function private.touch_dlq_operation();
create trigger audit after insert on public.dlq_operations for each row execute function private.audit('id');
create trigger audit_end after update of status on public.dlq_operations
  for each row when (new.status in ('done', 'failed', 'canceled') and new.status is distinct from old.status)
  execute function private.audit('id');

create function private.start_dlq_operation(p_org_id uuid, p_kind text, p_filter jsonb, p_total integer)
returns uuid
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_id uuid;
begin
  perform private.require_admin(p_org_id);
  -- Tries again when the other operation ended between the two statements.
  while v_id is null loop
    insert into public.dlq_operations (org_id, kind, filter, total, created_by) values (p_org_id, p_kind, p_filter, p_total, auth.uid())
    on conflict (org_id, kind, md5(filter::text)) where status in ('queued', 'running') do nothing
    returning id into v_id;
    if v_id is null then
      select o.id into v_id from public.dlq_operations o
      where o.org_id = p_org_id and o.kind = p_kind and md5(o.filter::text) = md5(p_filter::text) and o.status in ('queued', 'running');
    end if;
  end loop;
  perform graphile_worker.add_job('dlq.operations', payload => '{}', job_key => 'dlq.operations', job_key_mode => 'preserve_run_at', max_attempts => 1);
  return v_id;
end
$$;
comment on function private.start_dlq_operation(uuid, text, jsonb, integer) is
'Starts an operation, or returns the open operation of the same kind and filter.';

create function private.audit_full_sample(p_org_id uuid, p_ids uuid[])
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  perform private.require_admin(p_org_id);
  insert into public.audit_log (org_id, actor_id, action, detail)
  values (p_org_id, auth.uid(), 'dlq.full_sample', jsonb_build_object('ids', p_ids));
end
$$;
comment on function private.audit_full_sample(uuid, uuid[]) is
'Records that the caller looked at deliveries as they were received, with their personal data.';

create function private.claim_dead_letters(p_owner uuid, p_limit integer, p_lease_seconds integer, p_attempts_max integer)
returns setof public.dlq_events
language plpgsql volatile security invoker
set search_path = ''
as $$
begin
  update public.dlq_events set status = 'exhausted', last_error_message = 'The last attempt was cut off before it ended.'
  where id in (
    select d.id from public.dlq_events d
    where d.status = 'retrying' and d.next_retry_at <= now() and d.attempts >= p_attempts_max
    order by d.next_retry_at limit 100 for update skip locked);
  return query
    with recursive orgs as (
      (select d.org_id from public.dlq_events d where d.status in ('pending', 'retrying') and d.next_retry_at is not null order by d.org_id limit 1)
      union all
      -- Finds the next org by one index probe, however many entries the current org has.
      select (select d.org_id from public.dlq_events d
        where d.status in ('pending', 'retrying') and d.next_retry_at is not null and d.org_id > o.org_id order by d.org_id limit 1)
      from orgs o where o.org_id is not null
    ), due as (
      select d.id
      from (select o.org_id from orgs o where o.org_id is not null order by random() limit p_limit) o
      cross join lateral (
        select d.id from public.dlq_events d
        where d.org_id = o.org_id and d.status in ('pending', 'retrying') and d.next_retry_at <= now()
        order by d.next_retry_at limit greatest(5, p_limit / (select count(*) from orgs)) for update skip locked
      ) d
      limit p_limit
    )
    update public.dlq_events d
    set status = 'retrying', lease_owner = p_owner, next_retry_at = now() + make_interval(secs => p_lease_seconds), attempts = d.attempts + 1
    from due where d.id = due.id
    returning d.*;
end
$$;
comment on function private.claim_dead_letters(uuid, integer, integer, integer) is
'Claims about p_limit entries that are due, with an equal number from every org that has due entries. Each claim counts as an attempt, so that an
entry that crashes its process is not tried without end.';

create function private.settle_dead_letters(p_owner uuid, p_entries json, p_keys json, p_events json)
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
  select count(*) into v_claimed from (
    select d.id from public.dlq_events d join json_to_recordset(p_entries) as e (id uuid) on e.id = d.id
    where d.status = 'retrying' and d.lease_owner = p_owner
    order by d.id for update of d) claimed;
  if v_claimed < json_array_length(p_entries) then
    return null;
  end if;
  v_existing := private.insert_events(p_keys, p_events, v_now);

  with entries as (
    select e.*, k.event_time, o.stored_event_id,
      case when e.outcome = 'event' then coalesce(o.outcome, 'accepted') else e.outcome end as result
    from json_to_recordset(p_entries) as e (id uuid, outcome text, status text, retry_seconds numeric, conflict_status text, error_class text,
      last_error_message text, field_path text, source_event_type text, idempotency_key text, sample jsonb)
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
      sample = coalesce(e.sample, d.sample)
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
             idempotency_key, sample }]. Outcomes: `event`: the entry became the event of p_keys whose dlq_id is its id; `delivered`: the
             whole delivery went through private.ingest_batch, which counted it; `failed`; `lost`: the entry could not be run at all.
             conflict_status: the status of the entry when its key is stored with a different body.
p_keys, p_events: as private.ingest_batch takes them.
Returns [{ id, status }]. Returns null, and writes nothing, when the claim to one of the entries is lost: the lease ended, or a person has changed
the entry.';

create function private.dlq_depth()
returns table (status text, entries bigint, oldest_age_seconds double precision)
language sql stable security invoker
set search_path = ''
as $$
  select s.status,
    (
      select count(*) from (
        select from public.dlq_events d
        where d.status = s.status and d.status in ('pending', 'retrying', 'exhausted') limit 100000
      ) bounded
    ),
    (
      select greatest(0, extract(epoch from now() - d.created_at))::double precision from public.dlq_events d
      where d.status = s.status and d.status in ('pending', 'retrying', 'exhausted') and not d.is_quarantine
      order by d.created_at limit 1
    )
  from unnest('{pending,retrying,exhausted}'::text[]) as s (status)
$$;
comment on function private.dlq_depth() is
'Open entries by status, counted up to 100,000, and the age of the oldest, over all orgs, for the operator''s metrics. Every instance asks every
15 seconds; with a million resolved and 300,000 open entries the function took 30 to 70 ms, and further entries do not change that. Quarantined
entries are counted, but the age ignores them, because forged deliveries would determine it.';

create table private.quarantine_hours (
  source_connection_id uuid not null,
  hour timestamptz not null,
  stored integer not null,
  primary key (source_connection_id, hour)
);
comment on table private.quarantine_hours is
'The number of rejected deliveries that were stored in an hour, over all processes. Beyond the cap, rejected deliveries are only counted.';

create function private.take_quarantine(p_connection_id uuid, p_wanted integer, p_cap integer)
returns integer
language plpgsql volatile security invoker
set search_path = ''
as $$
declare
  v_hour timestamptz := date_trunc('hour', now());
  v_stored integer;
begin
  insert into private.quarantine_hours (source_connection_id, hour, stored) values (p_connection_id, v_hour, 0) on conflict do nothing;
  select stored into v_stored from private.quarantine_hours where source_connection_id = p_connection_id and hour = v_hour for update;
  v_stored := greatest(0, least(p_wanted, p_cap - v_stored));
  update private.quarantine_hours set stored = stored + v_stored where source_connection_id = p_connection_id and hour = v_hour;
  return v_stored;
end
$$;
comment on function private.take_quarantine(uuid, integer, integer) is
'Takes up to p_wanted places of this hour''s quarantine of a connection, and returns how many places were free.';

create function private.count_rejected(p_org_id uuid, p_connection_id uuid, p_rejected integer)
returns void
language sql volatile security invoker
set search_path = ''
as $$
  insert into public.connection_activity (org_id, source_connection_id, bucket, received, rejected)
  values (p_org_id, p_connection_id, date_trunc('minute', now()), p_rejected, p_rejected)
$$;
comment on function private.count_rejected(uuid, uuid, integer) is 'Counts rejected deliveries beyond the cap, which are not stored.';

-- Grants and policies -------------------------------------------------------------------------------------------------

grant execute on function private.start_dlq_operation(uuid, text, jsonb, integer), private.audit_full_sample(uuid, uuid[]) to authenticated;
grant execute on function private.claim_dead_letters(uuid, integer, integer, integer), private.settle_dead_letters(uuid, json, json, json),
  private.dlq_depth() to worker;
grant execute on function private.take_quarantine(uuid, integer, integer), private.count_rejected(uuid, uuid, integer) to ingest;

grant select on public.dlq_events to authenticated;
-- A person may request a retry of an entry or give it up; only the pipeline may change the other columns.
grant update (status, next_retry_at) on public.dlq_events to authenticated;
grant insert on public.dlq_events to ingest;
grant select, insert, update, delete on public.dlq_events to worker;
grant select, update (status) on public.dlq_operations to authenticated;
grant select, update on public.dlq_operations to worker;
grant select, insert, update (stored) on private.quarantine_hours to ingest;

-- `true` is enough for ingest: the role may only insert dead letters, and the composite foreign keys decide which rows.
alter table public.dlq_events enable row level security;
alter table public.dlq_operations enable row level security;
alter table private.quarantine_hours enable row level security;

create policy dlq_events_select on public.dlq_events for select to authenticated
  using (org_id = any (array(select private.my_orgs())));
create policy dlq_events_update on public.dlq_events for update to authenticated
  using (org_id = any (array(select private.my_orgs('{owner,admin}'))))
  with check (status in ('pending', 'discarded'));
create policy dlq_events_ingest on public.dlq_events for insert to ingest with check (true);
create policy dlq_events_worker_select on public.dlq_events for select to worker using (true);
create policy dlq_events_worker_insert on public.dlq_events for insert to worker with check (true);
create policy dlq_events_worker_update on public.dlq_events for update to worker using (true);
create policy dlq_events_worker_delete on public.dlq_events for delete to worker using (true);
create policy dlq_operations_select on public.dlq_operations for select to authenticated
  using (org_id = any (array(select private.my_orgs())));
-- A person may cancel an operation, and may not change anything else about it.
create policy dlq_operations_update on public.dlq_operations for update to authenticated
  using (org_id = any (array(select private.my_orgs('{owner,admin}'))) and status in ('queued', 'running'))
  with check (status = 'canceled');
create policy dlq_operations_worker_select on public.dlq_operations for select to worker using (true);
create policy dlq_operations_worker_update on public.dlq_operations for update to worker using (true);
create policy quarantine_hours_ingest_insert on private.quarantine_hours for insert to ingest with check (true);
create policy quarantine_hours_ingest_select on private.quarantine_hours for select to ingest using (true);
create policy quarantine_hours_ingest_update on private.quarantine_hours for update to ingest using (true);
