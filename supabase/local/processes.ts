import { type ChildProcess, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: the process exists and belongs to another user
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * The command line of a running process, '' when no process has this id. Process ids are reused, so a pid file alone does not identify a
 * process.
 */
export function commandLineOf(pid: number): string {
  if (!isAlive(pid)) return '';
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    try {
      return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    } catch {
      return '';
    }
  }
}

/** Resolves to true when the process has ended, and to false when it still runs after `timeoutMs`. */
export async function waitUntilGone(pid: number, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  // a zombie that its parent never reaps still answers to signal 0, but has an empty command line
  while (isAlive(pid) && commandLineOf(pid) !== '') {
    if (Date.now() > deadline) return false;
    await sleep(50);
  }
  return true;
}

export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Sends `first`, then `last` after `graceMs`, and returns when the process has ended. */
export async function endProcess(pid: number, first: NodeJS.Signals, last: NodeJS.Signals, graceMs: number): Promise<void> {
  signal(pid, first);
  if (await waitUntilGone(pid, graceMs)) return;
  signal(pid, last);
  await waitUntilGone(pid, 10_000);
}

/** Waits until a child has been spawned: returns a promise of the child's end, or the error because of which the child did not start. */
export async function whenSpawned(child: ChildProcess): Promise<{ exited: Promise<void>; failure: Error | undefined }> {
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const failure = await new Promise<Error | undefined>((resolve) => {
    child.once('spawn', () => resolve(undefined));
    child.once('error', resolve);
  });
  return { exited, failure };
}
