import { randomBytes } from 'node:crypto';
import { readConfig } from '../../apps/api/src/platform/config.ts';
import type { Contestant } from './contestants.ts';
import type { StepCost } from './costs.ts';
import { capacityOf, costPerEvent, ratioOf } from './figures.ts';
import { type Large, measureLarge } from './large.ts';
import { describeMachine, describePostgres } from './machine.ts';
import type { OpenLoopRequest, OpenLoopResult } from './open-loop.ts';
import { measureOverload, type Overload } from './overload.ts';
import { measure } from './process.ts';
import { createRequests } from './requests.ts';
import { ceiling, closedLoop, type Round, recordsPerBatch } from './rounds.ts';
import { recycleWal } from './wal.ts';

export const parts = ['a', 'b', 'c', 'd', 'long', 'open', 'overload', 'large', 'steps'] as const;
export type Part = (typeof parts)[number];

export interface Options {
  rounds: number;
  /** Of one measurement of the rounds. */
  seconds: number;
  connections: readonly number[];
  only: ReadonlySet<Part>;
  quick: boolean;
  say(line: string): void;
}

/** What is measured of one server after the rounds. */
export interface After {
  long?: Round;
  open?: Partial<Record<'b' | 'c', OpenLoopResult>>;
  overload?: Overload;
  large?: Large;
}

export type BenchResult = Awaited<ReturnType<typeof measureAll>>;

/** More than the index on `event_keys` and every pending list can put off. */
const eventsOfLongRun = 120_000;

/** Measures all contestants in the same rounds; the first one is Tributary as it is here. */
export async function measureAll(bare: Contestant, contestants: readonly [Contestant, ...Contestant[]], options: Options) {
  const { rounds, seconds, connections, quick, say } = options;
  const [here] = contestants;
  const { writer } = defaultConfig();
  const measured: Round[] = [];
  const keep = (one: Round | undefined) => {
    if (!one) return;
    measured.push(one);
    say(
      `round ${one.round}/${rounds}  ${one.contestant} (${one.scenario}) ${one.connections}: ${Math.round(one.eventsPerSecond)} events/s, ${one.cost.sumUs} µs each, p99 ${one.latencyMs.p99} ms`,
    );
  };

  say('warming up');
  for (const one of contestants) {
    for (const scenario of ['b', 'c'] as const)
      if (options.only.has(scenario)) await closedLoop(one, scenario, { connections: 32, seconds: Math.min(8, seconds), round: 0 });
    if (one.postgres) await recycleWal(one.postgres.superuserUrl);
  }
  if (options.only.has('a')) await closedLoop(bare, 'a', { connections: 32, seconds: Math.min(3, seconds), round: 0 });

  for (let round = 1; round <= rounds; round++) {
    // Every second round begins with the last contestant, so that no one always measures after the same neighbour.
    const turns = round % 2 === 1 ? contestants : contestants.toReversed();
    for (const count of connections) {
      if (options.only.has('a')) keep(await closedLoop(bare, 'a', { connections: count, seconds, round }));
      for (const scenario of ['b', 'c'] as const) {
        for (const one of options.only.has(scenario) ? turns : [])
          keep(await closedLoop(one, scenario, { connections: count, seconds, round }));
      }
    }
    for (const one of options.only.has('d') ? turns : []) keep(await ceiling(one, { seconds, round, writer }));
  }

  const after: Record<string, After> = {};
  for (const one of contestants) after[one.name] = await measureAfter(one, measured, options);

  const steps: Record<'purchase' | 'batch', StepCost[]> | undefined = options.only.has('steps')
    ? await measureSteps(here, options)
    : undefined;
  const bytesOf = (kind: 'purchase' | 'batch', records: number) => {
    const traffic = here.traffic(kind, records);
    return traffic ? Buffer.byteLength(createRequests(traffic)(0).body) : 0;
  };
  return {
    measuredAt: new Date().toISOString(),
    quick,
    secondsEach: seconds,
    rounds,
    contestants: contestants.map(({ name }) => name),
    machine: describeMachine(),
    postgres: here.postgres ? await describePostgres(here.postgres.superuserUrl) : undefined,
    writer,
    payload: { purchaseBytes: bytesOf('purchase', 1), batchBytes: bytesOf('batch', recordsPerBatch), recordsPerBatch },
    measured,
    after,
    steps,
    targets: targetsOf(here.name, measured, after[here.name] ?? {}),
  };
}

async function measureAfter(contestant: Contestant, measured: readonly Round[], { only, seconds, quick, say }: Options): Promise<After> {
  const { name } = contestant;
  const after: After = {};
  const capacity = capacityOf(measured, { contestant: name, scenario: 'b' });
  if (only.has('open') && capacity > 0) {
    after.open = {};
    for (const scenario of ['b', 'c'] as const) {
      const records = scenario === 'b' ? 1 : recordsPerBatch;
      const traffic = contestant.traffic(scenario === 'b' ? 'purchase' : 'batch', records);
      const perSecond = (capacityOf(measured, { contestant: name, scenario }) / records) * 0.7;
      if (!traffic || perSecond === 0) continue;
      const request: OpenLoopRequest = { traffic, perSecond, seconds: 2 * seconds, sockets: 500 };
      const result = await measure<OpenLoopResult>('open-loop', request);
      after.open[scenario] = result;
      say(`${name} (${scenario}) open loop at 70 %: ${result.offeredPerSecond} requests/s offered, p99 ${result.latencyMs.p99} ms`);
    }
  }
  if (only.has('long')) {
    const accepted = quick ? 10_000 : eventsOfLongRun;
    const long = await closedLoop(contestant, 'b', { connections: 64, seconds: 180, accepted, round: 1 });
    if (long) {
      after.long = long;
      say(`${name} long run: ${long.events} events, ${long.cost.sumUs} µs each, longest pause ${long.longestPauseMs} ms`);
    }
  }
  if (only.has('overload') && capacity > 0) {
    const overload = await measureOverload(contestant, { perSecond: capacity * 2, seconds: quick ? 10 : 30 });
    if (overload) {
      after.overload = overload;
      say(
        `${name} overload: ${overload.acceptedPerSecond} requests/s accepted, ${overload.acked} acknowledged, ${overload.lost ?? 'unknown'} of them lost`,
      );
    }
  }
  if (only.has('large')) {
    const large = await measureLarge(contestant, quick ? 2 : 5);
    if (large) {
      after.large = large;
      say(
        `${name} large deliveries: ${large.large.sumUs} µs a record (small ${large.small.sumUs}), longest answer ${large.longestAnswerMs} ms`,
      );
    }
  }
  return after;
}

async function measureSteps(contestant: Contestant, { quick, say }: Options): Promise<Record<'purchase' | 'batch', StepCost[]>> {
  say('timing the steps of the pipeline');
  const of = (kind: 'purchase' | 'batch', records: number) =>
    measure<StepCost[]>('costs', { traffic: contestant.traffic(kind, records), targetMs: quick ? 50 : 150 });
  return { purchase: await of('purchase', 1), batch: await of('batch', recordsPerBatch) };
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

function targetsOf(contestant: string, measured: readonly Round[], { open, overload, long, large }: After) {
  const has = (scenario: Round['scenario']) => measured.some((one) => one.contestant === contestant && one.scenario === scenario);
  const b = { contestant, scenario: 'b' } as const;
  const c = { contestant, scenario: 'c' } as const;
  const d = { contestant, scenario: 'd' } as const;
  const peak = capacityOf(measured, b);
  const refusals = measured.filter((one) => one.contestant === contestant).reduce((sum, one) => sum + one.withoutRetryAfter, 0);
  return [
    ...(has('b')
      ? [target('processor time of API and Postgres for a durable purchase, µs', costPerEvent(measured, b), 400, 'at most')]
      : []),
    ...(has('c')
      ? [target('processor time of API and Postgres for a record of a batch, µs', costPerEvent(measured, c), 100, 'at most')]
      : []),
    ...(has('c') && has('d') ? [target('(c) batched ingest ÷ (d) raw ceiling', ratioOf(measured, c, d), 0.8, 'at least')] : []),
    ...(has('d') ? [target('(d) raw ceiling, rows/s', Math.round(capacityOf(measured, d)), 20_000, 'at least')] : []),
    ...(has('b') && measured.some(({ scenario }) => scenario === 'a')
      ? [
          target(
            '(b) durable ingest ÷ (a) bare route, a line only',
            ratioOf(measured, b, { contestant: 'bare', scenario: 'a' }),
            0.1,
            'at least',
          ),
        ]
      : []),
    ...(open?.b ? [target('(b) open loop at 70 %, p99 in ms', open.b.latencyMs.p99, 50, 'below')] : []),
    ...(long ? [target(`longest pause in a run of ${long.events} events, ms`, long.longestPauseMs, 250, 'below')] : []),
    ...(overload
      ? [
          target(
            'overload: goodput at twice the capacity ÷ peak',
            Math.round((overload.acceptedPerSecond / peak) * 1000) / 1000,
            0.9,
            'at least',
          ),
          target('overload: peak resident memory, MB', overload.memory.peakMb, 350, 'below'),
          target('overload: memory of the last third ÷ the middle third', overload.memory.growth, 1.1, 'below'),
          target('overload: acknowledged and not stored', overload.lost ?? 0, 1, 'below'),
          target('overload: answers other than 200 and 429 or 503 with Retry-After', overload.otherAnswers, 1, 'below'),
        ]
      : []),
    target('refusals without Retry-After in all rounds', refusals, 1, 'below'),
    ...(large
      ? [
          target('1 MiB of 10,000 records: longest answer of /health meanwhile, ms', large.longestAnswerMs, 20, 'at most'),
          target(
            '1 MiB of 10,000 records: cost of a record ÷ that of small deliveries',
            Math.round((large.large.sumUs / large.small.sumUs) * 100) / 100,
            1.2,
            'at most',
          ),
        ]
      : []),
  ];
}

function target(what: string, value: number, bound: number, kind: 'at least' | 'at most' | 'below') {
  const reached = kind === 'at least' ? value >= bound : kind === 'at most' ? value <= bound : value < bound;
  return { what, value, kind, bound, reached };
}
