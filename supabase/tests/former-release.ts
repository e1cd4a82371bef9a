import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrationsDirectory } from '../local/database.ts';
import { startTestCluster, type TestDatabase } from '../local/test-cluster.ts';

/** The first migration that the former release does not have: instances of that release run while this and later migrations are applied. */
const firstOfThisRelease = '20261201';

/** A database with the schema of the former release, from which this release is an upgrade. */
export interface FormerRelease {
  database: TestDatabase;
  /** A directory for the `supabase` command, with all migrations. */
  workdir: string;
  stop(): Promise<void>;
}

export async function startFormerRelease(): Promise<FormerRelease> {
  const workdir = mkdtempSync(join(tmpdir(), 'tributary-upgrade-'));
  const former = join(workdir, 'former');
  mkdirSync(former);
  for (const file of readdirSync(migrationsDirectory)) {
    if (file < firstOfThisRelease) cpSync(join(migrationsDirectory, file), join(former, file));
  }
  cpSync(migrationsDirectory, join(workdir, 'supabase', 'migrations'), { recursive: true });
  const cluster = await startTestCluster({ migrations: former });
  return {
    database: await cluster.createDatabase(),
    workdir,
    stop: async () => {
      await cluster.stop();
      rmSync(workdir, { recursive: true, force: true });
    },
  };
}
