import cluster, { type Worker } from 'node:cluster';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { placeVariables, type ToMember, type ToPrimary } from './messages.ts';
import { createTotals, type EndReason } from './totals.ts';

/** One process that serves. */
interface Process {
  id: number;
  worker: Worker;
  isReady: boolean;
  /** Resolves when the process is ready. Rejects when it ends before that. */
  ready: Promise<{ processes: number; logLevel: string }>;
  exited: Promise<void>;
  /** Why the process is about to end; undefined while it shall serve. */
  leaving: EndReason | undefined;
  silentSeconds: number;
}

/** A place in which one process serves at a time. Its acts follow one another. */
interface Place {
  slot: number;
  process: Process | undefined;
  failures: number;
  acts: Promise<void>;
}

/** A process stops by itself within nine seconds: server.ts. */
const stopWithinMs = 9_500;
/** How long a process that takes over may take until it can commit. */
const takeOverWithinMs = 60_000;
/** A process that has lived for this long was no failed start: its successor starts at once. */
const provenMs = 60_000;
const waitMaxMs = 10_000;
/** The longest turn of an event loop is far shorter. Seconds are counted, not measured, so that a host that was suspended kills no process. */
const silentSecondsMax = 30;
/** A scrape shows the last values of a process that does not answer within this time. */
const readWithinMs = 1_000;

/**
 * Starts processes that share the port, and keeps their number: one that ends is started again. This process hands the connections out, in
 * turn, and serves nothing itself; the port stays open while processes come and go. SIGHUP replaces the processes one after the other by such that
 * run the code which is on the disk then. SIGTERM and SIGINT stop all of them.
 */
export async function runPrimary(
  createLog: (level: string) => Logger,
  exit: (log: Logger | undefined, code: number) => void,
): Promise<void> {
  cluster.schedulingPolicy = cluster.SCHED_RR;
  // Values of metrics can be NaN, which JSON cannot carry.
  cluster.setupPrimary({ serialization: 'advanced' });
  const all = new Set<Process>();
  const places: Place[] = [];
  let log: Logger | undefined;
  let isStopping = false;
  let isReloading = false;
  let reloadAgain = false;

  const serving = () => [...all].filter(({ isReady, leaving }) => isReady && leaving === undefined);
  const totals = createTotals(() => serving().length);
  const tell = (to: Process, message: ToMember) => {
    if (to.worker.isConnected()) to.worker.send(message, undefined, () => {});
  };

  function launch(slot: number, takesOver: boolean): Process {
    const worker = cluster.fork({ [placeVariables.slot]: String(slot), [placeVariables.takesOver]: String(takesOver) });
    const ready = Promise.withResolvers<{ processes: number; logLevel: string }>();
    ready.promise.catch(() => {});
    const exited = Promise.withResolvers<void>();
    const one: Process = {
      id: worker.id,
      worker,
      isReady: false,
      ready: ready.promise,
      exited: exited.promise,
      leaving: undefined,
      silentSeconds: 0,
    };
    all.add(one);
    closeStranded(worker);
    worker.on('message', (message: ToPrimary) => {
      one.silentSeconds = 0;
      if (message.kind === 'ready') {
        one.isReady = true;
        ready.resolve(message);
      } else if (message.kind === 'values') totals.report(one.id, message.values);
      else if (message.kind === 'scrape') void answerScrape(one, message.id);
    });
    worker.on('error', (error) => log?.warn({ err: error, process: one.id }, 'a process could not be reached'));
    worker.once('exit', (code, signal) => {
      all.delete(one);
      totals.end(one.id, one.leaving ?? 'failed');
      ready.reject(new EndedEarly(code));
      if (one.leaving === undefined || one.leaving === 'hung')
        log?.error({ process: one.id, code, signal }, 'a process has ended by itself');
      exited.resolve();
    });
    return one;
  }

  /** Keeps the place occupied by this process: when it ends without being asked to, another one is started. */
  function occupy(place: Place, by: Process): void {
    place.process = by;
    const since = performance.now();
    void by.exited.then(() => {
      if (performance.now() - since > provenMs) place.failures = 0;
      if (isStopping || place.process !== by) return;
      place.process = undefined;
      place.acts = place.acts.then(() => fill(place));
    });
  }

  async function fill(place: Place): Promise<void> {
    while (!isStopping && !place.process) {
      const waitMs = place.failures === 0 ? 0 : Math.min(waitMaxMs, 100 * 2 ** place.failures);
      place.failures++;
      await sleep(waitMs);
      if (isStopping) return;
      const next = launch(place.slot, false);
      const isReady = await next.ready.then(
        () => true,
        () => false,
      );
      if (isReady) occupy(place, next);
      else log?.error({ process: next.id, waitMs }, 'a process could not be started again');
    }
  }

  /** Starts a process for the place, and ends the former one when the new one is ready. Returns whether that succeeded. */
  async function replace(place: Place): Promise<boolean> {
    const next = launch(place.slot, true);
    const late = setTimeout(() => next.worker.process.kill('SIGKILL'), takeOverWithinMs);
    const isReady = await next.ready.then(
      () => true,
      () => false,
    );
    clearTimeout(late);
    if (!isReady) return false;
    const former = place.process;
    occupy(place, next);
    place.failures = 0;
    if (former) {
      leave(former, 'replaced');
      await former.exited;
    }
    return true;
  }

  async function reload(): Promise<void> {
    if (isReloading) {
      reloadAgain = true;
      return;
    }
    isReloading = true;
    log?.info('reload: processes that run the code on the disk take over, one after the other');
    let replaced = 0;
    for (const place of places) {
      if (isStopping) break;
      const done = place.acts.then(() => !isStopping && replace(place));
      place.acts = done.then(() => {});
      if (!(await done)) break;
      replaced++;
    }
    isReloading = false;
    if (isStopping) return;
    if (replaced === places.length) log?.info({ replaced }, 'reload: all processes were replaced');
    else
      log?.error(
        { replaced, kept: places.length - replaced },
        'reload: a process with the code on the disk could not be started, so the former processes go on; its own log line says why',
      );
    if (reloadAgain) {
      reloadAgain = false;
      await reload();
    }
  }

  function leave(one: Process, reason: 'stopped' | 'replaced'): void {
    one.leaving = reason;
    tell(one, { kind: 'leave', reason: reason === 'stopped' ? 'stop' : 'replaced' });
  }

  async function stop(signal: string): Promise<void> {
    if (isStopping) return;
    isStopping = true;
    log?.info({ signal }, 'stopping all processes');
    let isLate = false;
    const late = setTimeout(() => {
      isLate = true;
      for (const { worker } of all) worker.process.kill('SIGKILL');
    }, stopWithinMs);
    const ending = [...all];
    for (const one of ending) leave(one, 'stopped');
    await Promise.all(ending.map(({ exited }) => exited));
    clearTimeout(late);
    exit(log, isLate || ending.some(({ worker }) => worker.process.exitCode !== 0) ? 1 : 0);
  }

  async function answerScrape(asking: Process, id: number): Promise<void> {
    await readAll();
    tell(asking, { kind: 'scraped', id, text: await totals.text() });
  }

  /** Asks all processes for their values, and waits until they have answered. */
  async function readAll(): Promise<void> {
    const id = ++reads;
    const answers = serving().map(
      (one) =>
        new Promise<void>((resolve) => {
          const take = (message: ToPrimary) => {
            if (message.kind !== 'values' || message.id !== id) return;
            one.worker.off('message', take);
            resolve();
          };
          one.worker.on('message', take);
          setTimeout(() => {
            one.worker.off('message', take);
            resolve();
          }, readWithinMs).unref();
          tell(one, { kind: 'read', id });
        }),
    );
    await Promise.all(answers);
  }
  let reads = 0;

  setInterval(() => {
    for (const one of all) {
      if (!one.isReady || ++one.silentSeconds <= silentSecondsMax) continue;
      one.leaving = 'hung';
      one.worker.process.kill('SIGKILL');
    }
  }, 1_000).unref();

  // In a terminal SIGHUP says that the terminal was closed.
  const isInTerminal = process.stdin.isTTY || process.stdout.isTTY;
  process.on('SIGHUP', () => void (isInTerminal ? stop('SIGHUP') : reload()));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal));

  // The first process checks the configuration and says how many are wanted.
  const first = launch(0, false);
  const settings = await first.ready.catch((error: EndedEarly) => {
    if (!isStopping) exit(undefined, error.code || 1);
  });
  if (!settings) return;
  log = createLog(settings.logLevel);
  for (let slot = 0; slot < settings.processes; slot++) places.push({ slot, process: undefined, failures: 0, acts: Promise.resolve() });
  log.info({ processes: settings.processes }, 'one process is ready, the others start');
  for (const place of places) {
    if (place.slot === 0) occupy(place, first);
    else place.acts = fill(place);
  }
}

/**
 * Closes the connections that were being handed to a process when it was killed. Node keeps them open for ever, and their clients would wait until
 * they give up; so they notice at once and try again. There is no public way to do this: Node's own messages are read.
 */
function closeStranded(worker: Worker): void {
  const handedOver = new Map<number, { close(): void }>();
  const send = worker.process.send as (...message: unknown[]) => boolean;
  worker.process.send = ((message: { act?: string; seq: number }, handle: { close(): void } | undefined, ...more: unknown[]) => {
    if (message.act === 'newconn' && handle) handedOver.set(message.seq, handle);
    return send.call(worker.process, message, handle, ...more);
  }) as typeof worker.process.send;
  worker.process.on('internalMessage', ({ ack }: { ack?: number }) => {
    if (ack !== undefined) handedOver.delete(ack);
  });
  worker.process.once('exit', () => {
    for (const handle of handedOver.values()) handle.close();
  });
}

/** A process ended before it was ready. */
class EndedEarly extends Error {
  override readonly name = 'EndedEarly';
  readonly code: number;
  constructor(code: number) {
    super('the process ended before it was ready');
    this.code = code;
  }
}
