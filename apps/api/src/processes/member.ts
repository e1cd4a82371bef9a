import cluster from 'node:cluster';
import type { Metrics } from '../platform/metrics.ts';
import { type LeaveReason, placeVariables, type ToMember, type ToPrimary } from './messages.ts';

/** This process as one of several that share a port, started by the primary (primary.ts). */
export interface Member {
  /** The number of the process in log lines. It is never used again after the process has ended. */
  id: number;
  /** The place among the processes, from 0. A process that takes over from another has the same place. */
  slot: number;
  /** Whether the process takes over from another one, which serves until this one is ready. */
  takesOver: boolean;
  /** Tells the primary that this process listens and can commit, and answers from now on with its metrics. */
  ready(settings: { processes: number; logLevel: string; metrics: Pick<Metrics, 'values'> }): void;
  /** Calls `leave` when this process must end. */
  onLeave(leave: (reason: LeaveReason) => void): void;
  /** The metrics of all processes, for Prometheus. */
  readAll(): Promise<string>;
  /** Sends the last values of the metrics, so that nothing counted is lost. Never rejects. */
  leave(): Promise<void>;
}

const aliveEveryMs = 1_000;
const scrapeWithinMs = 4_000;

/** Undefined in a process that was started alone. */
export function joinPrimary(env: Readonly<Record<string, string | undefined>>): Member | undefined {
  const worker = cluster.worker;
  if (!worker) return undefined;
  // Otherwise Node ends this process at once, with its requests in flight, when the primary ends.
  worker.exitedAfterDisconnect = true;
  const scrapes = new Map<number, (text: string) => void>();
  let scraped = 0;
  let metrics: Pick<Metrics, 'values'> | undefined;
  let leave: ((reason: LeaveReason) => void) | undefined;

  const send = (message: ToPrimary) =>
    new Promise<void>((sent) => {
      if (!process.connected) return sent();
      process.send?.(message, undefined, undefined, () => sent());
    });
  const sendValues = async (id: number) => {
    if (metrics) await send({ kind: 'values', id, values: await metrics.values() });
  };

  process.on('message', (message: ToMember) => {
    if (message.kind === 'leave') leave?.(message.reason);
    else if (message.kind === 'read') void sendValues(message.id);
    else if (message.kind === 'scraped') scrapes.get(message.id)?.(message.text);
  });
  process.once('disconnect', () => leave?.('primary_ended'));
  setInterval(() => void send({ kind: 'alive' }), aliveEveryMs).unref();

  return {
    id: worker.id,
    slot: Number(env[placeVariables.slot]),
    takesOver: env[placeVariables.takesOver] === 'true',
    ready({ metrics: ofThis, ...settings }) {
      metrics = ofThis;
      void send({ kind: 'ready', ...settings });
    },
    onLeave(onLeave) {
      leave = onLeave;
      if (!process.connected) leave('primary_ended');
    },
    async readAll() {
      const id = ++scraped;
      try {
        return await new Promise<string>((resolve, reject) => {
          scrapes.set(id, resolve);
          setTimeout(() => reject(new Error('the primary did not answer with the metrics')), scrapeWithinMs).unref();
          void send({ kind: 'scrape', id });
        });
      } finally {
        scrapes.delete(id);
      }
    },
    leave: () => sendValues(0).catch(() => {}),
  };
}
