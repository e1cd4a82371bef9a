import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import type { Command } from 'commander';
import { run } from '../program.ts';
import { createDlqtriage, createReplayctl, createTributary } from '../programs.ts';

const programs = { tributary: createTributary, replayctl: createReplayctl, dlqtriage: createDlqtriage } satisfies Record<
  string,
  () => Command
>;

export type Bin = keyof typeof programs;
export const binFile = (bin: Bin) => join(import.meta.dirname, '..', '..', 'bin', `${bin}.mjs`);

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a program inside this process, which takes milliseconds; a separate process takes a third of a second to start. */
export async function runInside(
  bin: Bin,
  args: readonly string[],
  options: { env: Record<string, string>; home: string; stdin?: string | undefined },
): Promise<Ended> {
  const [stdout, stderr] = [collect(), collect()];
  const code = await run(programs[bin](), {
    args,
    env: options.env,
    cwd: options.home,
    home: options.home,
    stdin: Readable.from(options.stdin === undefined ? [] : [Buffer.from(options.stdin)]),
    stdout: stdout.stream,
    stderr: stderr.stream,
    signal: new AbortController().signal,
  });
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

function collect(): { stream: Writable; text(): string } {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString() };
}

/** Runs a program as a process, as a shell does. */
export function runProcess(file: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(file, args, { env }, (_, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }));
  });
}
