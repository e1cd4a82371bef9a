import cluster from 'node:cluster';
import type { MetricValues } from '../platform/metrics.ts';
import { placeVariables, type Settings, type Shared, type ToMember, type ToPrimary } from './messages.ts';
import { closeStranded } from './stranded.ts';
import type { EndReason } from './totals.ts';

/** One process that serves, as the primary sees it. */
export interface Child {
  /** The number of the process in log lines. */
  id: number;
  /** Resolves when the process is ready. Rejects with {@link EndedEarly} when it ends before that. */
  ready: Promise<Settings>;
  /** Resolves when the process has ended and its last message has arrived. */
  ended: Promise<Ending>;
  /** Whether it is ready and was not asked to end. */
  serves(): boolean;
  /** Asks the process to end. One that is not ready serves nobody: it ends at once. */
  leave(reason: 'stopped' | 'replaced'): void;
  kill(): void;
  /** Asks for the values of its metrics. Resolves when they have arrived, or when they do not arrive within a second. */
  readValues(): Promise<void>;
}

export interface Ending {
  reason: EndReason;
  code: number | null;
  signal: string | null;
  wasReady: boolean;
}

export interface ChildTimes {
  /** How long a process may take until it is ready. */
  startSecondsMax: number;
  /** The longest turn of an event loop is far shorter. */
  silentSecondsMax: number;
}

export const usualTimes: ChildTimes = { startSecondsMax: 60, silentSecondsMax: 30 };
/** A scrape shows the last values of a process that does not answer within this time. */
const readWithinMs = 1_000;

/** Starts a process for a place, calls `shared` for it, and kills it when it is silent for too long. */
export function startChild(
  place: { slot: number; takesOver: boolean },
  deps: { shared: Shared; times: ChildTimes; onValues(id: number, values: MetricValues): void; onError(id: number, error: Error): void },
): Child {
  const { shared, times, onValues, onError } = deps;
  const worker = cluster.fork({ [placeVariables.slot]: String(place.slot), [placeVariables.takesOver]: String(place.takesOver) });
  const ready = Promise.withResolvers<Settings>();
  ready.promise.catch(() => {});
  const ended = Promise.withResolvers<Ending>();
  const reads = new Map<number, () => void>();
  let lastRead = 0;
  let isReady = false;
  let reason: EndReason | undefined;
  // Seconds are counted, not measured, so that a host that was suspended kills no process.
  let secondsLeft = times.startSecondsMax;

  const tell = (message: ToMember) => {
    if (worker.isConnected()) worker.send(message, undefined, () => {});
  };

  async function answer({ id, call }: Extract<ToPrimary, { kind: 'call' }>): Promise<void> {
    const run = shared[call.name] as (...args: typeof call.args) => Promise<unknown>;
    tell({ kind: 'returned', id, value: await run(...call.args) });
  }

  closeStranded(worker);
  worker.on('message', (message: ToPrimary) => {
    if (message.kind === 'ready') {
      isReady = true;
      ready.resolve({ processes: message.processes, logLevel: message.logLevel });
    } else if (message.kind === 'values') {
      onValues(worker.id, message.values);
      reads.get(message.id)?.();
    } else if (message.kind === 'call') void answer(message).catch((error: Error) => onError(worker.id, error));
    if (isReady) secondsLeft = times.silentSecondsMax;
  });

  const watch = setInterval(() => {
    if (--secondsLeft >= 0) return;
    if (isReady) reason = 'hung';
    worker.process.kill('SIGKILL');
  }, 1_000).unref();

  worker.on('error', (error) => {
    onError(worker.id, error);
    // The system has refused to start the process: nothing else will be heard of it.
    if (worker.process.pid === undefined) end(null, null);
  });
  // The last values of the metrics may arrive after the process has ended.
  worker.process.once('exit', (code, signal) => {
    if (worker.process.connected) worker.process.once('disconnect', () => end(code, signal));
    else end(code, signal);
  });
  function end(code: number | null, signal: string | null): void {
    clearInterval(watch);
    ready.reject(new EndedEarly(code));
    ended.resolve({ reason: reason ?? 'failed', code, signal, wasReady: isReady });
  }

  return {
    id: worker.id,
    ready: ready.promise,
    ended: ended.promise,
    serves: () => isReady && reason === undefined,
    leave(why) {
      reason ??= why;
      if (isReady) tell({ kind: 'leave', reason: why === 'stopped' ? 'stop' : 'replaced' });
      else worker.process.kill('SIGTERM');
    },
    kill: () => void worker.process.kill('SIGKILL'),
    readValues: () =>
      new Promise<void>((resolve) => {
        const id = ++lastRead;
        const done = () => {
          clearTimeout(late);
          reads.delete(id);
          resolve();
        };
        const late = setTimeout(done, readWithinMs);
        reads.set(id, done);
        tell({ kind: 'read', id });
      }),
  };
}

/** A process ended before it was ready. */
export class EndedEarly extends Error {
  override readonly name = 'EndedEarly';
  readonly code: number | null;
  constructor(code: number | null) {
    super('the process ended before it was ready');
    this.code = code;
  }
}
