import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { Interrupted } from './errors.ts';
import type { Host } from './host.ts';

/** Whether the terminal is interactive, so that a question can be answered. */
export const canAsk = ({ stdin, stderr }: Host) => stdin.isTTY === true && stderr.isTTY === true;

/** Asks a question and returns the typed line. Throws Interrupted on Ctrl-C and Ctrl-D. */
export async function ask({ stdin, stderr }: Host, question: string, { echo = true } = {}): Promise<string> {
  const silence = new Writable({ write: (_chunk, _encoding, done) => done() });
  if (!echo) stderr.write(question);
  const readline = createInterface({ input: stdin, output: echo ? stderr : silence, terminal: true });
  const gone = new AbortController();
  readline.once('SIGINT', () => gone.abort()).once('close', () => gone.abort());
  try {
    return await readline.question(echo ? question : '', { signal: gone.signal });
  } catch {
    throw new Interrupted();
  } finally {
    if (!echo) stderr.write('\n');
    readline.close();
  }
}

/** All of standard input, without the line break at its end. */
export async function readStdin({ stdin }: Host): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stdin) chunks.push(chunk);
  return Buffer.concat(chunks)
    .toString()
    .replace(/\r?\n$/, '');
}
