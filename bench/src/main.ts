import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { readConfig } from '../../apps/api/src/config.ts';
import { type Api, type ProofStack, withProofStack } from '../../chaos/src/stack.ts';
import type { CeilingRequest, CeilingResult } from './ceiling.ts';
import type { ClosedLoopResult } from './closed-loop.ts';
import type { Cost } from './costs.ts';
import { describeMachine, describePostgres } from './machine.ts';
import type { OpenLoopRequest, OpenLoopResult } from './open-loop.ts';
import { measure, serve } from './process.ts';
import { median, printReport } from './report.ts';
import { createRequests, type Traffic } from './requests.ts';
import { summariseMemory, watchProcesses } from './watch.ts';

const usage = `Usage: npm run bench -- [--quick] [--json <file>]
--quick measures 2 s instead of 10 s at a time: for trying the bench, not for figures to quote.`;

const recordsPerBatch = 100;
const connectionCounts = [32, 128] as const;
const ackedFile = join(tmpdir(), `tributary-bench-${process.pid}.acked`);

function readArguments(): { quick: boolean; json: string } {
  try {
    const { values } = parseArgs({ options: { quick: { type: 'boolean' }, json: { type: 'string' }, help: { type: 'boolean' } } });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    const local = process.env.LOCAL_DIR || '.local';
    const root = join(import.meta.dirname, '..', '..');
    return { quick: values.quick ?? false, json: values.json ? resolve(values.json) : join(resolve(root, local), 'bench.json') };
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`);
    process.exit(2);
  }
}

export interface Round {
  scenario: 'a' | 'b' | 'c' | 'd';
  connections: number;
  perSecond: number;
  latencyMs: ClosedLoopResult['latencyMs'];
  statuses: Record<string, number>;
}

const { quick, json } = readArguments();
const seconds = quick ? 2 : 10;
const rounds = quick ? 1 : 3;
const overloadSeconds = quick ? 10 : 60;
const say = (line: string) => console.log(`${new Date().toISOString().slice(11, 19)}  ${line}`);

async function bench(stack: ProofStack) {
  const bare = await serve<{ url: string }>('bare', null);
  const api = await stack.startApi();
  try {
    return await measureAll(stack, api, bare.ready.url);
  } finally {
    await bare.stop();
    rmSync(ackedFile, { force: true });
  }
}

async function measureAll(stack: ProofStack, api: Api, bareUrl: string) {
  const writer = readConfig({
    DATABASE_URL: stack.database.apiUrl,
    SUPABASE_URL: 'http://127.0.0.1',
    SUPABASE_PUBLISHABLE_KEY: 'x',
    SUPABASE_JWT_SECRET: 'x'.repeat(32),
    MASTER_KEY: randomBytes(32).toString('base64'),
    OPERATOR_TOKEN: 'x'.repeat(24),
  }).writer;
  let serial = 0;
  const traffic = (scenario: Round['scenario']): Traffic => {
    const kind = scenario === 'a' || scenario === 'b' ? 'purchase' : 'batch';
    const { path, source, config, secrets } = stack.connections[kind === 'purchase' ? 'hotmart' : 'webhook'];
    const url = scenario === 'a' ? bareUrl : api.url + path;
    return { url, kind, type: source.type, config, secrets, idPrefix: `${scenario}${serial++}-`, recordsPerBatch };
  };
  const closedLoop = (scenario: 'a' | 'b' | 'c', connections: number, duration = seconds) =>
    measure<ClosedLoopResult>('closed-loop', { traffic: traffic(scenario), connections, seconds: duration });

  say('warming up');
  for (const scenario of ['a', 'b', 'c'] as const) await closedLoop(scenario, 32, quick ? 1 : 3);

  const measured: Round[] = [];
  for (let round = 1; round <= rounds; round++) {
    for (const connections of connectionCounts) {
      for (const scenario of ['a', 'b', 'c'] as const) {
        const result = await closedLoop(scenario, connections);
        measured.push({
          scenario,
          connections,
          perSecond: result.requestsPerSecond,
          latencyMs: result.latencyMs,
          statuses: result.statuses,
        });
        say(
          `round ${round}/${rounds}  (${scenario}) ${connections} connections: ${result.requestsPerSecond} requests/s, p99 ${result.latencyMs.p99} ms`,
        );
      }
    }
    const { webhook } = stack.connections;
    const request: CeilingRequest = {
      databaseUrl: stack.database.apiUrl,
      traffic: traffic('d'),
      ids: { id: webhook.id, orgId: stack.org.id, projectId: stack.org.projectId },
      seconds,
      batchesInFlight: writer.batchesInFlightMax,
      deliveriesPerBatch: Math.max(1, Math.floor(writer.batchRecordsMax / recordsPerBatch)),
    };
    const ceiling = await measure<CeilingResult>('ceiling', request);
    measured.push({
      scenario: 'd',
      connections: writer.batchesInFlightMax,
      perSecond: ceiling.recordsPerSecond / recordsPerBatch,
      latencyMs: ceiling.latencyMs,
      statuses: {},
    });
    say(`round ${round}/${rounds}  (d) ${ceiling.recordsPerSecond} records/s in batches of ${ceiling.recordsPerBatch}`);
  }

  const rate = (scenario: Round['scenario'], connections?: number) =>
    median(
      measured
        .filter((one) => one.scenario === scenario && (connections ?? one.connections) === one.connections)
        .map((one) => one.perSecond),
    );
  const best = (scenario: Round['scenario']) => Math.max(...connectionCounts.map((connections) => rate(scenario, connections)));
  const openLoop = (scenario: 'b' | 'c', perSecond: number, duration: number, more: Partial<OpenLoopRequest> = {}) =>
    measure<OpenLoopResult>('open-loop', { traffic: traffic(scenario), perSecond, seconds: duration, sockets: 1_000, ...more });

  const steady: Record<'b' | 'c', OpenLoopResult> = {
    b: await openLoop('b', best('b') * 0.7, seconds * 2),
    c: await openLoop('c', best('c') * 0.7, seconds),
  };
  for (const [scenario, result] of Object.entries(steady)) {
    say(`(${scenario}) open loop at 70 %: ${result.offeredPerSecond} requests/s offered, p99 ${result.latencyMs.p99} ms`);
  }

  const overload = await measureOverload(
    stack,
    api,
    (perSecond, duration, prefixOf) => {
      const sent = traffic('b');
      prefixOf(sent.idPrefix);
      return measure<OpenLoopResult>('open-loop', { traffic: sent, perSecond, seconds: duration, sockets: 4_000, ackedFile });
    },
    best('b') * 2,
  );

  say('timing the steps of the pipeline');
  const targetMs = quick ? 50 : 150;
  const costs = {
    purchase: await measure<Cost[]>('costs', { traffic: traffic('b'), targetMs }),
    batch: await measure<Cost[]>('costs', { traffic: traffic('c'), targetMs }),
  };

  const purchaseBytes = Buffer.byteLength(createRequests(traffic('b'))(0).body);
  const batchBytes = Buffer.byteLength(createRequests(traffic('c'))(0).body);
  return {
    measuredAt: new Date().toISOString(),
    quick,
    secondsEach: seconds,
    rounds,
    machine: describeMachine(),
    postgres: await describePostgres(stack),
    writer,
    payload: { purchaseBytes, batchBytes, recordsPerBatch },
    measured,
    medianPerSecond: Object.fromEntries(
      (['a', 'b', 'c'] as const).flatMap((scenario) =>
        connectionCounts.map((connections) => [`${scenario}${connections}`, rate(scenario, connections)]),
      ),
    ),
    ceilingRecordsPerSecond: Math.round(rate('d') * recordsPerBatch),
    openLoop: steady,
    overload,
    costs,
    targets: [
      // Ratios are taken within one round, where the machine was most alike, and their median counts.
      target('(b) durable ingest ÷ (a) bare route', ratioByRound(measured, 'b', 'a'), 0.35, 'at least'),
      target('(c) batched ingest ÷ (d) raw ceiling', ratioByRound(measured, 'c', 'd'), 0.6, 'at least'),
      target('(b) open loop at 70 %, p99 in ms', steady.b.latencyMs.p99, 50, 'below'),
      target('overload: peak resident memory, MB', overload.memory.peakMb, 350, 'below'),
      target('overload: memory of the last third ÷ the middle third', overload.memory.growth, 1.1, 'below'),
      target('overload: acknowledged and not stored', overload.lost, 1, 'below'),
      target('overload: answers that were neither 200, 429 nor 503', overload.otherAnswers, 1, 'below'),
    ],
  };
}

async function measureOverload(
  stack: ProofStack,
  api: Api,
  run: (perSecond: number, duration: number, prefixOf: (prefix: string) => void) => Promise<OpenLoopResult>,
  perSecond: number,
) {
  say(`overload: ${Math.round(perSecond)} requests/s offered for ${overloadSeconds} s`);
  const watch = watchProcesses({ api: api.pid });
  let prefix = '';
  const result = await run(perSecond, overloadSeconds, (given) => {
    prefix = given;
  });
  const samples = watch.stop();
  // Requests that were cut off by the generator may still be on their way to their commit.
  await sleep(1_000);
  const stored = new Set(
    (
      await stack.query<{ key: string }>('select idempotency_key as key from private.event_keys where idempotency_key like $1', [
        `${prefix}%`,
      ])
    ).map((row) => Number(row.key.slice(prefix.length))),
  );
  const acked = readFileSync(ackedFile, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map(Number);
  const lost = acked.filter((n) => !stored.has(n)).length;
  const answered = Object.entries(result.statuses).filter(([status]) => !['200', '429', '503'].includes(status));
  const otherAnswers =
    answered.reduce((sum, [, count]) => sum + count, 0) +
    Object.values(result.errors).reduce((sum, count) => sum + count, 0) +
    result.withoutRetryAfter;
  say(`overload: ${result.acceptedPerSecond} requests/s accepted, ${acked.length} acknowledged, ${stored.size} stored, ${lost} lost`);
  return { ...result, stored: stored.size, lost, otherAnswers, memory: summariseMemory(samples) };
}

function ratioByRound(measured: readonly Round[], above: Round['scenario'], below: Round['scenario']): number {
  const of = (scenario: Round['scenario'], connections: number) =>
    measured.filter((one) => one.scenario === scenario && (scenario === 'd' || one.connections === connections));
  const ratios = connectionCounts.flatMap((connections) =>
    of(above, connections).map((one, round) => one.perSecond / (of(below, connections)[round]?.perSecond ?? Number.NaN)),
  );
  return Math.round(median(ratios) * 1000) / 1000;
}

function target(what: string, value: number, bound: number, kind: 'at least' | 'below') {
  return { what, value, kind, bound, reached: kind === 'at least' ? value >= bound : value < bound };
}

const result = await withProofStack(bench);
export type BenchResult = typeof result;
mkdirSync(dirname(json), { recursive: true });
writeFileSync(json, `${JSON.stringify(result, null, 2)}\n`);
printReport(result);
console.log(`\nEverything measured is in ${json}`);
// A figure may be missed on a slow machine; a lost event may not.
process.exit(result.overload.lost === 0 ? 0 : 1);
