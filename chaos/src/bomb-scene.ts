import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CaseReport } from './case.ts';
import { type Client, createClient } from './client.ts';
import { createFindings } from './findings.ts';
import { type Neighbour, startNeighbour } from './neighbour.ts';
import { percentile } from './percentile.ts';
import type { Api, ProofStack } from './stack.ts';

/** The promise: no delivery delays a delivery of another tenant by more. */
const delayMsMax = 100;
const containerMegabytes = 512;
const perSecond = 40;

/** A delivery that is sent while the neighbour sends, with the answers that are right for it. */
export interface Bomb {
  name: string;
  path: string;
  headers: Record<string, string>;
  body: Buffer;
  right: number;
}

/** An API process to which one tenant sends bombs while another tenant sends small deliveries. */
export interface BombScene {
  api: Api;
  /** Sentences about background work that did not end. */
  unfinished: string[];
  /** Sends a bomb, and notes an answer that is neither right nor one of `alsoRight`. */
  send(bomb: Bomb, alsoRight?: readonly number[]): Promise<void>;
  /**
   * Runs `act`, and compares what the neighbour observes meanwhile with what it observes before and after that. A machine that is busy with
   * something else delays the neighbour too, but not each time: when the delay is too long, `act` is run up to twice more, and the shortest counts.
   */
  measure(what: string, act: () => Promise<void>): Promise<void>;
  finish(): Promise<CaseReport>;
}

const roundsMax = 3;
const idleMs = 2_000;

export async function openBombScene(stack: ProofStack, say: (line: string) => void): Promise<BombScene> {
  const api = await stack.startApi();
  const other = await stack.addOrg();
  const client = createClient(200);
  const neighbour = startNeighbour(api.url, other.connections.hotmart, perSecond);
  const findings = createFindings();
  const unfinished: string[] = [];
  const wrong: string[] = [];
  let sent = 0;
  const observeIdle = async () => {
    await neighbour.take();
    await sleep(idleMs);
    return observe(neighbour);
  };
  // The first deliveries of a process are slower than all others.
  await sleep(2_000);
  let before = await observeIdle();

  /** Returns what the neighbour observes, and by how many milliseconds `act` delays its slowest delivery. */
  async function measureOnce(what: string, act: () => Promise<void>): Promise<Observation & { delayMs: number }> {
    await neighbour.take();
    const startedAt = performance.now();
    await act();
    const during = await observe(neighbour);
    const durationMs = performance.now() - startedAt;
    const after = await observeIdle();
    const delayMs = during.maxMs - Math.max(before.maxMs, after.maxMs);
    before = after;
    say(
      `${what}: ${Math.round(durationMs)} ms, the neighbour waits at most ${Math.round(during.maxMs)} ms, afterwards ${Math.round(after.maxMs)} ms`,
    );
    return { ...during, delayMs };
  }

  findings.figure('idle: median of the neighbour in ms', before.medianMs);
  findings.figure('idle: p99 of the neighbour in ms', before.p99Ms);
  return {
    api,
    unfinished,
    async send(bomb, alsoRight = []) {
      sent += 1;
      const status = await post(client, api, bomb);
      if (status !== bomb.right && !alsoRight.includes(status)) wrong.push(`${bomb.name}: ${status} instead of ${bomb.right}`);
    },
    async measure(what, act) {
      let best = await measureOnce(what, act);
      for (let round = 1; round < roundsMax && best.delayMs > delayMsMax; round++) {
        const next = await measureOnce(what, act);
        if (next.delayMs < best.delayMs) best = next;
      }
      findings.none(`${what}: deliveries of the neighbour that were not accepted`, best.refused, best.count);
      findings.figure(`${what}: median of the neighbour in ms`, best.medianMs);
      findings.figure(`${what}: p99 of the neighbour in ms`, best.p99Ms);
      findings.figure(`${what}: slowest delivery of the neighbour in ms`, best.maxMs);
      findings.atMost(
        `${what}: milliseconds by which the slowest delivery of the neighbour is slower than without`,
        best.delayMs,
        delayMsMax,
      );
    },
    async finish() {
      findings.none('deliveries that were answered wrongly', wrong, sent);
      findings.none('background work that did not end', unfinished, 1);
      findings.none('processes that ended', stack.crashes, 1);
      findings.atMost('megabytes of memory that the process had at most', peakMegabytes(api), containerMegabytes);
      await neighbour.stop();
      client.close();
      return findings.report();
    },
  };
}

interface Observation {
  count: number;
  medianMs: number;
  p99Ms: number;
  maxMs: number;
  refused: readonly string[];
}

async function observe(neighbour: Neighbour): Promise<Observation> {
  const { latenciesMs, refused } = await neighbour.take();
  const [medianMs, p99Ms, maxMs] = [0.5, 0.99, 1].map((q) => percentile(latenciesMs, q)) as [number, number, number];
  return { count: latenciesMs.length, medianMs, p99Ms, maxMs, refused };
}

async function post(client: Client, api: Api, { path, headers, body }: Bomb): Promise<number> {
  const answer = await client.post(api.url + path, headers, body);
  return answer.kind === 'answered' ? answer.status : 0;
}

function peakMegabytes(api: Api): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${api.pid}/status`, 'utf8'))?.[1]) / 1024;
}
