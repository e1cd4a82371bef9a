import pg from 'pg';
import type { TestDatabase } from '../local/test-cluster.ts';
import { createTestDatabase } from '../local/testing.ts';
import { type Actor, become, createWorld } from './world.ts';

export type Session = {
  database: TestDatabase;
  /** A superuser connection, for looking at the results. */
  client: pg.Client;
  /** Runs one statement as the actor and keeps its effects. When the statement fails, it is rolled back and its error is thrown. */
  as<T extends pg.QueryResultRow>(actor: Actor, sql: string, values?: unknown[]): Promise<T[]>;
  close(): Promise<void>;
};

/** Opens a database for one test file. Each test begins a world in it and rolls it back. `made` is a database that is not to be the usual one. */
export async function openSession(made?: TestDatabase): Promise<Session> {
  const database = made ?? (await createTestDatabase());
  const client = new pg.Client({ connectionString: database.superuserUrl });
  await client.connect();
  return {
    database,
    client,
    as: async <T extends pg.QueryResultRow>(actor: Actor, sql: string, values: unknown[] = []) => {
      await client.query(`savepoint act; ${become(actor)}`);
      try {
        const { rows } = await client.query<T>(sql, values);
        await client.query(`reset role; select set_config('request.jwt.claims', '', true); release savepoint act`);
        return rows;
      } catch (error) {
        await client.query('rollback to savepoint act');
        throw error;
      }
    },
    close: async () => {
      await client.end();
      await database.drop();
    },
  };
}

/** Begins a transaction with the world in it; the test file rolls it back after each test. */
export async function beginWorld(client: pg.Client): Promise<void> {
  await client.query('begin');
  await createWorld(client);
}
