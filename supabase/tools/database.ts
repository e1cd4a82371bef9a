import { startTestCluster, type TestDatabase } from '../local/test-cluster.ts';

/** Runs a tool on a freshly migrated database of its own; no Docker, no network, nothing left behind. */
export async function withFreshDatabase<T>(run: (database: TestDatabase) => Promise<T>): Promise<T> {
  const cluster = await startTestCluster();
  try {
    return await run(await cluster.createDatabase());
  } finally {
    await cluster.stop();
  }
}
