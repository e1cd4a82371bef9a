import { randomBytes } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { StackError } from './errors.ts';
import { commandLineOf } from './processes.ts';
import { generateSupabaseKeys, type SupabaseKeys } from './supabase.ts';

/** All secrets of one local stack. Without its keys the data cannot be read, so the keys are written before the database is created. */
export type StackKeys = SupabaseKeys & {
  superuserPassword: string;
  postgresPassword: string;
  apiPassword: string;
  masterKey: string;
  operatorToken: string;
  demoPassword: string;
};

export function openLocalDirectory(path: string): void {
  try {
    if (!existsSync(path)) {
      mkdirSync(path, { recursive: true });
      // other accounts may enter the directory but not list it, because the account of the database must enter it; an existing directory
      // keeps its mode
      chmodSync(path, 0o711);
    }
    accessSync(path, constants.W_OK | constants.X_OK);
    mkdirSync(join(path, 'logs'), { recursive: true, mode: 0o711 });
  } catch (error) {
    throw new StackError(
      `${path} cannot be used by this user (${(error as Error).message}); start as the user who owns it, or set LOCAL_DIR to another directory.`,
    );
  }
}

/** Replaces the whole file atomically; only its owner may read it. */
export function writePrivateJson(file: string, value: unknown): void {
  const partial = `${file}.partial`;
  rmSync(partial, { force: true });
  const descriptor = openSync(partial, 'w', 0o600);
  writeSync(descriptor, `${JSON.stringify(value, null, 2)}\n`);
  fsyncSync(descriptor);
  closeSync(descriptor);
  renameSync(partial, file);
}

export function readJson<T>(file: string): T | undefined {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new StackError(`${file} cannot be read: ${(error as Error).message}.`);
  }
  try {
    return JSON.parse(content) as T;
  } catch {
    throw new StackError(`${file} is not valid JSON; restore it, or run \`npm run reset\` to begin with an empty database.`);
  }
}

/** Reads the keys of the stack, or generates them for a new one. Refuses to generate keys for an existing database, which needs its own. */
export async function openKeys(directory: string, databaseExists: boolean): Promise<StackKeys> {
  const file = join(directory, 'keys.json');
  const kept = readJson<StackKeys>(file);
  if (kept) return kept;
  if (databaseExists)
    throw new StackError(
      `${file} is missing. It contains the keys of the existing database: restore it, or run \`npm run reset\` to start with an empty database.`,
    );
  const word = (bytes = 24) => randomBytes(bytes).toString('base64url');
  const keys: StackKeys = {
    ...(await generateSupabaseKeys()),
    superuserPassword: word(),
    postgresPassword: word(),
    apiPassword: word(),
    masterKey: `v1:${randomBytes(32).toString('base64')}`,
    operatorToken: word(32),
    demoPassword: word(12),
  };
  writePrivateJson(file, keys);
  return keys;
}

/** Records a process with its command line, so that a later run can tell it from another process with the same id. */
export function writePidFile(file: string, pid: number): void {
  writePrivateJson(file, { pid, command: commandLineOf(pid) });
}

/** The id of the recorded process; undefined when that process no longer runs. */
export function livePid(file: string): number | undefined {
  if (!existsSync(file)) return undefined;
  let recorded: { pid?: number; command?: string } | undefined;
  try {
    recorded = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
  if (!recorded?.pid || !recorded.command || recorded.pid === process.pid) return undefined;
  return commandLineOf(recorded.pid) === recorded.command ? recorded.pid : undefined;
}

/** Makes this process the one that runs the stack of `directory`; throws when another one does. */
export function claimStack(directory: string): void {
  const file = join(directory, 'stack.pid');
  const other = livePid(file);
  if (other !== undefined) {
    const running = readJson<{ apiUrl?: string }>(join(directory, 'stack.json'));
    const where = running?.apiUrl ? ` at ${running.apiUrl}` : '';
    throw new StackError(
      `This stack is already running${where} (process ${other}): stop it with Ctrl-C there first, or set LOCAL_DIR, PORT, SUPABASE_PORT and DB_PORT to run a second one.`,
    );
  }
  rmSync(file, { force: true });
  try {
    // of two starts at the same moment only one can create the file
    closeSync(openSync(file, 'wx', 0o600));
  } catch {
    throw new StackError('Another start of this stack began at the same moment; wait for it.');
  }
  writePidFile(file, process.pid);
}
