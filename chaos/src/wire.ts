import { connect, createServer, type Socket } from 'node:net';

/** A wire between the API and Postgres that a case can cut silently: nothing is closed, the answers just never come. */
export interface Wire {
  /** The same database, over this wire. */
  url: string;
  /** From now on what Postgres answers is lost; what it is asked still arrives. */
  loseAnswers(): void;
  /** Connections made from now on work again; those that lost an answer stay dead. */
  heal(): void;
  close(): Promise<void>;
}

export async function startWire(databaseUrl: string): Promise<Wire> {
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
