import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { Failure } from './errors.ts';

const Login = z.object({
  url: z.string(),
  supabaseUrl: z.string(),
  publishableKey: z.string(),
  email: z.string().optional(),
  accessToken: z.string(),
  /** Undefined for a login by token, which ends when the token expires. */
  refreshToken: z.string().optional(),
});
export type Login = z.infer<typeof Login>;

export function readLogin(file: string): Login | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Failure(`${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
  try {
    return Login.parse(JSON.parse(text));
  } catch {
    throw new Failure(`${file} is damaged: run \`tributary logout\`, then sign in again.`);
  }
}

/** Replaces the file atomically. Only the current user can read the file or list its directory. */
export function writeLogin(file: string, login: Login): void {
  const partial = `${file}.${randomUUID()}`;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    chmodSync(dirname(file), 0o700);
    writeFileSync(partial, `${JSON.stringify(login, null, 2)}\n`, { mode: 0o600, flag: 'wx', flush: true });
    renameSync(partial, file);
  } catch (error) {
    rmSync(partial, { force: true });
    throw new Failure(`The login cannot be kept in ${file} (${(error as NodeJS.ErrnoException).code}).`);
  }
}

/** Returns true when a stored login existed. */
export function removeLogin(file: string): boolean {
  try {
    rmSync(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw new Failure(`${file} cannot be removed (${(error as NodeJS.ErrnoException).code}).`);
  }
}
