import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { CaseContext, CaseReport } from '../case.ts';
import { underLoad } from '../scene.ts';

/** Connections are reserved for the observing superuser, because a client that is about to be refused holds one for a moment. */
const settings = { max_connections: '100', superuser_reserved_connections: '40' };
const connectWithinMs = 5_000;
const healsWithinMs = 10_000;

/** Fault 9: other clients hold every connection that Postgres has. */
export async function exhaustedConnections(context: CaseContext): Promise<CaseReport> {
  const phaseMs = context.long ? 20_000 : 3_000;
  return underLoad(context, { traffic: { loops: 32 }, settings }, async (scene) => {
    const { stack, load } = scene;
    const { figures } = load;
    await scene.ackMore(300);
    const others = startGreedyClients(stack.database.adminUrl);
    await waitFor('the server to be full', async () => others.refusals() > 20);

    // Other clients cannot take the connections that the API has already opened.
    const warm = { ...figures };
    await sleep(phaseMs);
    scene.atLeast('acknowledged on the connections that were open before', figures.acked - warm.acked, 100);
    scene.equal('refused meanwhile', figures.unavailable - warm.unavailable, 0);

    // Now the API loses its connections: each one that it loses is soon taken by another client.
    let without = 0;
    await waitFor('the API to lose its connections', async () => {
      const mine = await stack.query<{ gone: boolean }>(
        `select pg_terminate_backend(pid) as gone from pg_stat_activity where usename = 'tributary_api'`,
      );
      without = mine.length === 0 ? without + 1 : 0;
      return without === 25;
    });
    const cold = { ...figures };
    figures.slowestAnswerMs = 0;
    await sleep(phaseMs);
    scene.equal('acknowledged without a connection', figures.acked - cold.acked, 0);
    scene.atLeast('refused without a connection', figures.unavailable - cold.unavailable, 32);
    scene.equal('requests without an answer', figures.unknown - cold.unknown, 0);
    scene.atMost('milliseconds until the slowest answer', figures.slowestAnswerMs, connectWithinMs + 1_000);
    scene.equal('/ready without a connection', await scene.statusOf('/ready'), 503);
    scene.equal('/health without a connection', await scene.statusOf('/health'), 200);

    scene.figure('connections that others held', others.held());
    await others.stop();
    await scene.expectAck('the other clients have disconnected', healsWithinMs);
    await sleep(1_100);
    scene.equal('/ready after', await scene.statusOf('/ready'), 200);
    await scene.ackMore(300);
  });
}

/** Starts clients that take every connection they can get and keep trying for more. */
function startGreedyClients(url: string) {
  const held = new Set<pg.Client>();
  let stopping = false;
  let refusals = 0;
  async function grab(): Promise<void> {
    while (!stopping) {
      const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
      client.on('error', () => held.delete(client));
      try {
        await client.connect();
        held.add(client);
      } catch (error) {
        if ((error as { code?: string }).code === '53300') refusals++;
        await client.end().catch(() => {});
        await sleep(2);
      }
    }
  }
  const grabbing = Promise.all(Array.from({ length: 8 }, grab));
  return {
    held: () => held.size,
    /** How often Postgres refused a connection because there are too many (SQLSTATE 53300). */
    refusals: () => refusals,
    async stop(): Promise<void> {
      stopping = true;
      await grabbing;
      await Promise.all([...held].map((client) => client.end().catch(() => {})));
    },
  };
}

async function waitFor(what: string, reached: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!(await reached())) {
    if (performance.now() > deadline) throw new Error(`gave up after waiting 30 s for ${what}`);
    await sleep(20);
  }
}
