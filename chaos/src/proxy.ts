import { connect, createServer, type Socket } from 'node:net';

/** A TCP proxy between the API and Postgres. It can drop the answers of Postgres silently: the connections stay open. */
export interface DatabaseProxy {
  /** The URL of the same database through this proxy. */
  url: string;
  /** Drops every answer of Postgres from now on. Requests still reach Postgres. */
  loseAnswers(): void;
  /** Lets new connections work again. Connections that lost an answer stay silent. */
  heal(): void;
  close(): Promise<void>;
}

export async function startProxy(databaseUrl: string): Promise<DatabaseProxy> {
  const target = new URL(databaseUrl);
  const pairs = new Set<{ client: Socket; lost: boolean }>();
  let losing = false;
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    const pair = { client, lost: losing };
    pairs.add(pair);
    client.pipe(upstream);
    upstream.on('data', (chunk) => {
      if (!pair.lost) client.write(chunk);
    });
    upstream.on('end', () => {
      if (!pair.lost) client.end();
    });
    for (const socket of [client, upstream]) socket.on('error', () => {});
    upstream.on('close', () => {
      if (!pair.lost) client.destroy();
    });
    client.on('close', () => {
      pairs.delete(pair);
      upstream.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(databaseUrl);
  url.port = String((server.address() as { port: number }).port);
  return {
    url: url.href,
    loseAnswers() {
      losing = true;
      for (const pair of pairs) pair.lost = true;
    },
    heal() {
      losing = false;
    },
    close: () =>
      new Promise((resolve) => {
        for (const { client } of pairs) client.destroy();
        server.close(() => resolve());
      }),
  };
}
