-- Approvals of one person's replay plans at the same moment wait for each other instead of ending in a deadlock.

create or replace function private.step_replay(p_id uuid, p_action text, p_reference text, p_matched integer, p_threshold integer)
returns text
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_plan public.replay_plans;
  v_state text;
  v_second boolean;
  v_today integer;
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
    -- Two approvals at the same moment would each miss the other's deliveries. The member's row cannot be this lock: private.require_admin has it in
    -- share mode in both transactions, so that each would wait for the other.
    perform pg_advisory_xact_lock(hashtextextended('tributary.replays ' || v_plan.org_id || v_plan.created_by, 0));
    v_today := private.replays_of_day(v_plan.org_id, v_plan.created_by);
    v_second := v_plan.needs_second_approval or p_matched + v_today > p_threshold;
    if v_second and v_plan.created_by = auth.uid() then
      return case when v_today = 0 then format('a plan for more than %s deliveries', p_threshold)
        else format('with the %s deliveries of the last 24 hours whose plans you approved yourself, this plan covers more than %s: it', v_today, p_threshold) end
        || ' must be approved by a second person';
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
      lease_owner = null, lease_until = null, paced_until = null
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
