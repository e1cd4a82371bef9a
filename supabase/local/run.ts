import { join } from 'node:path';
import { StackError } from './errors.ts';
import { purchaseCommand, seedDemo } from './seed.ts';
import { type Stack, type StackConfig, startStack } from './stack.ts';

/**
 * Runs `npm start`: starts and seeds the stack, prints how to use it, waits for Ctrl-C or for a part to fail, stops everything and returns the exit code.
 */
export async function runStack(readConfig: () => StackConfig): Promise<number> {
  const ending = new AbortController();
  // One Ctrl-C arrives more than once, from the terminal and through npm. Stopping takes a bounded time, so repeats are ignored.
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => ending.abort());
  let stack: Stack | undefined;
  try {
    const config = readConfig();
    stack = await startStack(config, (line) => console.log(line), ending.signal);
    const demo = await seedDemo(stack.info, config.localDirectory);
    ending.signal.throwIfAborted();
    stack.announce();
    const purchase = demo.connections.hotmart && purchaseCommand(demo.connections.hotmart, Date.now());
    console.log(welcome(stack, config.localDirectory, purchase));
    const stopped = new Promise<undefined>((resolve) => ending.signal.addEventListener('abort', () => resolve(undefined)));
    const failure = ending.signal.aborted ? undefined : await Promise.race([stopped, stack.failed]);
    if (failure) console.error(`\n${failure}\nStopping everything.`);
    else console.log('\nStopping …');
    await stack.stop();
    return failure ? 1 : 0;
  } catch (error) {
    await stack?.stop();
    if (ending.signal.aborted) {
      console.log('\nStopped before it was ready.');
      return 0;
    }
    console.error(error instanceof StackError ? error.message : error);
    return 1;
  }
}

function welcome({ info }: Stack, directory: string, purchase: string | undefined): string {
  return [
    '',
    'Tributary is running.',
    `  API        ${info.apiUrl}   (documentation: ${info.apiUrl}/docs)`,
    `  Supabase   ${info.supabaseUrl}`,
    `  Postgres   ${info.databaseUrl}`,
    `  Sign in    ${info.demo.email}   password: ${info.demo.password}`,
    `  Logs       ${join(directory, 'logs')}`,
    ...(purchase ? ['', 'Send a signed Hotmart purchase (sent twice, it is stored once):', '', purchase] : []),
    '',
    'Ctrl-C stops everything; the data stays.',
  ].join('\n');
}
