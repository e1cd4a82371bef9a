import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Jobs, startJobs, type Task } from './jobs.ts';
import { createMetrics } from './metrics.ts';
import { makeWorld, type World } from './test/make.ts';

let world: World;
const started: Jobs[] = [];
const start = async (tasks: Record<string, Task>) => {
  const jobs = await startJobs({ db: world.db, tasks, concurrency: 2, metrics: createMetrics(), log: world.log });
  started.push(jobs);
  return jobs;
};
const add = (task: string, payload: object = {}) =>
  world.admin('select graphile_worker.add_job($1, $2::json, max_attempts => 2)', [task, JSON.stringify(payload)]);

async function until(what: () => boolean | Promise<boolean>, withinMs = 10_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await what())) {
    if (Date.now() > deadline) throw new Error('it did not happen in time');
    await sleep(20);
  }
}

beforeAll(async () => {
  world = await makeWorld();
});
afterAll(async () => {
  await Promise.all(started.map((jobs) => jobs.stop()));
  await world?.close();
});

describe('jobs', () => {
  it('runs a job that SQL added, with its payload, as a role that owns nothing', async () => {
    const seen: unknown[] = [];
    const jobs = await start({
      'test.once': {
        run: async (payload) => {
          const [row] = await world.db.worker((sql) => sql('select current_user as who'));
          seen.push(payload, row);
        },
      },
    });
    await add('test.once', { n: 7 });
    await until(() => seen.length === 2);
    expect(seen).toEqual([{ n: 7 }, { who: 'worker' }]);
    await jobs.stop();
  });

  it('outlives an end of a job that cannot be written, and goes on with a new runner', async () => {
    const runs: unknown[] = [];
    const jobs = await start({
      'test.cut': {
        run: async (payload) => {
          runs.push(payload);
          if ((payload as { fails?: true }).fails) throw new Error('as it should');
        },
      },
    });
    await world.admin(`
      create function private.refuse() returns trigger language plpgsql as $$ begin raise exception 'cut off'; end $$;
      create trigger refuse before delete or update on graphile_worker._private_jobs for each row
        when (old.locked_at is not null) execute function private.refuse()`);
    await add('test.cut', { n: 1 });
    await until(() => runs.length === 1);
    await add('test.cut', { n: 2, fails: true });
    await until(() => runs.length === 2);
    await sleep(300);
    await world.admin('drop function private.refuse() cascade');
    await add('test.cut', { n: 3 });
    await until(() => runs.length === 3);
    await jobs.stop();
    await world.admin('delete from graphile_worker._private_jobs');
  });

  it('runs a task by the clock once a turn, however many instances there are', async () => {
    let runs = 0;
    const task: Task = {
      everySeconds: 2,
      run: async () => {
        runs++;
      },
    };
    const instances = [await start({ 'test.clock': task }), await start({ 'test.clock': task }), await start({ 'test.clock': task })];
    await sleep(5_200);
    await Promise.all(instances.map((jobs) => jobs.stop()));
    expect(runs).toBeGreaterThanOrEqual(2);
    expect(runs).toBeLessThanOrEqual(4);
  });

  it('tries a failed job again and logs why, without ending the process', async () => {
    let tries = 0;
    const jobs = await start({
      'test.fails': {
        run: async () => {
          if (++tries === 1) throw new Error('the first try fails');
        },
      },
    });
    await add('test.fails');
    await until(() => tries === 1);
    await world.admin('select graphile_worker.reschedule_jobs(array(select id from graphile_worker.jobs), now())');
    await until(() => tries === 2);
    expect(world.logged()).toContain('the first try fails');
    await jobs.stop();
  });

  it('releases the job of a process that is gone', async () => {
    await add('test.left');
    await world.admin(
      `update graphile_worker._private_jobs set locked_at = now() - interval '4 minutes', locked_by = 'gone'
       where task_id = (select id from graphile_worker._private_tasks where identifier = 'test.left')`,
    );
    const [row] = await world.db.worker((sql) => sql('select private.release_abandoned_jobs() as released'));
    expect(row).toEqual({ released: 1 });
    let ran = false;
    const jobs = await start({
      'test.left': {
        run: async () => {
          ran = true;
        },
      },
    });
    await until(() => ran);
    await jobs.stop();
  });
});
