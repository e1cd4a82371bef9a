import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import type { Limits } from './limits.ts';
import type { Metrics } from './metrics.ts';

const lookEveryMs = 1_000;
/**
 * Node runs the requests that a client sends before it has read an answer, and keeps all their answers. No browser, platform or proxy sends
 * more than one at a time.
 */
const pipelinedMax = 4;

interface Reader {
  /** The answers that have not been read to their end. */
  answers: Set<ServerResponse>;
  /** What the socket had been given when its client was last seen to have read. */
  given: number;
  /** Since when the client has read nothing of it. */
  sinceMs: number;
}

/**
 * Cuts off clients that do not read their answers: each that reads nothing for `stallMs`, and, when the unread answers of all clients
 * together take more than `unreadBytesMax`, those that have read nothing for the longest time. Node itself keeps an answer until its client
 * has read it, however long that takes. Returns a function that ends the watch.
 */
export function watchUnreadAnswers(
  server: Server,
  { limits, metrics, log }: { limits: Limits['answers']; metrics: Pick<Metrics, 'answersCut' | 'gauge'>; log: Logger },
): () => void {
  const readers = new Map<Socket, Reader>();
  let unreadBytes = 0;
  metrics.gauge('http_unread_answer_bytes', 'Bytes of answers that their clients have not read yet', () => unreadBytes);

  server.on('connection', (socket: Socket) => {
    readers.set(socket, { answers: new Set(), given: 0, sinceMs: performance.now() });
    socket.once('close', () => readers.delete(socket));
  });
  server.on('request', ({ socket }: IncomingMessage, answer: ServerResponse) => {
    const answers = readers.get(socket)?.answers;
    if (!answers || socket.destroyed) return;
    if (answers.size >= pipelinedMax) return cut(socket, 'pipelined');
    answers.add(answer);
    answer.once('close', () => answers.delete(answer));
  });

  function cut(socket: Socket, reason: 'stalled' | 'budget' | 'pipelined'): void {
    metrics.answersCut.inc({ reason });
    const bytes = unreadOf(socket, readers.get(socket));
    log.warn({ reason, bytes }, 'a client did not read its answer and was cut off');
    unreadBytes -= bytes;
    socket.destroy();
  }

  const watch = setInterval(() => {
    const nowMs = performance.now();
    const unread: [Socket, Reader][] = [];
    unreadBytes = 0;
    for (const [socket, reader] of readers) {
      // More is only given to a socket whose client has read what it was given before, so that a change means that the client reads.
      const hasRead = socket.writableLength === 0 || socket.bytesWritten !== reader.given;
      if (hasRead) Object.assign(reader, { given: socket.bytesWritten, sinceMs: nowMs });
      const bytes = unreadOf(socket, reader);
      if (bytes > 0) unread.push([socket, reader]);
      unreadBytes += bytes;
    }
    unread.sort(([, a], [, b]) => a.sinceMs - b.sinceMs);
    for (const [socket, { sinceMs }] of unread) {
      if (nowMs - sinceMs >= limits.stallMs) cut(socket, 'stalled');
      else if (unreadBytes > limits.unreadBytesMax && sinceMs < nowMs) cut(socket, 'budget');
    }
  }, lookEveryMs);
  watch.unref();
  return () => clearInterval(watch);
}

/** What the socket was given and its client has not read, with the answers that wait behind it. */
function unreadOf(socket: Socket, reader: Reader | undefined): number {
  let bytes = socket.writableLength;
  for (const answer of reader?.answers ?? []) if (answer.socket === null) bytes += answer.writableLength;
  return bytes;
}
