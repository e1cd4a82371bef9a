import { Logger as GraphileLogger, type Runner, run, type TaskList } from 'graphile-worker';
import type { Logger } from 'pino';
import type { Db } from './db.ts';
import type { Metrics } from './metrics.ts';

export interface TaskContext {
  /**
   * Aborted when the process is about to stop or jobs are paused: the task finishes its current chunk and leaves the rest to a later job.
   */
  signal: AbortSignal;
  log: Logger;
}

/**
 * One kind of background work. A run ends within a minute: longer work does a slice, stores how far it came, and is started again (by
 * `everySeconds`, or by adding its job again). A task may run twice at once, and again after a crash, so it claims its rows by a lock or a
 * lease in Postgres.
 */
export interface Task {
  run(payload: unknown, context: TaskContext): Promise<void>;
  /** The task is started this often, over all instances together, one run at a time in each. Without it, only by adding a job. */
  everySeconds?: number;
}

export interface Jobs {
  state(): { concurrency: number; running: number };
  /** Starts no new job, and waits for those that are running. */
  stop(): Promise<void>;
}

/** The clock may start a task while its last run is not finished. That run is skipped, so that a slow task does not occupy every worker. */
function oneAtATime(run: Task['run']): Task['run'] {
  let busy = false;
  return async (payload, context) => {
    if (busy) return;
    busy = true;
    try {
      await run(payload, context);
    } finally {
      busy = false;
    }
  };
}

/** Running jobs stop at their next chunk. A job that takes longer than this is abandoned, and another instance takes it up. */
const stopMs = 5_000;

/** Runs tasks by name from the queue in Postgres (Graphile Worker). Any number of instances may run; each job runs in one of them. */
export async function startJobs(deps: {
  db: Db;
  tasks: Readonly<Record<string, Task>>;
  concurrency: number;
  /** While this answers true no job is started, and running jobs stop at their next chunk. */
  isPaused?(): boolean;
  metrics: Metrics;
  log: Logger;
}): Promise<Jobs> {
  const { db, tasks, concurrency, isPaused = () => false, metrics, log } = deps;
  if (concurrency === 0) return { state: () => ({ concurrency, running: 0 }), stop: async () => {} };
  let running = 0;
  let stopping = new AbortController();

  const taskList: TaskList = {};
  for (const [name, task] of Object.entries(tasks)) {
    const run = task.everySeconds === undefined ? task.run : oneAtATime(task.run);
    taskList[name] = async (payload) => {
      const started = performance.now();
      running++;
      let outcome = 'done';
      try {
        await run(payload, { signal: stopping.signal, log: log.child({ task: name }) });
      } catch (error) {
        outcome = 'failed';
        log.error({ task: name, err: error }, 'job');
        throw error;
      } finally {
        running--;
        metrics.jobDuration.observe({ task: name, outcome }, (performance.now() - started) / 1000);
      }
    };
  }

  let runner: Runner | undefined;
  let ended: Promise<unknown> = Promise.resolve();

  async function startRunner(): Promise<void> {
    stopping = new AbortController();
    const started = await run({
      pgPool: db.pools.jobs,
      taskList,
      concurrency,
      noHandleSignals: true,
      noPreparedStatements: true,
      pollInterval: 1_000,
      // Without batches, a job whose end cannot be written because the connection is lost just then causes an unhandled rejection, which
      // ends the process. With batches the runner stops and is replaced, and the job is released like any abandoned job.
      preset: { worker: { completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
      logger: new GraphileLogger(() => (level, message) => {
        // Failed jobs are logged above, with their error; the library's own messages matter only as warnings and errors.
        if (level === 'error' || level === 'warning') log.warn({ worker: message }, 'job queue');
      }),
    });
    runner = started;
    // A runner that stops by itself is replaced as soon as its shutdown begins: when the ends of two jobs could not be written, the library
    // counts one of them twice and its shutdown never ends.
    const replace = () => {
      if (runner !== started) return;
      forgetRunner();
      ended = started.promise.catch(() => {});
    };
    started.events.once('pool:gracefulShutdown', replace);
    started.promise.then(replace, replace);
  }

  function forgetRunner(): Runner | undefined {
    const left = runner;
    runner = undefined;
    stopping.abort();
    return left;
  }

  function stopRunner(): void {
    const left = forgetRunner();
    if (left) ended = left.stop().catch((error: unknown) => log.warn({ err: error }, 'job queue'));
  }

  if (!isPaused()) await startRunner();
  let starting: Promise<void> | undefined;
  const watch = setInterval(() => {
    if (isPaused()) {
      if (runner) stopRunner();
    } else if (!runner) {
      starting ??= startRunner()
        .catch((error: unknown) => log.warn({ err: error }, 'job queue'))
        .finally(() => {
          starting = undefined;
        });
    }
  }, 200);

  const scheduled = JSON.stringify(
    Object.entries(tasks).flatMap(([task, { everySeconds }]) =>
      everySeconds === undefined ? [] : [{ task, every_seconds: everySeconds }],
    ),
  );
  let ticking: Promise<void> | undefined;
  const clock = setInterval(() => {
    if (!runner) return;
    ticking ??= db
      .worker((sql) => sql('select private.tick($1)', [scheduled]))
      .then(
        () => {},
        (error: unknown) => log.warn({ err: error }, 'the clock of the jobs could not be read'),
      )
      .finally(() => {
        ticking = undefined;
      });
  }, 1_000);

  return {
    state: () => ({ concurrency, running }),
    async stop() {
      clearInterval(clock);
      clearInterval(watch);
      await starting;
      stopRunner();
      await ticking;
      await Promise.race([ended, new Promise((r) => setTimeout(r, stopMs))]);
    },
  };
}
