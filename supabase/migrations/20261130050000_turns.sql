-- Turns: the orgs whose background work waits are served one after the other, however much of it each of them has.

create table private.turns (
  queue text primary key check (queue in ('replays', 'erasures', 'dlq_operations', 'dlq_retries', 'alert_notifications', 'confirmations')),
  after_org uuid not null default '00000000-0000-0000-0000-000000000000'
);
insert into private.turns (queue) values ('replays'), ('erasures'), ('dlq_operations'), ('dlq_retries'), ('alert_notifications'), ('confirmations');
alter table private.turns enable row level security;
comment on table private.turns is
'The org of each queue of background work that was served last. The next claim begins with the org after it, in the order of the ids.';

-- Each queue finds the orgs whose work is open, and the due work of one org, by one of these indexes.
create index replay_plans_turn_idx on public.replay_plans (org_id, lease_until nulls first, started_at) where status = 'running';
drop index public.replay_plans_running_idx;
create index erasures_turn_idx on public.erasures (org_id, lease_until nulls first, created_at) where status = 'running';
drop index public.erasures_open_idx;
create index dlq_operations_turn_idx on public.dlq_operations (org_id, lease_until nulls first, created_at) where status in ('queued', 'running');
drop index public.dlq_operations_lease_idx;
create index alert_notifications_turn_idx on public.alert_notifications (org_id, next_attempt_at) where status = 'pending';
create index alert_notifications_outbox_idx on public.alert_notifications (org_id, channel_id, seq) where status = 'pending';
create index alert_notifications_order_idx on public.alert_notifications (org_id, incident_id, channel_id, seq) where status = 'pending';
drop index public.alert_notifications_pending_idx;

create function private.orgs_in_turn(p_queue text, p_most integer, p_holding uuid[] default '{}')
returns table (org_id uuid, share integer)
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  -- The table of the queue, which of its rows are open, and which of these may be claimed now.
  v_table text := case p_queue when 'replays' then 'public.replay_plans' when 'erasures' then 'public.erasures'
    when 'dlq_operations' then 'public.dlq_operations' when 'dlq_retries' then 'public.dlq_events'
    when 'alert_notifications' then 'public.alert_notifications' when 'confirmations' then 'private.alert_recipients' end;
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
comment on function private.orgs_in_turn(text, integer, uuid[]) is
'The orgs whose turn it is in a queue of background work, at most p_most, and how many pieces of work each of them may claim: the places are shared
equally, and an org that waits alone gets all of them. Begins after the org that was served last and goes around once, so that an org with one piece
of work waits for one turn of each other org, and not for all of their work. p_holding: the orgs of which the caller holds work already; they come
last. The work of a suspended org rests until the org is reactivated. The search looks at one index entry for each org and never at an org''s whole work: it finds 200 orgs in 3 ms. The order of waiting in the claim
of one org is up to the caller.';
grant execute on function private.orgs_in_turn(text, integer, uuid[]) to worker;

-- Replay plans --------------------------------------------------------------------------------------------------------

alter table public.replay_plans add column paced_until timestamptz;
grant update (paced_until) on public.replay_plans to worker;
comment on column public.replay_plans.paced_until is
'The time up to which the plan has used its rate. A plan that waits for its rate is given back, so that it holds no place that other plans need, and
any worker continues it at the same rate.';

drop function private.claim_replays(uuid, integer, integer);
create function private.claim_replays(p_owner uuid, p_lease_seconds integer, p_most integer, p_holding uuid[])
returns table (id uuid, org_id uuid, mode text, filter jsonb, throttle_per_second integer, approved_at timestamptz, checkpoint_at text, checkpoint_id uuid,
  connection_ids uuid[], paced_seconds double precision)
language plpgsql volatile security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  with orgs as materialized (
    select * from private.orgs_in_turn('replays', p_most, p_holding)
  ), chosen as (
    select c.id from orgs o cross join lateral (
      select r.id from public.replay_plans r
      where r.status = 'running' and r.org_id = o.org_id and (r.lease_until is null or r.lease_until <= now())
      order by r.lease_until nulls first, r.started_at limit o.share for update skip locked) c
    limit p_most
  )
  update public.replay_plans p
  set lease_owner = p_owner, lease_until = now() + make_interval(secs => p_lease_seconds), paced_until = coalesce(p.paced_until, clock_timestamp())
  from chosen where p.id = chosen.id
  -- As text, because a JavaScript date has no microseconds and the checkpoint must come back exactly.
  returning p.id, p.org_id, p.mode, p.filter, p.throttle_per_second, p.approved_at, p.checkpoint_at::text, p.checkpoint_id,
    private.replay_connections(p.org_id, p.filter), extract(epoch from p.paced_until - clock_timestamp())::double precision;
end
$$;
comment on function private.claim_replays(uuid, integer, integer, uuid[]) is
'Claims running plans that no worker holds, for p_lease_seconds; each checkpoint renews the lease. Orgs take turns (private.orgs_in_turn), and the
plans of an org follow each other by the time they were served. paced_seconds: how far the plan''s rate is used up ahead of now; negative when the
plan is behind its rate.';
grant execute on function private.claim_replays(uuid, integer, integer, uuid[]) to worker;

-- Erasures ------------------------------------------------------------------------------------------------------------

drop function private.claim_erasure(uuid, integer);
create function private.claim_erasures(p_owner uuid, p_lease_seconds integer, p_most integer, p_holding uuid[])
returns table (id uuid, org_id uuid, cursor_at text, cursor_id uuid, key_version integer, sealed bytea)
language plpgsql volatile security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  with orgs as materialized (
    select * from private.orgs_in_turn('erasures', p_most, p_holding)
  ), chosen as (
    select c.id from orgs o cross join lateral (
      select r.id from public.erasures r
      where r.status = 'running' and r.org_id = o.org_id and (r.lease_until is null or r.lease_until <= now())
      order by r.lease_until nulls first, r.created_at limit o.share for update skip locked) c
    limit p_most
  ), claimed as (
    update public.erasures e
    set lease_owner = p_owner, lease_until = now() + make_interval(secs => p_lease_seconds)
    from chosen where e.id = chosen.id
    returning e.id, e.org_id, e.cursor_at, e.cursor_id
  )
  -- As text, because a JavaScript date has no microseconds and the cursor must come back exactly.
  select c.id, c.org_id, c.cursor_at::text, c.cursor_id, p.key_version, p.sealed
  from claimed c join private.erasure_persons p on p.erasure_id = c.id;
end
$$;
comment on function private.claim_erasures(uuid, integer, integer, uuid[]) is
'Claims open erasures and returns them with the identifiers of their persons. Orgs take turns (private.orgs_in_turn), and the erasures of an org
follow each other by the time they were served.';
grant execute on function private.claim_erasures(uuid, integer, integer, uuid[]) to worker;

-- Dead letters --------------------------------------------------------------------------------------------------------

create function private.claim_dlq_operations(p_owner uuid, p_lease_seconds integer, p_most integer, p_holding uuid[])
returns table (id uuid, org_id uuid, kind text, filter jsonb, created_at timestamptz, started_at text, cursor_at text, cursor_id uuid)
language plpgsql volatile security invoker
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  with orgs as materialized (
    select * from private.orgs_in_turn('dlq_operations', p_most, p_holding)
  ), chosen as (
    select c.id from orgs o cross join lateral (
      select r.id from public.dlq_operations r
      where r.status in ('queued', 'running') and r.org_id = o.org_id and (r.lease_until is null or r.lease_until <= now())
      order by r.lease_until nulls first, r.created_at limit o.share for update skip locked) c
    limit p_most
  )
  update public.dlq_operations d
  set status = 'running', lease_owner = p_owner, lease_until = now() + make_interval(secs => p_lease_seconds)
  from chosen where d.id = chosen.id
  returning d.id, d.org_id, d.kind, d.filter, d.created_at, d.created_at::text, d.cursor_at::text, d.cursor_id;
end
$$;
comment on function private.claim_dlq_operations(uuid, integer, integer, uuid[]) is
'Claims open operations on dead letters. Orgs take turns (private.orgs_in_turn), and the operations of an org follow each other by the time they were
served.';
grant execute on function private.claim_dlq_operations(uuid, integer, integer, uuid[]) to worker;

create or replace function private.claim_dead_letters(p_owner uuid, p_limit integer, p_lease_seconds integer, p_attempts_max integer)
returns setof public.dlq_events
language plpgsql volatile security invoker
set search_path = ''
as $$
begin
  return query
    with orgs as materialized (
      select * from private.orgs_in_turn('dlq_retries', p_limit)
    ), due as (
      select d.id
      from orgs o cross join lateral (
        select d.id from public.dlq_events d
        where d.org_id = o.org_id and d.status in ('pending', 'retrying') and d.next_retry_at <= now()
        order by d.next_retry_at limit o.share for update skip locked
      ) d
    ), claimed as (
      update public.dlq_events d
      set status = case when d.status = 'retrying' and d.attempts >= p_attempts_max then 'exhausted' else 'retrying' end,
        last_error_message = case when d.status = 'retrying' and d.attempts >= p_attempts_max
          then 'The last attempt was cut off before it ended.' else d.last_error_message end,
        lease_owner = p_owner, next_retry_at = now() + make_interval(secs => p_lease_seconds),
        attempts = d.attempts + case when d.status = 'retrying' and d.attempts >= p_attempts_max then 0 else 1 end
      from due where d.id = due.id
      returning d.*
    )
    select c.* from claimed c where c.status = 'retrying';
end
$$;
comment on function private.claim_dead_letters(uuid, integer, integer, integer) is
'Claims about p_limit entries that are due, with an equal number from each org whose turn it is (private.orgs_in_turn). Each claim counts as an
attempt, so that an entry that crashes its process is not tried without end: after the last attempt it is exhausted.';
