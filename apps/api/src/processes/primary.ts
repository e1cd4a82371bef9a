import cluster from 'node:cluster';
import type { Logger } from 'pino';
import { createAllowances } from '../platform/allowances.ts';
import { type Child, type ChildTimes, type EndedEarly, startChild, usualTimes } from './child.ts';
import type { Shared } from './messages.ts';
import { createPlaces } from './places.ts';
import { createTotals } from './totals.ts';

/** A process stops by itself within nine seconds: server.ts. */
const stopWithinMs = 9_500;

/**
 * Starts processes that share the port, and keeps their number: one that ends is started again. This process hands the connections out, in
 * turn, and serves nothing itself; the port stays open while processes come and go. SIGHUP replaces the processes one after the other by such that
 * run the code which is on the disk then. SIGTERM and SIGINT stop all of them.
 */
export async function runPrimary(
  createLog: (level: string) => Logger,
  exit: (log: Logger | undefined, code: number) => void,
  times: ChildTimes = usualTimes,
): Promise<void> {
  cluster.schedulingPolicy = cluster.SCHED_RR;
  // Values of metrics can be NaN, which JSON cannot carry.
  cluster.setupPrimary({ serialization: 'advanced' });
  const children = new Set<Child>();
  const serving = () => [...children].filter((child) => child.serves());
  const totals = createTotals(() => serving().length);
  const shared: Shared = {
    ...createAllowances(),
    async metrics() {
      await Promise.all(serving().map((child) => child.readValues()));
      return totals.text();
    },
  };
  const places = createPlaces(launch);
  const opened = Promise.withResolvers<void>();
  let log: Logger | undefined;
  let isStopping = false;

  function launch(place: { slot: number; takesOver: boolean }): Child {
    const child = startChild(place, {
      shared,
      times,
      onValues: totals.report,
      onError: (process, error) => log?.warn({ err: error, process }, 'a process could not be reached'),
    });
    children.add(child);
    void child.ended.then(({ reason, code, signal }) => {
      children.delete(child);
      totals.end(child.id, reason);
      if (reason === 'failed' || reason === 'hung')
        log?.error({ process: child.id, reason, code, signal }, 'a process has ended by itself');
    });
    return child;
  }

  async function reload(): Promise<void> {
    await opened.promise;
    log?.info('reload: processes that run the code on the disk take over, one after the other');
    const { replaced, places: all } = await places.replaceAll();
    if (isStopping) return;
    totals.reloaded(replaced === all);
    if (replaced === all) log?.info({ replaced }, 'reload: all processes were replaced');
    else
      log?.error(
        { replaced, kept: all - replaced },
        'reload: a process with the code on the disk could not be started, so the former processes go on; its own log line says why',
      );
  }

  async function stop(signal: string): Promise<void> {
    if (isStopping) return;
    isStopping = true;
    places.close();
    log?.info({ signal }, 'stopping all processes');
    let isLate = false;
    const late = setTimeout(() => {
      isLate = true;
      for (const child of children) child.kill();
    }, stopWithinMs);
    const leaving = [...children];
    for (const child of leaving) child.leave('stopped');
    const endings = await Promise.all(leaving.map(({ ended }) => ended));
    clearTimeout(late);
    exit(log, isLate || endings.some(({ wasReady, code }) => wasReady && code !== 0) ? 1 : 0);
  }

  // In a terminal SIGHUP says that the terminal was closed.
  const isInTerminal = process.stdin.isTTY || process.stdout.isTTY;
  const reloadInTurn = oneAtATime(reload);
  process.on('SIGHUP', () => void (isInTerminal ? stop('SIGHUP') : reloadInTurn()));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal));

  // The first process checks the configuration and says how many are wanted.
  const first = launch({ slot: 0, takesOver: false });
  const settings = await first.ready.catch((error: EndedEarly) => {
    if (isStopping) return;
    console.error('The API has not started: its first process ended before it was ready. The lines above say why.');
    exit(undefined, error.code || 1);
  });
  if (!settings || isStopping) return;
  log = createLog(settings.logLevel);
  log.info({ processes: settings.processes }, 'one process is ready, the others start');
  places.open(first, settings.processes, log);
  opened.resolve();
}

/** While `act` runs, any number of further calls make it run once more afterwards. */
function oneAtATime(act: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const run = (): Promise<void> => {
    if (running) {
      next ??= running.then(() => {
        next = undefined;
        return run();
      });
      return next;
    }
    running = act().finally(() => {
      running = undefined;
    });
    return running;
  };
  return run;
}
