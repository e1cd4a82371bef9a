import type { Worker } from 'node:cluster';

/**
 * Closes the connections that were being handed to a process when it was killed. Node keeps them open for ever, and their clients would wait until
 * they give up; so they notice at once and try again. There is no public way to do this: Node's own messages are read.
 */
export function closeStranded(worker: Worker): void {
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
