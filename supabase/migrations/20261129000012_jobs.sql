-- Background work: the clock that starts tasks, and the grants of their role on the tables of Graphile Worker.

grant usage on schema graphile_worker to worker;
-- Grants on the library's tables and functions for the one role that runs the library. The library enables row level security on its tables
-- without a policy: these policies are ours.
grant select, insert, update, delete on all tables in schema graphile_worker to worker;
grant usage on all sequences in schema graphile_worker to worker;
grant execute on all functions in schema graphile_worker to worker;
create policy jobs_worker on graphile_worker._private_jobs to worker using (true) with check (true);
create policy job_queues_worker on graphile_worker._private_job_queues to worker using (true) with check (true);
create policy tasks_worker on graphile_worker._private_tasks to worker using (true) with check (true);
create policy known_crontabs_worker on graphile_worker._private_known_crontabs to worker using (true) with check (true);

-- As in our own functions, names are resolved by the search path that is set here, and not by that of the caller.
do $$
declare
  v_function regprocedure;
begin
  for v_function in select p.oid from pg_catalog.pg_proc p where p.pronamespace = 'graphile_worker'::regnamespace loop
    execute format('alter function %s set search_path = ''''', v_function);
  end loop;
end
$$;

create table private.schedule (
  task text primary key,
  started_at timestamptz not null default 'epoch'
);
alter table private.schedule enable row level security;
comment on table private.schedule is
'When each periodic task was last started. The table stores the time and not the number of the turn: turn numbers grow with the time and shrink
with the period, so that after a release that raised a task''s period, or after a clock that was once ahead, no turn was ever newer than the
recorded one, and the task never ran again.';

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
    select t.task, t.every_seconds
    from json_to_recordset(p_tasks) as t (task text, every_seconds numeric)
    left join private.schedule s on s.task = t.task
    where floor(extract(epoch from s.started_at) / t.every_seconds) is distinct from floor(extract(epoch from clock_timestamp()) / t.every_seconds)
    order by t.task
  loop
    -- The clock is read again under the row's lock: an instance that waited for another one sees that the other has started this turn.
    insert into private.schedule as s (task, started_at) values (v_task.task, clock_timestamp())
    on conflict (task) do update set started_at = clock_timestamp()
    where floor(extract(epoch from s.started_at) / v_task.every_seconds) <> floor(extract(epoch from clock_timestamp()) / v_task.every_seconds);
    if found then
      perform graphile_worker.add_job(v_task.task, payload => '{}', job_key => v_task.task, job_key_mode => 'preserve_run_at', max_attempts => 1);
      v_started := v_started + 1;
    end if;
  end loop;
  return v_started;
end
$$;
comment on function private.tick(json) is
'Starts the tasks that are due. p_tasks: [{ task, every_seconds }]. Every instance calls it each second: cron cannot schedule seconds, and a clock
in one process would stop with that process. A task whose last run still waits is not added again. Each instance counts turns by the period that
it knows: while two releases run side by side, a task is started when either of them has a new turn. A turn is new when it differs from the last
one, even when it is an earlier turn, because the clock may have been set back.';

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
comment on function private.release_abandoned_jobs() is
'A task ends within a minute and leaves the rest to a later job, so a job that has been locked for longer belongs to a process that has died.
Without this function, the library would wait for four hours.';

grant execute on function private.tick(json), private.release_abandoned_jobs() to worker;
