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

/** Running jobs stop at their next chunk. A job that takes longer than this is abandoned, and another instance runs it again. */
const stopMs = 5_000;
const pauseCheckEveryMs = 200;
const tickEveryMs = 1_000;

interface JobDeps {
  db: Db;
  tasks: Readonly<Record<string, Task>>;
  concurrency: number;
  /** While this answers true no job is started, and running jobs stop at their next chunk. */
  isPaused?(): boolean;
  metrics: Metrics;
  log: Logger;
}

/** Runs tasks by name from the queue in Postgres (Graphile Worker). Any number of instances may run; each job runs in one of them. */
export async function startJobs({ db, tasks, concurrency, isPaused = () => false, metrics, log }: JobDeps): Promise<Jobs> {
  if (concurrency === 0) return { state: () => ({ concurrency, running: 0 }), stop: async () => {} };
  const jobs = createTaskList({ tasks, signal: () => runner.signal(), metrics, log });
  const runner = createRunner({ db, taskList: jobs.taskList, concurrency, log });

  if (!isPaused()) await runner.start();
  let starting: Promise<void> | undefined;
  const pauseTimer = setInterval(() => {
    if (isPaused()) {
      runner.stop();
    } else if (!runner.isRunning()) {
      starting ??= runner
        .start()
        .catch((error: unknown) => log.warn({ err: error }, 'job queue'))
        .finally(() => {
          starting = undefined;
        });
    }
  }, pauseCheckEveryMs);
  const clock = startClock({ db, tasks, isRunning: runner.isRunning, log });

  return {
    state: () => ({ concurrency, running: jobs.running() }),
    async stop() {
      clock.clear();
      clearInterval(pauseTimer);
      await starting;
      runner.stop();
      await clock.lastTick();
      await Promise.race([runner.ended(), new Promise((r) => setTimeout(r, stopMs))]);
    },
  };
}

/** The tasks as the library calls them: each run is counted, timed and logged, and gets the signal of the runner that started it. */
function createTaskList({ tasks, signal, metrics, log }: Pick<JobDeps, 'tasks' | 'metrics' | 'log'> & { signal(): AbortSignal }) {
  let running = 0;
  const taskList: TaskList = {};
  for (const [name, task] of Object.entries(tasks)) {
    const runTask = task.everySeconds === undefined ? task.run : oneAtATime(task.run);
    taskList[name] = async (payload) => {
      const started = performance.now();
      running++;
      let outcome = 'done';
      try {
        await runTask(payload, { signal: signal(), log: log.child({ task: name }) });
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
  return { taskList, running: () => running };
}

/** A runner of the library that can be started again after a stop. When the library stops the runner by itself, it is started again too. */
function createRunner({ db, taskList, concurrency, log }: Pick<JobDeps, 'db' | 'concurrency' | 'log'> & { taskList: TaskList }) {
  let runner: Runner | undefined;
  let stopping = new AbortController();
  let ended: Promise<unknown> = Promise.resolve();

  async function start(): Promise<void> {
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
        // Failed jobs are logged by the task list, with their error; the library's own messages matter only as warnings and errors.
        if (level === 'error' || level === 'warning') log.warn({ worker: message }, 'job queue');
      }),
    });
    runner = started;
    // A runner that stops by itself is replaced as soon as its shutdown begins: when the ends of two jobs could not be written, the library
    // counts one of them twice and its shutdown never ends.
    const forgetStarted = () => {
      if (runner !== started) return;
      forget();
      ended = started.promise.catch(() => {});
    };
    started.events.once('pool:gracefulShutdown', forgetStarted);
    started.promise.then(forgetStarted, forgetStarted);
  }

  function forget(): void {
    runner = undefined;
    stopping.abort();
  }

  return {
    start,
    /** Does not wait: `ended` resolves when the running jobs have stopped. */
    stop(): void {
      const left = runner;
      if (!left) return;
      forget();
      ended = left.stop().catch((error: unknown) => log.warn({ err: error }, 'job queue'));
    },
    isRunning: () => runner !== undefined,
    ended: () => ended,
    signal: () => stopping.signal,
  };
}

/** Adds the jobs of periodic tasks that are due, once a second while the runner runs. Postgres adds each of them once for all instances. */
function startClock({ db, tasks, isRunning, log }: Pick<JobDeps, 'db' | 'tasks' | 'log'> & { isRunning(): boolean }) {
  const scheduled = JSON.stringify(
    Object.entries(tasks).flatMap(([task, { everySeconds }]) =>
      everySeconds === undefined ? [] : [{ task, every_seconds: everySeconds }],
    ),
  );
  let ticking: Promise<void> | undefined;
  const timer = setInterval(() => {
    if (!isRunning()) return;
    ticking ??= db
      .worker((sql) => sql('select private.tick($1)', [scheduled]))
      .then(
        () => {},
        (error: unknown) => log.warn({ err: error }, 'the periodic jobs that are due could not be added'),
      )
      .finally(() => {
        ticking = undefined;
      });
  }, tickEveryMs);
  return { clear: () => clearInterval(timer), lastTick: async () => ticking };
}
