import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';

/** Starts a program of the bench as a separate process, so that no program measures the work of another one. */
function start(program: string, argument: unknown): ChildProcess {
  return fork(join(import.meta.dirname, `${program}.ts`), [JSON.stringify(argument)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
}

function firstMessage<T>(child: ChildProcess, program: string): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as T));
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`${program} ended with ${code ?? signal} before it had a result`)));
  });
}

/** Runs a program to its end and returns the one message it sends. */
export async function measure<T>(program: string, argument: unknown): Promise<T> {
  const child = start(program, argument);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  try {
    return await firstMessage<T>(child, program);
  } finally {
    const slow = setTimeout(() => child.kill('SIGKILL'), 5_000);
    await ended;
    clearTimeout(slow);
  }
}

/** Runs a program until it is stopped; `ready` is its first message. */
export async function serve<T>(program: string, argument: unknown): Promise<{ ready: T; pid: number; stop(): Promise<void> }> {
  const child = start(program, argument);
  const ready = await firstMessage<T>(child, program);
  return {
    ready,
    pid: child.pid ?? 0,
    stop: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve());
        child.kill('SIGTERM');
      }),
  };
}

/** The argument that the program was started with. */
export function argument<T>(): T {
  return JSON.parse(process.argv[2] ?? 'null') as T;
}

/** Sends the result to the bench and ends the process. */
export function report(result: unknown): void {
  process.send?.(result, () => process.exit(0));
}
