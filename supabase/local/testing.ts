import { inject } from 'vitest';
import { type Supabase, type SupabaseOptions, startSupabase as start } from './supabase.ts';
import { createDatabaseOn, type TestDatabase } from './test-cluster.ts';
import type {} from './vitest-setup.ts';

/** Creates a migrated database on the cluster of the run. Works only in the Vitest project `db`. */
export function createTestDatabase(): Promise<TestDatabase> {
  return createDatabaseOn(inject('testCluster'));
}

/** Starts Supabase on a test database, whose `adminUrl` is the `databaseUrl`. Close it before the database is dropped. */
export function startSupabase(options: { databaseUrl: string; port?: number } & Partial<SupabaseOptions>): Promise<Supabase> {
  return start({ port: 0, poolSize: 4, ...options });
}
