import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

interface Received {
  path: string;
  headers: Record<string, string>;
  body: string;
}

/**
 * Starts a local HTTP receiver that keeps the requests and answers with `status`, `headers` and `text`. `down` closes its port, `up` opens
 * it again.
 */
export async function startReceiver() {
  const received: Received[] = [];
  const state = { status: 200, text: 'ok', headers: {} as Record<string, string>, received, port: 0 };
  const make = () =>
    createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        received.push({
          path: request.url ?? '',
          headers: request.headers as Record<string, string>,
          body: Buffer.concat(parts).toString(),
        });
        response.writeHead(state.status, state.headers).end(state.text);
      });
    });
  let server = make();
  const listen = () => new Promise<void>((resolve) => server.listen(state.port, '127.0.0.1', resolve));
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
  await listen();
  state.port = (server.address() as AddressInfo).port;
  return Object.assign(state, {
    url: `http://127.0.0.1:${state.port}`,
    down: close,
    async up() {
      server = make();
      await listen();
    },
    close,
  });
}

/** Starts a local mail server that keeps the mails. It refuses recipients whose address contains `refused`, and puts off those of `busyFor`. */
export async function startMailServer() {
  const mails: { from: string; to: string[]; text: string }[] = [];
  const busyFor = new Set<string>();
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onRcptTo: (address, _session, callback) =>
      callback(
        address.address.includes('refused')
          ? Object.assign(new Error('no such mailbox'), { responseCode: 550 })
          : busyFor.has(address.address)
            ? Object.assign(new Error('try again later'), { responseCode: 451 })
            : null,
      ),
    onData(stream, session, callback) {
      const parts: Buffer[] = [];
      stream.on('data', (part: Buffer) => parts.push(part));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        mails.push({ from: mailFrom ? mailFrom.address : '', to: rcptTo.map((one) => one.address), text: Buffer.concat(parts).toString() });
        callback();
      });
    },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  return { mails, busyFor, url: `smtp://127.0.0.1:${port}`, close: () => new Promise<void>((resolve) => server.close(resolve)) };
}
