import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeWorld, type World } from '../test/make.ts';
import { type Jobs, startJobs, type Task } from './jobs.ts';
import { createMetrics } from './metrics.ts';

let world: World;
const started: Jobs[] = [];
const start = async (tasks: Record<string, Task>, concurrency = 2) => {
  const jobs = await startJobs({ db: world.db, tasks, concurrency, metrics: createMetrics(), log: world.log });
  started.push(jobs);
  return jobs;
};
const add = (task: string, payload: object = {}) =>
  world.admin('select graphile_worker.add_job($1, $2::json, max_attempts => 2)', [task, JSON.stringify(payload)]);

async function until(what: () => boolean | Promise<boolean>, withinMs = 10_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await what())) {
    if (Date.now() > deadline) throw new Error('the condition did not become true in time');
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

  describe('when the end of a job cannot be written', () => {
    const refuseWrites = (slowly = '') =>
      world.admin(`
        create function private.refuse() returns trigger language plpgsql as $$ begin ${slowly} raise exception 'cut off'; end $$;
        create trigger refuse before delete or update on graphile_worker._private_jobs for each row
          when (old.locked_at is not null) execute function private.refuse()`);
    const allowWrites = () => world.admin('drop function private.refuse() cascade');
    afterEach(() => world.admin('delete from graphile_worker._private_jobs'));

    it('continues with a new runner', async () => {
      const runs: unknown[] = [];
      const jobs = await start({
        'test.cut': {
          run: async (payload) => {
            runs.push(payload);
            if ((payload as { fails?: true }).fails) throw new Error('as it should');
          },
        },
      });
      await refuseWrites();
      await add('test.cut', { n: 1 });
      await until(() => runs.length === 1);
      await add('test.cut', { n: 2, fails: true });
      await until(() => runs.length === 2);
      await sleep(300);
      await allowWrites();
      await add('test.cut', { n: 3 });
      await until(() => runs.length === 3);
      await jobs.stop();
    });

    it('continues with a new runner when the ends of two jobs are lost at once, although the old runner never finishes its shutdown', async () => {
      const runs: number[] = [];
      const told: boolean[] = [];
      const endOf = new Map<number, () => void>();
      const jobs = await start(
        {
          'test.cut': {
            run: async (payload, { signal }) => {
              const { n } = payload as { n: number };
              runs.push(n);
              if (n > 3) return;
              await new Promise<void>((end) => endOf.set(n, end));
              told.push(signal.aborted);
              if (n === 3) throw new Error('as it should');
            },
          },
        },
        3,
      );
      for (const n of [1, 2, 3]) await add('test.cut', { n });
      await until(() => endOf.size === 3);
      await refuseWrites('perform pg_sleep(0.5);');
      endOf.get(1)?.();
      await sleep(100);
      endOf.get(2)?.();
      // The third job keeps the old runner busy until both writes have failed. The third job ends by an error, so the count stays wrong.
      await until(() => world.logged().split('Failed to complete jobs').length > 2);
      endOf.get(3)?.();
      await allowWrites();
      await add('test.cut', { n: 4 });
      await until(() => runs.includes(4));
      expect(told).toEqual([false, false, true]);
      await jobs.stop();
    });
  });

  it('starts a scheduled task once each time, also with several instances', async () => {
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

  it('runs only one job of a scheduled task at a time, so that a slow task leaves the other workers to other tasks', async () => {
    let begun = 0;
    let others = 0;
    const slow = Promise.withResolvers<void>();
    const jobs = await start({
      'test.slow': {
        everySeconds: 1,
        run: async () => {
          begun++;
          await slow.promise;
        },
      },
      'test.other': {
        everySeconds: 1,
        run: async () => {
          others++;
        },
      },
    });
    // There are two workers: a second run of the slow task would have occupied the last one.
    await until(() => others >= 4);
    expect(begun).toBe(1);
    slow.resolve();
    await jobs.stop();
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

  it('releases the job of a process that has died', async () => {
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
