import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTenants, type Delivery, former, present, type Version } from './batches.ts';
import { openSession, type Session } from './session.ts';
import { become } from './world.ts';

// Batches of several sessions wait for each other here, so the tenants and some batches are committed.

let session: Session;
let clients: [pg.Client, pg.Client, pg.Client];
beforeAll(async () => {
  session = await openSession();
  await createTenants(session.client);
  const connect = async () => {
    const client = new pg.Client({ connectionString: session.database.superuserUrl });
    await client.connect();
    return client;
  };
  clients = [await connect(), await connect(), await connect()];
});
afterAll(async () => {
  await Promise.all((clients ?? []).map((client) => client.end()));
  await session?.close();
});
afterEach(async () => {
  for (const client of clients) await client.query('rollback');
});

const statements: Record<string, (batch: Delivery[]) => ReturnType<Version['ingest']>> = {
  'of deliveries': present.ingest,
  'of the journal': (batch) => present.replay(batch, false),
  'of the former version': former.ingest,
};
let deliveries = 0;
/** A delivery with new ids. Keys of one test are not those of another. */
function delivery(of: string, ...keys: string[]): Delivery {
  const n = ++deliveries;
  return { n, records: keys.map((key, index) => ({ n: 10 * n + index, key: `${key} ${of}` })) };
}

async function untilWaiting(client: pg.Client & { processID?: number }): Promise<void> {
  const isWaiting = async () =>
    (await session.client.query('select from pg_locks where not granted and pid = $1', [client.processID])).rowCount !== 0;
  await expect.poll(isWaiting, { interval: 10 }).toBe(true);
}

describe.each(Object.entries(statements))('a batch %s', (of, statement) => {
  const begin = async (client: pg.Client, ...batch: Delivery[]) => {
    const { actor, sql, values } = statement(batch);
    await client.query(`begin; ${become(actor)}`);
    return client.query(sql, values);
  };

  it('takes its keys in their order, so that it holds no later key while it waits for an earlier one, and no two batches deadlock', async () => {
    const [holder, waiting, other] = clients;
    await begin(holder, delivery(of, 'middle'));
    const waits = begin(waiting, delivery(of, 'zulu', 'middle', 'alpha'), delivery(of, 'yankee'));
    await untilWaiting(waiting);
    await begin(other, delivery(of, 'zulu', 'yankee'));
    await other.query('rollback');
    await holder.query('commit');
    const { rows } = (await waits) as unknown as { rows: { answer: { outcome: string }[] }[] };
    expect(rows[0]?.answer.map(({ outcome }) => outcome)).toEqual(['duplicate']);
  });
});
