import { type ChildProcess, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it exists and belongs to somebody else
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The command line of a live process, '' when there is none. Process ids are reused, so a pid file alone proves nothing. */
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

/** True once the process is gone, false when it outlives `timeoutMs`. */
export async function waitUntilGone(pid: number, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  // a zombie whose parent never reaps it answers to signal 0 and has an empty command line
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

/** Asks with `first`, insists with `last` after `graceMs`, and returns when the process is gone. */
export async function endProcess(pid: number, first: NodeJS.Signals, last: NodeJS.Signals, graceMs: number): Promise<void> {
  signal(pid, first);
  if (await waitUntilGone(pid, graceMs)) return;
  signal(pid, last);
  await waitUntilGone(pid, 10_000);
}

/** When a child just spawned ends, and why it did not even begin, if it did not. */
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
