import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readConfig } from '../../apps/api/src/platform/config.ts';
import { type Api, type ProofStack, withProofStack } from '../../chaos/src/stack.ts';
import type { Cost } from './costs.ts';
import { describeMachine, describePostgres } from './machine.ts';
import type { OpenLoopResult } from './open-loop.ts';
import { measureOverload } from './overload.ts';
import { measure, serve } from './process.ts';
import { type BenchResult, printReport, type Target, writeDocument } from './report.ts';
import { createRequests, type Traffic } from './requests.ts';
import { capacityOf, measureRounds, ratioOf, type Scenario } from './rounds.ts';

const usage = `Usage: npm run bench -- [--quick] [--json <file>] [--docs]
--quick measures 2 s instead of 10 s at a time: for trying the bench, not for figures to quote.
--docs also writes the tables into docs/benchmarks.md.`;

const root = join(import.meta.dirname, '..', '..');
const recordsPerBatch = 100;

function readArguments(): { quick: boolean; json: string; docs: boolean } {
  try {
    const { values } = parseArgs({
      options: { quick: { type: 'boolean' }, json: { type: 'string' }, docs: { type: 'boolean' }, help: { type: 'boolean' } },
    });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    const json = values.json ? resolve(values.json) : join(resolve(root, process.env.LOCAL_DIR || '.local'), 'bench.json');
    return { quick: values.quick ?? false, json, docs: values.docs ?? false };
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`);
    process.exit(2);
  }
}

const { quick, json, docs } = readArguments();
const seconds = quick ? 2 : 10;
const rounds = quick ? 1 : 3;
const say = (line: string) => console.log(`${new Date().toISOString().slice(11, 19)}  ${line}`);

async function bench(stack: ProofStack): Promise<BenchResult> {
  const bare = await serve<{ url: string }>('bare', null);
  try {
    const api = await stack.startApi();
    return await measureAll(stack, api, { url: bare.ready.url, pid: bare.pid });
  } finally {
    await bare.stop();
  }
}

async function measureAll(stack: ProofStack, api: Api, bare: { url: string; pid: number }): Promise<BenchResult> {
  let serial = 0;
  const traffic = (scenario: Scenario): Traffic => {
    const kind = scenario === 'a' || scenario === 'b' ? 'purchase' : 'batch';
    const { path, source, config, secrets } = stack.connections[kind === 'purchase' ? 'hotmart' : 'webhook'];
    const url = scenario === 'a' ? bare.url : api.url + path;
    return { url, kind, type: source.type, config, secrets, idPrefix: `${scenario}${serial++}-`, recordsPerBatch };
  };
  const { writer } = defaultConfig();
  const pids = { a: bare.pid, b: api.pid, c: api.pid };
  const measured = await measureRounds({ stack, pids, traffic, writer, rounds, seconds, say });

  const openLoop = async (scenario: 'b' | 'c', duration: number) => {
    const perSecond = capacityOf(measured, scenario) * 0.7;
    const result = await measure<OpenLoopResult>('open-loop', { traffic: traffic(scenario), perSecond, seconds: duration, sockets: 500 });
    say(`(${scenario}) open loop at 70 %: ${result.offeredPerSecond} requests/s offered, p99 ${result.latencyMs.p99} ms`);
    return result;
  };
  const steady = { b: await openLoop('b', 2 * seconds), c: await openLoop('c', seconds) };

  const perSecond = capacityOf(measured, 'b') * 2;
  const overloadSeconds = quick ? 10 : 60;
  say(`overload: ${Math.round(perSecond)} requests/s offered for ${overloadSeconds} s`);
  const overload = await measureOverload(stack, api, { traffic: traffic('b'), perSecond, seconds: overloadSeconds });
  say(`overload: ${overload.acceptedPerSecond} requests/s accepted, ${overload.acked} acknowledged, ${overload.lost} of them lost`);

  say('timing the steps of the pipeline');
  const costs = async (scenario: 'b' | 'c') => measure<Cost[]>('costs', { traffic: traffic(scenario), targetMs: quick ? 50 : 150 });
  const bytesOf = (scenario: 'b' | 'c') => Buffer.byteLength(createRequests(traffic(scenario))(0).body);
  return {
    measuredAt: new Date().toISOString(),
    quick,
    secondsEach: seconds,
    rounds,
    machine: describeMachine(),
    postgres: await describePostgres(stack),
    writer,
    payload: { purchaseBytes: bytesOf('b'), batchBytes: bytesOf('c'), recordsPerBatch },
    measured,
    openLoop: steady,
    overload,
    costs: { purchase: await costs('b'), batch: await costs('c') },
    targets: [
      target('(b) durable ingest ÷ (a) bare route', ratioOf(measured, 'b', 'a'), 0.35, 'at least'),
      target('(c) batched ingest ÷ (d) raw ceiling', ratioOf(measured, 'c', 'd'), 0.6, 'at least'),
      target('(b) open loop at 70 %, p99 in ms', steady.b.latencyMs.p99, 50, 'below'),
      target('overload: peak resident memory, MB', overload.memory.peakMb, 350, 'below'),
      target('overload: memory of the last third ÷ the middle third', overload.memory.growth, 1.1, 'below'),
      target('overload: acknowledged and not stored', overload.lost, 1, 'below'),
      target('overload: answers other than 200 and 429 or 503 with Retry-After', overload.otherAnswers, 1, 'below'),
    ],
  };
}

/** The API's settings when nothing is set: what the measured process runs with. */
function defaultConfig() {
  return readConfig({
    DATABASE_URL: 'postgresql://127.0.0.1/postgres',
    SUPABASE_URL: 'http://127.0.0.1',
    SUPABASE_PUBLISHABLE_KEY: 'unused',
    SUPABASE_JWT_SECRET: randomBytes(32).toString('hex'),
    MASTER_KEY: randomBytes(32).toString('base64'),
    OPERATOR_TOKEN: randomBytes(32).toString('hex'),
  });
}

function target(what: string, value: number, bound: number, kind: Target['kind']): Target {
  return { what, value, kind, bound, reached: kind === 'at least' ? value >= bound : value < bound };
}

const result = await withProofStack(bench);
mkdirSync(dirname(json), { recursive: true });
writeFileSync(json, `${JSON.stringify(result, null, 2)}\n`);
printReport(result);
if (docs) writeDocument(result, join(root, 'docs', 'benchmarks.md'));
console.log(`\nEverything measured is in ${json}`);
// A slow machine may miss a figure; an acknowledged event may be lost on none.
process.exit(result.overload.lost === 0 ? 0 : 1);
