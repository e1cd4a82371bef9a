import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { ReplayPlan } from '@tributary/shared/replays.ts';
import { type Api, type ProofStack, withProofStack } from '../../chaos/src/stack.ts';
import type { ClosedLoopResult } from './closed-loop.ts';
import { markdownTable, replaceFigures } from './document.ts';
import { describeMachine } from './machine.ts';
import { median } from './median.ts';
import { measure } from './process.ts';
import type { Traffic } from './requests.ts';

// Measures how much a running replay plan slows live deliveries: the same load with and without the plan, in turn, on one machine in one run.

const usage = `Usage: npm run bench:replay -- [--quick] [--docs]
--quick measures 4 s instead of 15 s at a time: for trying the bench, not for figures to quote.
--docs also writes the table into docs/benchmarks.md.`;

const throttlePerSecond = 100;
const connections = 16;
/** The share of the API's capacity that the load uses: a moderate load, as on a machine that is large enough. */
const share = 0.4;
const modes = ['replay', 'reprocess'] as const;
const bound = 2;

const { quick, docs } = readArguments();
const seconds = quick ? 4 : 15;
const rounds = quick ? 2 : 4;
const say = (line: string) => console.log(`${new Date().toISOString().slice(11, 19)}  ${line}`);

interface Turn {
  p50: number;
  p99: number;
  perSecond: number;
  /** Deliveries that the plan replayed per second during this turn. */
  replayed: number;
}

interface Interference {
  mode: (typeof modes)[number];
  without: Turn[];
  running: Turn[];
  /** The p99 with the plan divided by the p99 without it, for each round; the median over the rounds. */
  ratio: number;
}

const { perSecond, results } = await withProofStack(async (stack) => {
  const api = await stack.startApi({ environment: { REPLAY_APPROVAL_THRESHOLD: '100000000' } });
  return measureAll(stack, api);
});
print();
if (docs) writeDocument();
// A slow machine may miss the ratio. A plan that did not run at its throttle makes the figures worthless, so the run fails.
const kept = results.every(({ running }) =>
  running.every(({ replayed }) => replayed > throttlePerSecond * 0.8 && replayed <= throttlePerSecond * 1.05),
);
if (!kept) console.error('The plan did not run at its throttle, so the figures are not valid.');
process.exit(kept ? 0 : 1);

async function measureAll(stack: ProofStack, api: Api): Promise<{ perSecond: number; results: Interference[] }> {
  const { path, source, config, secrets } = stack.connections.hotmart;
  let serial = 0;
  const live = (duration: number, perSecond?: number) => {
    const traffic: Traffic = {
      url: api.url + path,
      kind: 'purchase',
      type: source.type,
      config,
      secrets,
      idPrefix: `r${serial++}-`,
      recordsPerBatch: 1,
    };
    return measure<ClosedLoopResult>('closed-loop', { traffic, connections, seconds: duration, perSecond });
  };
  const plan = planClient(api.url, await stack.signIn(stack.org, 'owner'));

  say('warming up, and filling the journal');
  await live(quick ? 5 : 10);
  const capacity = (await live(quick ? 5 : 10)).requestsPerSecond;
  const perSecond = Math.round(capacity * share);
  say(`${Math.round(capacity)} requests/s at most; measuring at ${perSecond}`);
  const needed = throttlePerSecond * (seconds + 5) * rounds;
  const kept = await stack.query<{ n: number }>('select count(*)::int as n from public.event_journal');
  if ((kept[0]?.n ?? 0) < needed) await live(Math.ceil(needed / capacity) + 1);

  const results: Interference[] = [];
  for (const mode of modes) results.push(await measureMode(mode, plan, () => live(seconds, perSecond)));
  return { perSecond, results };
}

type PlanClient = (path: string, body?: object) => Promise<ReplayPlan>;

/** Requests to `/api/replays` followed by a path: GET for a plan, POST with a body or for a command. */
function planClient(url: string, token: string): PlanClient {
  return async (path, body) => {
    const response = await fetch(`${url}/api/replays${path}`, {
      method: body || path.split('/').length > 2 ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    if (!response.ok) throw new Error(`/api/replays${path} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as ReplayPlan;
  };
}

/** Measures the live load with and without a running plan of this mode, in turn. */
async function measureMode(mode: Interference['mode'], plan: PlanClient, live: () => Promise<ClosedLoopResult>): Promise<Interference> {
  const filter = { from: '2020-01-01T00:00:00Z', to: '2100-01-01T00:00:00Z' };
  const { id } = await plan('', { name: 'interference', mode, throttlePerSecond, filter });
  await plan(`/${id}/approve`, {});
  const turn = async (): Promise<Turn> => {
    const before = await plan(`/${id}`);
    const started = performance.now();
    const result = await live();
    const elapsed = (performance.now() - started) / 1000;
    const replayed = ((await plan(`/${id}`)).processed - before.processed) / elapsed;
    return {
      p50: result.latencyMs.p50,
      p99: result.latencyMs.p99,
      perSecond: result.requestsPerSecond,
      replayed: Math.round(replayed * 10) / 10,
    };
  };
  const [without, running]: [Turn[], Turn[]] = [[], []];
  for (let round = 1; round <= rounds; round++) {
    without.push(await turn());
    await plan(`/${id}/${round === 1 ? 'run' : 'resume'}`);
    await sleep(1_500);
    running.push(await turn());
    await plan(`/${id}/pause`);
    say(
      `${mode} ${round}/${rounds}: p99 ${without.at(-1)?.p99} ms without, ${running.at(-1)?.p99} ms with ${running.at(-1)?.replayed} replays/s`,
    );
  }
  await plan(`/${id}/cancel`);
  const ratio = median(running.map(({ p99 }, round) => p99 / (without[round]?.p99 ?? Number.NaN)));
  return { mode, without, running, ratio: Math.round(ratio * 100) / 100 };
}

function rows(): (string | number)[][] {
  const of = (turns: readonly Turn[], key: keyof Turn) => Math.round(median(turns.map((turn) => turn[key])) * 10) / 10;
  return results.map(({ mode, without, running, ratio }) => [
    mode,
    of(without, 'p50'),
    of(running, 'p50'),
    of(without, 'p99'),
    of(running, 'p99'),
    of(running, 'replayed'),
    ratio,
    ratio < bound ? 'yes' : 'no',
  ]);
}

function facts(): string[] {
  const machine = describeMachine();
  return [
    `Measured ${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC${quick ? ' with --quick: not for quoting' : ''}`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, ${machine.system}; ${machine.shared}`,
    `${connections} connections, closed loop, together ${perSecond} purchases/s (${share * 100} % of the capacity); ${rounds} rounds of ${seconds} s each way`,
  ];
}

function print(): void {
  console.log(`\n${facts().join('\n')}\n`);
  console.table(
    rows().map(([mode, p50, p50With, p99, p99With, replayed, ratio, reached]) => ({
      mode,
      'p50 ms': p50,
      'p50 ms, plan running': p50With,
      'p99 ms': p99,
      'p99 ms, plan running': p99With,
      'replays/s': replayed,
      'p99 ratio': ratio,
      [`below ${bound}`]: reached,
    })),
  );
}

function writeDocument(): void {
  const file = join(import.meta.dirname, '..', '..', 'docs', 'benchmarks.md');
  const head = ['mode of the plan', 'p50 ms', 'with', 'p99 ms', 'with', 'replays/s', 'p99 ratio', `below ${bound}`];
  const list = facts().map((fact) => `- ${fact}`);
  replaceFigures(file, 'npm run bench:replay', `${list.join('\n')}\n\n${markdownTable(head, rows())}`);
}

function readArguments(): { quick: boolean; docs: boolean } {
  try {
    const { values } = parseArgs({ options: { quick: { type: 'boolean' }, docs: { type: 'boolean' }, help: { type: 'boolean' } } });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    return { quick: values.quick ?? false, docs: values.docs ?? false };
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`);
    process.exit(2);
  }
}
