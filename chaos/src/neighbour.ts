import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { type ProofConnection, signed } from './seed.ts';
import { bodyOf } from './sender.ts';

/** What a tenant observes who sends small deliveries all the time. */
export interface Observed {
  /** From the time at which a delivery was due to its answer. */
  latenciesMs: number[];
  /** Every delivery that was not answered 200. */
  refused: string[];
}

export interface Neighbour {
  /** What was observed since the last call. */
  take(): Promise<Observed>;
  stop(): Promise<Observed>;
}

/** What the thread of a neighbour is given. */
export interface NeighbourData {
  url: string;
  path: string;
  headers: Record<string, string>;
  template: string;
  placeholder: string;
  perSecond: number;
}

const placeholder = 'key-of-the-delivery';

/** Sends small deliveries to a Hotmart connection, whose credential is the same for every body, from a thread of its own. */
export function startNeighbour(url: string, connection: ProofConnection, perSecond: number): Neighbour {
  const { headers, body: template } = signed(connection, bodyOf(connection, placeholder, Date.now()));
  const workerData: NeighbourData = { url, path: connection.path, headers, template, placeholder, perSecond };
  const worker = new Worker(new URL('./neighbour-thread.ts', import.meta.url), { workerData });
  const ask = async (what: 'take' | 'stop'): Promise<Observed> => {
    const answer = once(worker, 'message');
    worker.postMessage(what);
    return (await answer)[0] as Observed;
  };
  return {
    take: () => ask('take'),
    async stop() {
      const exited = once(worker, 'exit');
      const observed = await ask('stop');
      await exited;
      return observed;
    },
  };
}
