-- Replay plans: which deliveries of the journal go through the pipeline again, who approved it, and how far it has come.

create table public.replay_plans (
  id uuid primary key default gen_random_uuid(),
  org_id uuid not null references public.orgs (id) on delete cascade,
  name text check (length(btrim(name)) >= 1 and length(name) <= 120),
  mode text not null check (mode in ('replay', 'reprocess')),
  filter jsonb not null check (jsonb_typeof(filter) = 'object' and pg_column_size(filter) <= 65536),
  throttle_per_second integer not null check (throttle_per_second between 1 and 1000),
  status text not null default 'pending_approval'
    check (status in ('pending_approval', 'approved', 'running', 'paused', 'completed', 'canceled', 'failed')),
  matched_count integer not null check (matched_count >= 0),
  needs_second_approval boolean not null,
  reference text check (length(btrim(reference)) >= 1 and length(reference) <= 120),
  created_by uuid not null default auth.uid(),
  created_at timestamptz not null default now(),
  approved_by uuid,
  approved_at timestamptz,            -- deliveries that arrive after this time are not part of the plan
  started_at timestamptz,
  finished_at timestamptz,
  processed integer not null default 0,  -- deliveries; the next three count records, and failed counts deliveries again
  accepted integer not null default 0,
  duplicates integer not null default 0,
  dead_lettered integer not null default 0,
  failed integer not null default 0,
  rate_per_second real,
  error text,
  failures integer not null default 0,   -- slices that failed in a row
  -- The last processed delivery: the next slice continues after this delivery.
  checkpoint_at timestamptz,
  checkpoint_id uuid,
  -- The worker that holds the lease on the plan. A worker without the lease writes neither progress nor events.
  lease_owner uuid,
  lease_until timestamptz,
  check ((approved_by is null) = (approved_at is null)),
  check (status in ('pending_approval', 'canceled') or approved_by is not null),
  constraint replay_plans_second_person check (approved_by is null or not needs_second_approval or (approved_by <> created_by and reference is not null))
);
create index replay_plans_org_created_idx on public.replay_plans (org_id, created_at desc, id desc);
create index replay_plans_running_idx on public.replay_plans (started_at) where status = 'running';
comment on table public.replay_plans is 'Which deliveries of the journal go through the pipeline again, who approved it, and how far it has come.';

create function private.check_replay_step()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if (old.status, new.status) not in (
    ('pending_approval', 'approved'), ('pending_approval', 'canceled'), ('approved', 'running'), ('approved', 'canceled'),
    ('running', 'paused'), ('running', 'completed'), ('running', 'failed'), ('running', 'canceled'),
    ('paused', 'running'), ('paused', 'canceled'), ('failed', 'running'), ('failed', 'canceled')
  ) then
    raise check_violation using message = format('a replay plan that is %s cannot become %s', old.status, new.status), constraint = 'replay_plans_step';
  end if;
  return new;
end
$$;
comment on function private.check_replay_step() is
'Trigger function: refuses a change of status that is not a step of a plan, no matter which command makes the change.';
create trigger check_step before update on public.replay_plans
  for each row when (old.status is distinct from new.status) execute function private.check_replay_step();
create trigger audit_made after insert on public.replay_plans for each row execute function private.audit('id');
-- Only steps are audited, because no person causes the progress.
create trigger audit_step after update on public.replay_plans
  for each row when (old.status is distinct from new.status) execute function private.audit('id');

create function private.create_replay(p_org_id uuid, p_name text, p_mode text, p_filter jsonb, p_throttle integer, p_matched integer, p_second boolean)
returns uuid
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_id uuid;
begin
  perform private.require_admin(p_org_id);
  insert into public.replay_plans (org_id, name, mode, filter, throttle_per_second, matched_count, needs_second_approval)
  values (p_org_id, p_name, p_mode, p_filter, p_throttle, p_matched, p_second) returning id into v_id;
  return v_id;
end
$$;
comment on function private.create_replay(uuid, text, text, jsonb, integer, integer, boolean) is
'Creates a plan that waits for approval. p_second: whether the plan needs the approval of a second person.';

create function private.step_replay(p_id uuid, p_action text, p_reference text, p_matched integer, p_threshold integer)
returns text
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_plan public.replay_plans;
  v_state text;
  v_second boolean;
begin
  select * into v_plan from public.replay_plans where id = p_id and org_id = any (array(select private.my_orgs())) for update;
  perform private.require_admin(v_plan.org_id);
  v_state := case v_plan.status when 'pending_approval' then 'waiting for approval' else v_plan.status end;

  if p_action = 'approve' then
    if v_plan.status = 'approved' and v_plan.approved_by = auth.uid() then
      return null;
    elsif v_plan.status <> 'pending_approval' then
      return format('a plan that is %s cannot be approved', v_state);
    end if;
    v_second := v_plan.needs_second_approval or p_matched > p_threshold;
    if v_second and v_plan.created_by = auth.uid() then
      return format('a plan for more than %s deliveries must be approved by a second person', p_threshold);
    elsif v_second and p_reference is null then
      return format('a plan for more than %s deliveries must be approved with a reference', p_threshold);
    end if;
    update public.replay_plans
    set status = 'approved', approved_by = auth.uid(), approved_at = now(), reference = p_reference, matched_count = p_matched, needs_second_approval = v_second
    where id = p_id;

  elsif p_action in ('run', 'resume') then
    if v_plan.status = 'running' then
      return null;
    elsif p_action = 'run' and v_plan.status <> 'approved' then
      return format('a plan that is %s cannot be run', v_state)
        || case when v_plan.status in ('paused', 'failed') then ': resume it' else '' end;
    elsif p_action = 'resume' and v_plan.status not in ('paused', 'failed') then
      return format('a plan that is %s cannot be resumed', v_state) || case v_plan.status when 'approved' then ': run it' else '' end;
    end if;
    update public.replay_plans
    set status = 'running', started_at = coalesce(started_at, now()), matched_count = coalesce(p_matched, matched_count), error = null, failures = 0,
      lease_owner = null, lease_until = null
    where id = p_id;
    perform graphile_worker.add_job('replay.run', payload => '{}', job_key => 'replay.run', job_key_mode => 'preserve_run_at', max_attempts => 1);

  elsif p_action = 'pause' then
    if v_plan.status = 'paused' then
      return null;
    elsif v_plan.status <> 'running' then
      return format('a plan that is %s cannot be paused', v_state);
    end if;
    update public.replay_plans set status = 'paused', rate_per_second = null, lease_owner = null, lease_until = null where id = p_id;

  elsif p_action = 'cancel' then
    if v_plan.status = 'canceled' then
      return null;
    elsif v_plan.status = 'completed' then
      return 'a plan that is completed cannot be canceled';
    end if;
    update public.replay_plans set status = 'canceled', finished_at = now(), rate_per_second = null, lease_owner = null, lease_until = null where id = p_id;

  else
    raise invalid_parameter_value using message = 'this is not a step of a replay plan';
  end if;
  return null;
end
$$;
comment on function private.step_replay(uuid, text, text, integer, integer) is
'Every step of a plan that a person takes. Returns the reason why the step is not allowed, or null when the step was done now or before: a
repeated request changes nothing. p_matched: how many deliveries the plan covers, counted in this transaction; p_threshold: plans for more
deliveries than this need the approval of a second person.';

create function private.replay_connections(p_org_id uuid, p_filter jsonb)
returns uuid[]
language sql stable security invoker
set search_path = ''
as $$
  select coalesce(array_agg(id), '{}') from public.source_connections
  where org_id = p_org_id and deleted_at is null
    and (p_filter -> 'connectionIds' is null or id::text = any (array(select lower(jsonb_array_elements_text(p_filter -> 'connectionIds')))))
    and (p_filter -> 'projectIds' is null or project_id::text = any (array(select lower(jsonb_array_elements_text(p_filter -> 'projectIds')))))
    and (p_filter -> 'sources' is null or type = any (array(select jsonb_array_elements_text(p_filter -> 'sources'))))
$$;
comment on function private.replay_connections(uuid, jsonb) is
'The connections that a filter selects. Runs as the caller: row level security limits the result to the caller''s orgs, unless a security definer
function calls it.';

create function private.claim_replays(p_owner uuid, p_lease_seconds integer, p_most integer)
returns table (id uuid, org_id uuid, mode text, filter jsonb, throttle_per_second integer, approved_at timestamptz, checkpoint_at text, checkpoint_id uuid,
  connection_ids uuid[])
language sql volatile security definer
set search_path = ''
as $$
  update public.replay_plans p
  set lease_owner = p_owner, lease_until = now() + make_interval(secs => p_lease_seconds)
  where p.id in (
    select r.id from public.replay_plans r
    where r.status = 'running' and (r.lease_until is null or r.lease_until < now())
    order by r.started_at limit p_most for update skip locked)
  -- As text, because a JavaScript date has no microseconds and the checkpoint must come back exactly.
  returning p.id, p.org_id, p.mode, p.filter, p.throttle_per_second, p.approved_at, p.checkpoint_at::text, p.checkpoint_id,
    private.replay_connections(p.org_id, p.filter)
$$;
comment on function private.claim_replays(uuid, integer, integer) is
'Claims running plans that no worker holds, for p_lease_seconds; each checkpoint renews the lease.';

create function private.audit_replay(p_journal_id uuid, p_mode text)
returns void
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_org uuid := (select org_id from public.event_journal where id = p_journal_id);
begin
  perform private.require_admin(v_org);
  insert into public.audit_log (org_id, actor_id, action, target_id, detail)
  values (v_org, auth.uid(), 'event_journal.replay', p_journal_id::text, jsonb_build_object('mode', p_mode));
end
$$;
comment on function private.audit_replay(uuid, text) is
'Records who sent which delivery through the pipeline again. Raises 42501 for a caller who may not replay the delivery.';

-- Grants and policies -------------------------------------------------------------------------------------------------

grant execute on function private.create_replay(uuid, text, text, jsonb, integer, integer, boolean), private.step_replay(uuid, text, text, integer, integer),
  private.replay_connections(uuid, jsonb), private.audit_replay(uuid, text) to authenticated;
grant execute on function private.claim_replays(uuid, integer, integer) to worker;

grant select on public.replay_plans to authenticated;
grant select, update (status, finished_at, processed, accepted, duplicates, dead_lettered, failed, rate_per_second, error, failures, checkpoint_at,
  checkpoint_id, lease_owner, lease_until) on public.replay_plans to worker;

alter table public.replay_plans enable row level security;

create policy replay_plans_select on public.replay_plans for select to authenticated
  using (org_id = any (array(select private.my_orgs())));
create policy replay_plans_worker_select on public.replay_plans for select to worker using (true);
create policy replay_plans_worker_update on public.replay_plans for update to worker using (true);
