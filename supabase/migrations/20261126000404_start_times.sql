-- The clock of the tasks remembers when each was last started, not the number of its turn. Numbers of turns grow with the time and shrink
-- with the period: after a release that raised a task's period, or a clock that was once ahead, no turn was ever newer than the one
-- that was kept, and the task never ran again.
alter table private.schedule
  add column if not exists started_at timestamptz not null default 'epoch',
  alter column turn drop not null;

-- As before. Each instance counts turns by the period that it knows: while two releases run side by side a task is started when either
-- has a new turn. A turn is new when it is another one, later or not: the clock may have been set back.
create or replace function private.tick(p_tasks json)
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
    -- The clock is read again under the row's lock: whoever waited for another instance sees that the turn is taken.
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

alter table private.schedule drop column if exists turn;
