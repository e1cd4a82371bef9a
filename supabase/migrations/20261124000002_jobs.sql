-- Background work: who it runs as, and the clock that starts it.

-- What background work becomes: dead letters, replays, rollups, alerts. It reads sealed deliveries and settles what waits; it runs across
-- orgs, as the jobs do. Partitions, retention and keys stay with `maintenance`.
do $$
begin
  if not exists (select from pg_roles where rolname = 'worker') then
    create role worker nologin;
  end if;
end
$$;
grant worker to tributary_api;
grant usage on schema public, private, graphile_worker to worker;

-- The library's tables and functions, for the one role that runs it. Its tables have row level security without a policy: these are ours.
grant select, insert, update, delete on all tables in schema graphile_worker to worker;
grant usage on all sequences in schema graphile_worker to worker;
grant execute on all functions in schema graphile_worker to worker;
create policy jobs_worker on graphile_worker._private_jobs to worker using (true) with check (true);
create policy job_queues_worker on graphile_worker._private_job_queues to worker using (true) with check (true);
create policy tasks_worker on graphile_worker._private_tasks to worker using (true) with check (true);
create policy known_crontabs_worker on graphile_worker._private_known_crontabs to worker using (true) with check (true);

-- As for our own functions: what they name is decided here, not by the caller's search path.
do $$
declare
  v_function regprocedure;
begin
  for v_function in select p.oid from pg_catalog.pg_proc p where p.pronamespace = 'graphile_worker'::regnamespace loop
    execute format('alter function %s set search_path = ''''', v_function);
  end loop;
end
$$;

-- The last turn of each task that runs by the clock. One instance wins a turn, the others see that it is taken.
create table private.schedule (
  task text primary key,
  turn bigint not null
);
alter table private.schedule enable row level security;

-- Starts what is due. p_tasks: [{ task, every_seconds }]. Every instance calls it each second: cron knows no second, and a clock that
-- stands in one process stops with it. A task whose last run still waits is not added again.
create function private.tick(p_tasks json)
returns integer
language plpgsql volatile security definer
set search_path = ''
as $$
declare
  v_task record;
  v_started integer := 0;
begin
  for v_task in
    select t.task, floor(extract(epoch from clock_timestamp()) / t.every_seconds)::bigint as turn
    from json_to_recordset(p_tasks) as t (task text, every_seconds numeric)
    left join private.schedule s on s.task = t.task
    where s.turn is distinct from floor(extract(epoch from clock_timestamp()) / t.every_seconds)::bigint
    order by t.task
  loop
    insert into private.schedule as s (task, turn) values (v_task.task, v_task.turn)
    on conflict (task) do update set turn = excluded.turn where s.turn < excluded.turn;
    if found then
      perform graphile_worker.add_job(v_task.task, payload => '{}', job_key => v_task.task, job_key_mode => 'preserve_run_at', max_attempts => 1);
      v_started := v_started + 1;
    end if;
  end loop;
  return v_started;
end
$$;

-- A task ends within a minute or comes back with what is left, so a job that is locked longer belongs to a process that is gone. The
-- library itself would wait four hours.
create function private.release_abandoned_jobs()
returns integer
language sql volatile security definer
set search_path = ''
as $$
  with released as (
    update graphile_worker._private_jobs set locked_at = null, locked_by = null
    where locked_at < now() - interval '3 minutes' returning 1
  )
  select count(*)::integer from released
$$;

grant execute on function private.tick(json), private.release_abandoned_jobs() to worker;

-- What jobs read of a delivery: its journal row and the sealed bytes beside it.
grant select on public.event_journal, private.journal_payloads to worker;
create policy event_journal_worker on public.event_journal for select to worker using (true);
create policy journal_payloads_worker on private.journal_payloads for select to worker using (true);
