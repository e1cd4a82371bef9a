-- Erasing a person: stored events and deliveries lose everything that is about the person, and no replay restores it.

create table public.erasures (
  id uuid primary key,
  org_id uuid not null references public.orgs (id) on delete cascade,
  kinds text[] not null check (cardinality(kinds) between 1 and 4 and kinds <@ '{email,phone,document,external_id}'),
  reference text check (length(btrim(reference)) >= 1 and length(reference) <= 120),
  status text not null default 'running' check (status in ('running', 'completed')),
  waits_for text,                     -- the reason why the erasure waits, such as that of a legal hold
  events integer not null default 0,  -- events that were emptied
  deliveries integer not null default 0,  -- bodies that named the person and were deleted
  dead_letters integer not null default 0,
  unreadable integer not null default 0,  -- bodies that no key of the org opens, so that the people they name are unknown
  scanned bigint not null default 0,  -- bodies that were searched
  -- The last delivery that was searched, and the last time when a delivery that named the person was erased: a replay of that delivery may have
  -- been running at that time.
  cursor_at timestamptz,
  cursor_id uuid,
  found_at timestamptz,
  created_by uuid not null default auth.uid(),
  created_at timestamptz not null default now(),
  completed_at timestamptz,
  -- The worker that holds the lease on the erasure. A worker without the lease erases nothing.
  lease_owner uuid,
  lease_until timestamptz,
  check ((status = 'completed') = (completed_at is not null))
);
create index erasures_org_created_idx on public.erasures (org_id, created_at desc, id desc);
create index erasures_open_idx on public.erasures (lease_until nulls first, created_at) where status = 'running';
comment on table public.erasures is
'One request to erase one person, with its progress. The person''s identifiers are in private.erasure_persons, and only until the erasure is
completed.';

create table private.erasure_persons (
  erasure_id uuid primary key references public.erasures (id) on delete cascade,
  key_version integer not null,
  sealed bytea not null
);
comment on table private.erasure_persons is
'The identifiers of the person, sealed under the org''s data key. Deleted when the erasure is completed.';

create trigger audit after insert on public.erasures for each row execute function private.audit('id');
create trigger audit_end after update of status on public.erasures
  for each row when (new.status is distinct from old.status) execute function private.audit('id');

create function private.start_erasure(p_id uuid, p_org_id uuid, p_kinds text[], p_reference text, p_key_version integer, p_sealed bytea)
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  perform private.require_admin(p_org_id);
  insert into public.erasures (id, org_id, kinds, reference) values (p_id, p_org_id, p_kinds, p_reference);
  insert into private.erasure_persons (erasure_id, key_version, sealed) values (p_id, p_key_version, p_sealed);
  perform graphile_worker.add_job('erasures.run', payload => '{}', job_key => 'erasures.run', job_key_mode => 'preserve_run_at', max_attempts => 1);
end
$$;
comment on function private.start_erasure(uuid, uuid, text[], text, integer, bytea) is 'Starts the erasure of a person.';

create function private.count_events_of_person(p_org_id uuid, p_subjects jsonb[])
returns integer
language plpgsql stable security definer
set search_path = ''
set plan_cache_mode = 'force_custom_plan'
as $$
begin
  perform private.require_admin(p_org_id);
  return (select count(*)::integer from public.canonical_events e where e.org_id = p_org_id and e.subject @> any (p_subjects));
end
$$;
comment on function private.count_events_of_person(uuid, jsonb[]) is
'How many events are about a person. p_subjects: [{"email": "<hash>"}, {"phone": "<hash>"}, …], one per kind and version of the hash key. Bypasses
the policy as private.find_events_of_subject does, for the same reason and for owners and admins only.';

create function private.claim_erasure(p_owner uuid, p_lease_seconds integer)
returns table (id uuid, org_id uuid, cursor_at text, cursor_id uuid, key_version integer, sealed bytea)
language sql volatile security definer
set search_path = ''
as $$
  with claimed as (
    update public.erasures e
    set lease_owner = p_owner, lease_until = now() + make_interval(secs => p_lease_seconds)
    where e.id = (
      select o.id from public.erasures o
      where o.status = 'running' and (o.lease_until is null or o.lease_until <= now())
      order by o.lease_until nulls first, o.created_at limit 1 for update skip locked)
    returning e.id, e.org_id, e.cursor_at, e.cursor_id
  )
  -- As text, because a JavaScript date has no microseconds and the cursor must come back exactly.
  select c.id, c.org_id, c.cursor_at::text, c.cursor_id, p.key_version, p.sealed
  from claimed c join private.erasure_persons p on p.erasure_id = c.id
$$;
comment on function private.claim_erasure(uuid, integer) is
'Claims the open erasure that was served longest ago, and returns it with the identifiers of its person.';

create function private.erase_events(p_org_id uuid, p_subjects jsonb[], p_limit integer)
returns integer
language plpgsql volatile security definer
set search_path = ''
set plan_cache_mode = 'force_custom_plan'
as $$
declare
  v_erased integer;
begin
  with found as materialized (
    select e.id, e.event_time from public.canonical_events e
    where e.org_id = p_org_id and e.subject @> any (p_subjects)
    limit p_limit for update skip locked
  )
  update public.canonical_events e
  set subject = '{}', properties = '{}', attribution = '{}', erased_at = now()
  from found f where e.id = f.id and e.event_time = f.event_time;
  get diagnostics v_erased = row_count;
  return v_erased;
end
$$;
comment on function private.erase_events(uuid, jsonb[], integer) is
'Empties up to p_limit events about the person, and returns their number. An event that another transaction is rewriting is left for the next
call. Type, time, amount and references are kept: the org needs them for its accounts, and without the other fields they identify no person.';

create function private.erase_deliveries(p_org_id uuid, p_ids uuid[])
returns table (deliveries integer, dead_letters integer)
language plpgsql volatile security definer
set search_path = ''
as $$
begin
  update public.dlq_events
  set sample = null, status = case when status in ('resolved', 'discarded') then status else 'discarded' end,
    last_error_message = 'The delivery was erased because it named a person whose data was erased.', field_path = null, stored_event_id = null
  where org_id = p_org_id and journal_id = any (p_ids);
  get diagnostics dead_letters = row_count;
  update public.event_journal set erased_at = now() where org_id = p_org_id and id = any (p_ids) and erased_at is null;
  delete from private.journal_payloads where org_id = p_org_id and journal_id = any (p_ids);
  get diagnostics deliveries = row_count;
  return next;
end
$$;
comment on function private.erase_deliveries(uuid, uuid[]) is
'Deletes the bodies of deliveries. Dead letters of these deliveries that wait to be run again are discarded; a worker that is running one of them
can no longer write its result.';

create function private.complete_erasure(p_id uuid, p_owner uuid, p_subjects jsonb[])
returns boolean
language plpgsql volatile security definer
set search_path = ''
set plan_cache_mode = 'force_custom_plan'
as $$
declare
  v_org uuid := (select e.org_id from public.erasures e where e.id = p_id and e.lease_owner = p_owner and e.status = 'running' for update);
begin
  if v_org is null or exists (select from public.canonical_events e where e.org_id = v_org and e.subject @> any (p_subjects)) then
    return false;
  end if;
  update public.erasures
  set status = 'completed', completed_at = now(), waits_for = null, lease_owner = null, lease_until = null
  where id = p_id;
  delete from private.erasure_persons where erasure_id = p_id;
  return true;
end
$$;
comment on function private.complete_erasure(uuid, uuid, jsonb[]) is
'Completes the erasure and deletes the identifiers of the person. Returns false, and changes nothing, when there is another event about the
person.';

-- Grants and policies -------------------------------------------------------------------------------------------------

grant execute on function private.start_erasure(uuid, uuid, text[], text, integer, bytea), private.count_events_of_person(uuid, jsonb[]) to authenticated;
grant execute on function private.claim_erasure(uuid, integer), private.erase_events(uuid, jsonb[], integer), private.erase_deliveries(uuid, uuid[]),
  private.complete_erasure(uuid, uuid, jsonb[]) to worker;

grant select on public.erasures to authenticated, worker;
grant update (waits_for, events, deliveries, dead_letters, unreadable, scanned, cursor_at, cursor_id, found_at, lease_owner, lease_until)
  on public.erasures to worker;

alter table public.erasures enable row level security;
alter table private.erasure_persons enable row level security;

create policy erasures_select on public.erasures for select to authenticated
  using (org_id = any (array(select private.my_orgs())));
create policy erasures_worker_select on public.erasures for select to worker using (true);
create policy erasures_worker_update on public.erasures for update to worker using (true);
