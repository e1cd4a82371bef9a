import { randomBytes } from 'node:crypto';
import { readConfig } from '../../apps/api/src/platform/config.ts';
import type { Api, ProofStack } from '../../chaos/src/stack.ts';
import type { Cost } from './costs.ts';
import { describeMachine, describePostgres } from './machine.ts';
import type { OpenLoopResult } from './open-loop.ts';
import { measureOverload } from './overload.ts';
import { measure, serve } from './process.ts';
import { createRequests, type Traffic } from './requests.ts';
import { capacityOf, measureRounds, ratioOf, type Scenario } from './rounds.ts';

const recordsPerBatch = 100;

export type BenchResult = Awaited<ReturnType<typeof measureAll>>;

/** Measures everything that `npm run bench` reports. `quick` measures 2 s instead of 10 s at a time and one round instead of three. */
export async function measureAll(stack: ProofStack, { quick, say }: { quick: boolean; say(line: string): void }) {
  const bare = await serve<{ url: string }>('bare', null);
  try {
    const api = await stack.startApi();
    return await measureServers(stack, { api, bare: { url: bare.ready.url, pid: bare.pid } }, { quick, say });
  } finally {
    await bare.stop();
  }
}

async function measureServers(
  stack: ProofStack,
  { api, bare }: { api: Api; bare: { url: string; pid: number } },
  { quick, say }: { quick: boolean; say(line: string): void },
) {
  const seconds = quick ? 2 : 10;
  const rounds = quick ? 1 : 3;
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

/** The default settings of the API, which the measured process uses. */
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

function target(what: string, value: number, bound: number, kind: 'at least' | 'below') {
  return { what, value, kind, bound, reached: kind === 'at least' ? value >= bound : value < bound };
}
