import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { Interrupted } from './errors.ts';

/** Whether the terminal is interactive, so that a question can be answered. */
export const canAsk = () => process.stdin.isTTY && process.stderr.isTTY;

/** Asks a question and returns the typed line. Throws Interrupted on Ctrl-C and Ctrl-D. */
export async function ask(question: string, { echo = true } = {}): Promise<string> {
  const silence = new Writable({ write: (_chunk, _encoding, done) => done() });
  if (!echo) process.stderr.write(question);
  const readline = createInterface({ input: process.stdin, output: echo ? process.stderr : silence, terminal: true });
  const gone = new AbortController();
  readline.once('SIGINT', () => gone.abort()).once('close', () => gone.abort());
  try {
    return await readline.question(echo ? question : '', { signal: gone.signal });
  } catch {
    throw new Interrupted();
  } finally {
    if (!echo) process.stderr.write('\n');
    readline.close();
  }
}

/** All of standard input, without the line break at its end. */
export async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  return Buffer.concat(chunks)
    .toString()
    .replace(/\r?\n$/, '');
}
