import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareDatabase } from '../local/database.ts';
import { freePort } from '../local/ports.ts';
import { createCluster, databaseUrl, startPostgres, superuser } from '../local/postgres.ts';
import { clusterDirectory, findPostgresHome, removeCluster } from '../local/postgres-home.ts';

/**
 * Runs `use` on a new Postgres that has what a Supabase project has before its first migration, and removes the server afterwards. The URL logs in as
 * `postgres`.
 */
export async function withEmptyProject<T>(use: (url: string) => Promise<T>): Promise<T> {
  const home = await findPostgresHome();
  const parent = mkdtempSync(join(tmpdir(), 'tributary-restore-'));
  chmodSync(parent, 0o711);
  const directory = clusterDirectory(parent, home);
  const superuserPassword = randomBytes(18).toString('base64url');
  const port = await freePort();
  try {
    await createCluster({ home, directory, superuserPassword });
    const postgres = await startPostgres({ home, directory, port, superuserPassword, logFile: join(parent, 'postgres.log') });
    try {
      const password = randomBytes(18).toString('base64url');
      await prepareDatabase(databaseUrl({ port, user: superuser, password: superuserPassword }), password);
      return await use(databaseUrl({ port, user: 'postgres', password }));
    } finally {
      await postgres.stop();
    }
  } finally {
    removeCluster(directory);
    rmSync(parent, { recursive: true, force: true });
  }
}
