import { connect, createServer } from 'node:net';
import { StackError } from './errors.ts';

function canListen(port: number, host: string): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

// on macOS a listener on 0.0.0.0 does not prevent a second one on 127.0.0.1, so only a connection shows that the port is in use
function answers(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host });
    const done = (inUse: boolean) => {
      socket.destroy();
      resolve(inUse);
    };
    socket.setTimeout(1000, () => done(false));
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
  });
}

export async function assertPortFree(port: number, variable: string, purpose: string, host = '127.0.0.1'): Promise<void> {
  const error = await canListen(port, host);
  if (error?.code === 'EACCES')
    throw new StackError(`Port ${port} (${purpose}) may not be used by this user; set ${variable} to a port above 1023.`);
  if (error && error.code !== 'EADDRINUSE')
    throw new StackError(`Port ${port} (${purpose}) cannot be opened on ${host}: ${error.message}.`);
  if (error || (await answers(port, host)))
    throw new StackError(
      `Port ${port} (${purpose}) is already used by another program; stop that program or set ${variable} to a free port.`,
    );
}

/** Returns a free port below the range that systems use for outgoing connections, so that it is still free when it is used. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = 15_000 + Math.floor(Math.random() * 15_000);
    if (!(await canListen(port, '127.0.0.1'))) return port;
  }
  throw new StackError('No free TCP port was found between 15000 and 30000.');
}
