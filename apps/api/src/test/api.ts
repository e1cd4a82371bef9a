import { randomBytes } from 'node:crypto';
import { createTestDatabase } from '@tributary/supabase/local/testing.ts';
import pg from 'pg';
import { pino } from 'pino';
import { createApp } from '../app.ts';
import { readConfig } from '../config.ts';
import { createDb } from '../db.ts';
import { createConnections } from '../ingest/connections.ts';
import { createQuarantine } from '../ingest/quarantine.ts';
import { createWriter } from '../ingest/writer.ts';
import { createMetrics } from '../metrics.ts';

/** Signs the tests' user tokens. */
export const jwtSecret = 'a-secret-for-tests-of-at-least-32-characters';

/**
 * The whole API on a database of its own: `app.request()` walks every middleware and route, `admin` looks at what was stored.
 * `log` gathers every line, so that a test can search it for what must not be there.
 */
export async function startTestApi(overrides: Record<string, string> = {}) {
  const database = await createTestDatabase();
  const config = readConfig({
    DATABASE_URL: database.apiUrl,
    SUPABASE_URL: 'http://127.0.0.1:1',
    SUPABASE_PUBLISHABLE_KEY: 'sb_publishable_test',
    SUPABASE_JWT_SECRET: jwtSecret,
    MASTER_KEY: `v1:${randomBytes(32).toString('base64')}`,
    OPERATOR_TOKEN: 'operator-token-for-tests-000000',
    PUBLIC_URL: 'http://tributary.test',
    ...overrides,
  });
  const lines: string[] = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
  const metrics = createMetrics();
  const db = createDb({ ...config.database, ingestConnections: config.writer.batchesInFlightMax + 4 }, log);
  const connections = await createConnections(db, config.masterKeys, log);
  const writer = createWriter(db, config.writer, metrics, log);
  const quarantine = createQuarantine(db, config.quarantinePerHour, log);
  const app = createApp({ config, db, connections, writer, quarantine, metrics, log, isStopping: () => false });
  const admin = new pg.Pool({ connectionString: database.adminUrl, max: 4 });
  admin.on('error', () => {});
  return {
    app,
    config,
    db,
    connections,
    writer,
    quarantine,
    metrics,
    admin,
    lines,
    database,
    async close() {
      await Promise.all([writer.drain(), quarantine.drain(), connections.close()]);
      await Promise.all([db.close(), admin.end()]);
      await database.drop();
    },
  };
}

export type TestApi = Awaited<ReturnType<typeof startTestApi>>;
