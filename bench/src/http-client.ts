import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export type HttpAnswer = { status: number; retryAfter: boolean } | { error: string };

interface Waiting {
  text: string;
  done(answer: HttpAnswer): void;
}

interface Line {
  socket: Socket;
  received: string;
  waiting: Waiting | undefined;
  since: number;
}

/**
 * A minimal HTTP/1.1 client over kept-alive sockets. The load generator shares the cores with the measured server, and Node's own client costs
 * several times as much per request. All sockets are open when the promise resolves, because opening thousands of connections at once would
 * measure the kernel's backlog instead. Requests beyond the number of sockets wait in a queue.
 */
export async function createHttpClient(url: string, sockets: number, answerWithinMs: number) {
  const { hostname, port, pathname, search, host } = new URL(url);
  const idle: Line[] = [];
  let queue: Waiting[] = [];
  const lines = new Set<Line>();
  let served = 0;

  function open(): Line {
    const line: Line = {
      socket: connect({ host: hostname, port: Number(port), noDelay: true }),
      received: '',
      waiting: undefined,
      since: 0,
    };
    lines.add(line);
    line.socket.setEncoding('latin1');
    line.socket.on('data', (chunk: unknown) => {
      line.received += chunk as string;
      const answer = readAnswer(line.received);
      if (answer) finish(line, answer, answer.closes);
    });
    line.socket.on('error', (error: NodeJS.ErrnoException) => finish(line, { error: error.code ?? 'unknown' }, true));
    line.socket.on('close', () => finish(line, { error: 'CLOSED' }, true));
    return line;
  }

  function finish(line: Line, answer: HttpAnswer, closes: boolean): void {
    const { waiting } = line;
    line.waiting = undefined;
    line.received = '';
    if (closes) {
      lines.delete(line);
      const at = idle.indexOf(line);
      if (at !== -1) idle.splice(at, 1);
      line.socket.destroy();
    }
    waiting?.done(answer);
    const next = queue[served];
    if (next) {
      // The served part of the queue is cut off from time to time; `shift` on a long array would copy the whole array each time.
      if (++served > 10_000) queue = queue.slice(served);
      if (served > 10_000) served = 0;
      write(closes ? open() : line, next);
    } else if (!closes && waiting) idle.push(line);
  }

  function write(line: Line, waiting: Waiting): void {
    line.waiting = waiting;
    line.since = performance.now();
    line.socket.write(waiting.text, 'utf8');
  }

  while (lines.size < sockets) {
    const some = Array.from({ length: Math.min(64, sockets - lines.size) }, open);
    await Promise.all(some.map(({ socket }) => once(socket, 'connect')));
    idle.push(...some);
  }

  const sweep = setInterval(() => {
    const now = performance.now();
    for (const line of [...lines]) {
      if (line.waiting && now - line.since > answerWithinMs) finish(line, { error: 'ETIMEDOUT' }, true);
    }
  }, 500);

  return {
    send(headers: Readonly<Record<string, string>>, body: string, done: (answer: HttpAnswer) => void): void {
      let text = `POST ${pathname}${search} HTTP/1.1\r\nhost: ${host}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`;
      for (const name in headers) text += `${name}: ${headers[name]}\r\n`;
      const waiting = { text: `${text}\r\n${body}`, done };
      const line = idle.shift() ?? (lines.size < sockets ? open() : undefined);
      if (line) write(line, waiting);
      else queue.push(waiting);
    },
    close(): void {
      clearInterval(sweep);
      for (const line of lines) line.socket.destroy();
    },
  };
}

/** Parses an answer; undefined until the answer is complete. */
function readAnswer(text: string): { status: number; retryAfter: boolean; closes: boolean } | undefined {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd === -1) return undefined;
  const head = text.slice(0, headEnd).toLowerCase();
  const length = /\r\ncontent-length: *(\d+)/.exec(head)?.[1];
  const complete = length === undefined ? text.endsWith('\r\n0\r\n\r\n') : text.length >= headEnd + 4 + Number(length);
  if (!complete) return undefined;
  return {
    status: Number(head.slice(9, 12)),
    retryAfter: head.includes('\r\nretry-after:'),
    closes: head.includes('\r\nconnection: close'),
  };
}
