import { homedir } from 'node:os';
import type { Readable, Writable } from 'node:stream';

type Terminal<Stream> = Stream & { isTTY?: boolean };

/** What a program uses of the process that runs it. Tests run programs on hosts of their own, many in one process. */
export interface Host {
  /** The command line after the program's name. */
  args: readonly string[];
  env: Readonly<NodeJS.ProcessEnv>;
  cwd: string;
  home: string;
  stdin: Terminal<Readable>;
  stdout: Writable;
  stderr: Terminal<Writable>;
  /** Aborted when the user presses Ctrl-C. */
  signal: AbortSignal;
}

/** This process as a host. */
export function processHost(): Host {
  const interruption = new AbortController();
  // One Ctrl-C may arrive twice: from the terminal and from the launcher.
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => interruption.abort());
  const { stdin, stdout, stderr, env } = process;
  // A reader that closes the pipe early, such as `head`, is not a failure.
  for (const stream of [stdout, stderr]) stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  return { args: process.argv.slice(2), env, cwd: process.cwd(), home: homedir(), stdin, stdout, stderr, signal: interruption.signal };
}
