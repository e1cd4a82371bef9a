import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { sources } from '@tributary/pipeline/sources.ts';
import { StackError } from '@tributary/supabase/local/errors.ts';
import type { Demo } from '@tributary/supabase/local/seed.ts';
import type { StackInfo } from '@tributary/supabase/local/stack.ts';
import { localDirectory } from '@tributary/supabase/local/stack-config.ts';
import { type DemoTarget, type Sent, sendTraffic } from './demo-traffic.ts';

const usage = 'Usage: npm run demo -- [--count <deliveries, 200>] [--rate <deliveries a second, 50>]';
const notRunning = 'The stack is not running: start it with `npm start` in another terminal, then run the demo again.';

function fail(sentence: string): never {
  console.error(sentence);
  process.exit(1);
}

function readArguments(): { count: number; perSecond: number } {
  try {
    const { values } = parseArgs({ options: { count: { type: 'string' }, rate: { type: 'string' }, help: { type: 'boolean' } } });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    const number = (name: string, text: string, max: number) => {
      const value = Number(text);
      if (!(value > 0 && value <= max)) throw new Error(`--${name} must be a number above 0 and at most ${max}.`);
      return value;
    };
    return { count: Math.round(number('count', values.count ?? '200', 1_000_000)), perSecond: number('rate', values.rate ?? '50', 5_000) };
  } catch (error) {
    fail(`${(error as Error).message}\n${usage}`);
  }
}

/** The demo connections with the secrets that `npm start` wrote to demo.json. */
async function findTargets(): Promise<DemoTarget[]> {
  const directory = localDirectory(process.env, join(import.meta.dirname, '..'));
  const read = <T>(name: string): T => {
    const file = join(directory, name);
    if (!existsSync(file)) throw new StackError(notRunning);
    return JSON.parse(readFileSync(file, 'utf8')) as T;
  };
  const stack = read<StackInfo>('stack.json');
  const demo = read<Demo>('demo.json');
  const entries = await fetch(`${stack.apiUrl}/api/sources`, { signal: AbortSignal.timeout(5_000) }).then(
    (response) => response.json() as Promise<{ type: string; exampleConfig: unknown }[]>,
    () => {
      throw new StackError(notRunning);
    },
  );
  return entries.flatMap((entry) => {
    const connection = demo.connections[entry.type];
    const source = sources.get(entry.type);
    if (!connection || !source) return [];
    const secrets = Object.entries(connection.secrets).map(([name, value]) => ({ name, value }));
    return [{ source, webhookUrl: connection.webhookUrl, secrets, config: source.config.parse(entry.exampleConfig) }];
  });
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => String(row[column]).length)));
  for (const row of [head, ...rows]) {
    console.log(
      row
        .map((cell, n) => (n === 0 || n === head.length - 1 ? String(cell).padEnd(widths[n] ?? 0) : String(cell).padStart(widths[n] ?? 0)))
        .join('  ')
        .trimEnd(),
    );
  }
}

function printOutcomes(sent: readonly Sent[]): void {
  const rows = [...Map.groupBy(sent, (one) => one.source)].sort().map(([source, some]) => {
    const outcomes = some.flatMap((one) => one.outcomes);
    const count = (outcome: string) => outcomes.filter((one) => one.outcome === outcome).length;
    const codes = [
      ...Map.groupBy(
        outcomes.filter((one) => one.code),
        (one) => one.code,
      ),
    ].map(([code, them]) => `${them.length} ${code}`);
    return [
      source,
      some.length,
      outcomes.length,
      ...['accepted', 'duplicate', 'dead_lettered', 'rejected'].map(count),
      codes.sort().join(', '),
    ];
  });
  table(['source', 'deliveries', 'records', 'accepted', 'duplicate', 'dead-lettered', 'rejected', 'codes'], rows);
}

const { count, perSecond } = readArguments();
const sent: Sent[] = [];
try {
  const targets = await findTargets();
  if (targets.length === 0) fail('The stack has no demo connections: run `npm run reset`, then `npm start`.');
  console.log(`Sending ${count} signed deliveries to ${targets.map((target) => target.source.type).join(', ')} …\n`);
  await sendTraffic(targets, { count, perSecond }, (one) => sent.push(one));
} catch (error) {
  if (error instanceof StackError) fail(error.message);
  if (error instanceof TypeError && error.message === 'fetch failed')
    fail(`${sent.length} of ${count} deliveries were answered, then the API could not be reached.`);
  throw error;
}

printOutcomes(sent);
const kinds = [...Map.groupBy(sent, (one) => one.kind)].map(([kind, some]) => `${some.length} ${kind}`);
console.log(`\nSent: ${kinds.join(', ')}.`);
const unexpected = sent.filter((one) => one.unexpected);
for (const one of unexpected.slice(0, 10)) console.log(`UNEXPECTED: ${one.source}, ${one.kind}: ${one.unexpected}`);
console.log(unexpected.length === 0 ? 'Every answer was as expected.' : `${unexpected.length} answers were not as expected.`);
process.exit(unexpected.length === 0 ? 0 : 1);
