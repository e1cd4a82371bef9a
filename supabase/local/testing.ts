import { inject } from 'vitest';
import { type Supabase, type SupabaseOptions, startSupabase as start } from './supabase.ts';
import { createDatabaseOn, type TestDatabase } from './test-cluster.ts';
import type {} from './vitest-setup.ts';

/** A migrated database of the caller's own, on the run's cluster. Inside Vitest's project `db` only. */
export function createTestDatabase(): Promise<TestDatabase> {
  return createDatabaseOn(inject('testCluster'));
}

/** Supabase for real supabase-js clients on such a database: pass its `adminUrl`. Close it before the database is dropped. */
export function startSupabase(options: { databaseUrl: string; port?: number } & Partial<SupabaseOptions>): Promise<Supabase> {
  return start({ port: 0, poolSize: 4, ...options });
}
