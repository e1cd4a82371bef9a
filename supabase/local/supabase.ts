import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { generateApiKey } from '@supabase/lite';
import { StackError } from './errors.ts';

export type SupabaseKeys = { publishableKey: string; secretKey: string; jwtSecret: string };

export type SupabaseOptions = {
  /** Logs in to a prepared database as the role `postgres`. */
  databaseUrl: string;
  /** 0 selects any free port. */
  port: number;
  keys: SupabaseKeys;
  siteUrl: string;
  poolSize: number;
};

export type Supabase = SupabaseKeys & {
  url: string;
  /** Resolves when the server ends, for any reason. */
  exited: Promise<void>;
  close(): Promise<void>;
};

export type WorkerMessage = { listening: number } | { failed: string };

export async function generateSupabaseKeys(): Promise<SupabaseKeys> {
  return {
    publishableKey: (await generateApiKey('publishable')).key,
    secretKey: (await generateApiKey('secret')).key,
    jwtSecret: randomBytes(32).toString('hex'),
  };
}

/**
 * Serves Supabase's auth (`/auth/v1`) and data API (`/rest/v1`, schema `public` only) on 127.0.0.1 for real supabase-js clients. Keys are generated
 * when none are given. The server runs in a separate thread because lite prints every refused query: the output goes to `logFile` or is dropped.
 */
export async function startSupabase(
  options: Pick<SupabaseOptions, 'databaseUrl' | 'port'> & Partial<SupabaseOptions> & { logFile?: string },
): Promise<Supabase> {
  const { logFile, ...given } = options;
  const keys = given.keys ?? (await generateSupabaseKeys());
  const workerData: SupabaseOptions = { siteUrl: 'http://127.0.0.1:8787', poolSize: 10, ...given, keys };
  const worker = new Worker(new URL('./supabase-worker.ts', import.meta.url), { workerData, stdout: true, stderr: true, execArgv: [] });
  if (logFile) {
    const log = createWriteStream(logFile, { flags: 'a', mode: 0o600 });
    worker.stdout.pipe(log, { end: false });
    worker.stderr.pipe(log, { end: false });
  } else {
    worker.stdout.resume();
    worker.stderr.resume();
  }
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  const port = await new Promise<number>((resolve, reject) => {
    const fail = (reason: string) => reject(new StackError(`The embedded Supabase could not listen on port ${options.port}: ${reason}.`));
    worker.once('message', (message: WorkerMessage) => ('listening' in message ? resolve(message.listening) : fail(message.failed)));
    worker.once('error', (error) => fail(String(error)));
    worker.once('exit', () => fail('it ended early'));
  });
  return {
    ...keys,
    url: `http://127.0.0.1:${port}`,
    exited,
    close: async () => {
      worker.postMessage('close');
      // a request in progress may keep the thread alive; it gets two seconds
      const slow = setTimeout(() => void worker.terminate(), 2000);
      await exited;
      clearTimeout(slow);
    },
  };
}
