import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  constants,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { migrationsHash } from './database.ts';
import type { PostgresHome } from './postgres-home.ts';

/** The directory is in node_modules, so that `npm ci` removes it together with the binaries that the clusters belong to. */
const cacheDirectory = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'tributary-clusters');
const keptEntries = 4;
/** Another run may be copying an entry that was used this recently. */
const inUseMs = 10 * 60_000;
/** Saving an entry takes seconds: a partial entry that is older than this was left by a run that was killed. */
const partialMs = 60 * 60_000;
const partialMark = '.partial-';

/** A stopped cluster in the cache: `data` is its directory, `password` the one that all its roles have. */
const dataOf = (entry: string) => join(entry, 'data');
const passwordOf = (entry: string) => join(entry, 'password');

/**
 * Names the cluster that the migrations in `migrations`, this version of PostgreSQL and the code that prepares a test cluster would produce. A change to any
 * of them gives another key, so that the cache never returns a stale cluster.
 */
export function clusterKey(home: PostgresHome, migrations?: string): string {
  const hash = createHash('sha256').update(migrationsHash(migrations));
  const code = ['cluster-cache.ts', 'database.ts', 'postgres.ts', 'test-cluster.ts'];
  for (const file of code) hash.update(readFileSync(join(import.meta.dirname, file)));
  // PostgreSQL starts only from files that belong to the account it runs as
  const account = home.user?.uid ?? process.getuid?.() ?? 0;
  hash.update(`${home.version} ${process.platform} ${process.arch} ${account}`);
  return hash.digest('hex').slice(0, 32);
}

/** Copies the cached cluster to `directory` and returns its password; undefined when the cache has no such cluster. */
export function restoreCluster(key: string, directory: string, home: PostgresHome, cache = cacheDirectory): string | undefined {
  const entry = join(cache, key);
  try {
    const password = readFileSync(passwordOf(entry), 'utf8');
    const now = new Date();
    utimesSync(entry, now, now);
    copyCluster(dataOf(entry), directory, home);
    return password;
  } catch {
    // the cache has no such entry, only another user may read the entry, or it was removed meanwhile: the caller makes a new cluster
    rmSync(directory, { recursive: true, force: true });
    return undefined;
  }
}

/** Keeps a copy of the stopped cluster in `directory`. The entry appears under its key only when it is complete. */
export function saveCluster(key: string, directory: string, password: string, home: PostgresHome, cache = cacheDirectory): void {
  const partial = join(cache, `${key}${partialMark}${randomBytes(4).toString('hex')}`);
  try {
    mkdirSync(partial, { recursive: true, mode: 0o700 });
    copyCluster(directory, dataOf(partial), home);
    writeFileSync(passwordOf(partial), password, { mode: 0o600 });
    renameSync(partial, join(cache, key));
    removeOldEntries(cache);
  } catch {
    // another run saved the same cluster first, or this user may not write here: without the entry the next run only takes longer
    rmSync(partial, { recursive: true, force: true });
  }
}

function removeOldEntries(cache: string): void {
  const entries = readdirSync(cache)
    .map((name) => ({
      path: join(cache, name),
      isPartial: name.includes(partialMark),
      age: Date.now() - statSync(join(cache, name)).mtimeMs,
    }))
    .sort((a, b) => a.age - b.age);
  const old = entries
    .filter((entry) => !entry.isPartial)
    .slice(keptEntries)
    .filter((entry) => entry.age > inUseMs);
  const abandoned = entries.filter((entry) => entry.isPartial && entry.age > partialMs);
  for (const { path } of [...old, ...abandoned]) rmSync(path, { recursive: true, force: true });
}

/** File systems that can, share the blocks of the copy until one side writes. */
function copyCluster(from: string, to: string, { user }: PostgresHome): void {
  cpSync(from, to, { recursive: true, errorOnExist: true, force: false, mode: constants.COPYFILE_FICLONE });
  // PostgreSQL refuses a data directory that others may enter, and the copy does not keep the mode of directories
  chmodSync(to, 0o700);
  if (!user) return;
  chownSync(to, user.uid, user.gid);
  for (const name of readdirSync(to, { recursive: true, encoding: 'utf8' })) chownSync(join(to, name), user.uid, user.gid);
}
