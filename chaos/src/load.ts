import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Secret } from '@tributary/pipeline/source.ts';
import type { ProofConnection } from './seed.ts';
import { createSender, type SenderFigures, type SenderOptions } from './sender.ts';

export interface Load {
  figures: SenderFigures;
  /** Stops sending; resolves once every delivery is either acknowledged or rejected. */
  finish(): Promise<void>;
}

export type LoadOptions = Omit<SenderOptions, 'sockets'> & { connections: readonly ProofConnection[] } & (
    | {
        /** Closed loop: this many deliveries are in flight at any time. */
        loops: number;
      }
    | {
        /** Open loop: this many deliveries are sent each second, also when earlier ones are unanswered. */
        perSecond: number;
      }
  );

const wrongSecret: readonly Secret[] = ['hottok', 'secret'].map((name) => ({ name, value: 'not the secret of this connection' }));

/** Far more than are ever in flight, so that no delivery waits for a socket. */
const openSockets = 2_000;

/** Sends mostly new deliveries; one in twenty repeats an acknowledged one, and one in twenty has a wrong credential. */
export function startLoad(options: LoadOptions): Load {
  const { connections, random } = options;
  const sender = createSender({ ...options, sockets: 'loops' in options ? options.loops : openSockets });
  let finishing = false;

  async function deliverOne(dueAt: number): Promise<void> {
    const dice = random();
    const known = dice < 0.05 ? sender.acked[Math.floor(random() * sender.acked.length)] : undefined;
    if (known) return sender.deliver(known.connection, known.key, { stored: known.eventId, dueAt });
    const connection = connections[Math.floor(random() * connections.length)] as ProofConnection;
    return sender.deliver(connection, randomUUID(), dice < 0.1 ? { secrets: wrongSecret, dueAt } : { dueAt });
  }

  async function loop(): Promise<void> {
    while (!finishing) await deliverOne(performance.now());
  }

  async function arrive(perSecond: number): Promise<void> {
    const inFlight = new Set<Promise<void>>();
    for (let dueAt = performance.now(); !finishing; dueAt += 1_000 / perSecond) {
      await sleep(Math.max(0, dueAt - performance.now()));
      const one = deliverOne(dueAt).finally(() => inFlight.delete(one));
      inFlight.add(one);
    }
    await Promise.all(inFlight);
  }

  const running = 'loops' in options ? Promise.all(Array.from({ length: options.loops }, loop)).then(() => {}) : arrive(options.perSecond);
  return {
    figures: sender.figures,
    async finish() {
      finishing = true;
      await running;
      sender.close();
    },
  };
}
