import cluster from 'node:cluster';
import type { Allowances } from '../platform/allowances.ts';
import type { Metrics } from '../platform/metrics.ts';
import { type LeaveReason, placeVariables, type Settings, type Shared, type ToMember, type ToPrimary } from './messages.ts';
import { createSharedAllowances } from './shared-allowances.ts';

/** This process as one of several that share a port, started by the primary (primary.ts). */
export interface Member {
  /** The number of the process in log lines. It is never used again after the process has ended. */
  id: number;
  /** The place among the processes, from 0. A process that takes over from another has the same place. */
  slot: number;
  /** Whether the process takes over from another one, which serves until this one is ready. */
  takesOver: boolean;
  /** Tells the primary that this process listens and can commit, and answers from now on with its metrics. */
  ready(settings: Settings & { metrics: Pick<Metrics, 'values'> }): void;
  /** Calls `leave` when this process must end. */
  onLeave(leave: (reason: LeaveReason) => void): void;
  /** The metrics of all processes, for Prometheus. */
  readAll(): Promise<string>;
  /** The limits that all processes share. */
  allowances: Allowances;
  /** Sends the last values of the metrics, so that nothing counted is lost. Never rejects. */
  leave(): Promise<void>;
}

const aliveEveryMs = 1_000;
/** The primary itself waits a second for the processes when it is asked for their metrics. */
const answerWithinMs = 4_000;

/** Undefined in a process that was started alone. */
export function joinPrimary(env: Readonly<Record<string, string | undefined>>): Member | undefined {
  const worker = cluster.worker;
  if (!worker) return undefined;
  // Otherwise Node ends this process at once, with its requests in flight, when the primary ends.
  worker.exitedAfterDisconnect = true;
  let metrics: Pick<Metrics, 'values'> | undefined;
  let mustLeave: LeaveReason | undefined;
  let onLeave: ((reason: LeaveReason) => void) | undefined;

  const send = (message: ToPrimary) =>
    new Promise<void>((sent) => {
      if (!process.connected) return sent();
      process.send?.(message, undefined, undefined, () => sent());
    });
  const sendValues = async (id: number) => {
    if (metrics) await send({ kind: 'values', id, values: await metrics.values() });
  };
  const { shared, returned } = createCalls(send);
  // A process that is still starting obeys as soon as it has started.
  function leave(reason: LeaveReason): void {
    mustLeave ??= reason;
    onLeave?.(reason);
  }

  process.on('message', (message: ToMember) => {
    if (message.kind === 'leave') leave(message.reason);
    else if (message.kind === 'read') void sendValues(message.id);
    else if (message.kind === 'returned') returned(message.id, message.value);
  });
  process.once('disconnect', () => leave('primary_ended'));
  setInterval(() => void send({ kind: 'alive' }), aliveEveryMs).unref();

  return {
    id: worker.id,
    slot: Number(env[placeVariables.slot]),
    takesOver: env[placeVariables.takesOver] === 'true',
    ready({ metrics: ofThis, processes, logLevel }) {
      metrics = ofThis;
      void send({ kind: 'ready', processes, logLevel });
    },
    onLeave(given) {
      onLeave = given;
      if (mustLeave) given(mustLeave);
    },
    readAll: () => shared.metrics(),
    allowances: createSharedAllowances(shared),
    leave: () => sendValues(0).catch(() => {}),
  };
}

/** The functions of the primary. A call rejects when the primary does not answer. */
function createCalls(send: (message: ToPrimary) => Promise<void>) {
  const waiting = new Map<number, (value: unknown) => void>();
  let calls = 0;

  function call<Name extends keyof Shared>(name: Name) {
    return (...args: Parameters<Shared[Name]>) =>
      new Promise<Awaited<ReturnType<Shared[Name]>>>((resolve, reject) => {
        const id = ++calls;
        const fail = () => {
          waiting.delete(id);
          reject(new Error(`the primary did not answer the call of ${name}`));
        };
        if (!process.connected) return fail();
        const late = setTimeout(fail, answerWithinMs).unref();
        waiting.set(id, (value) => {
          clearTimeout(late);
          waiting.delete(id);
          resolve(value as Awaited<ReturnType<Shared[Name]>>);
        });
        void send({ kind: 'call', id, call: { name, args } as Extract<ToPrimary, { kind: 'call' }>['call'] });
      });
  }

  const shared: Shared = {
    metrics: call('metrics'),
    take: call('take'),
    giveBack: call('giveBack'),
    trust: call('trust'),
    isTrusted: call('isTrusted'),
  };
  return { shared, returned: (id: number, value: unknown) => waiting.get(id)?.(value) };
}
