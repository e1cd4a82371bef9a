import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Findings } from './findings.ts';
import { percentile } from './percentile.ts';
import { signed } from './seed.ts';
import { bodyOf } from './sender.ts';
import type { Api } from './stack.ts';
import type { Tenant } from './tenant-rows.ts';

/** A tenant that sends a delivery and reads a list at a steady pace while other tenants misbehave. */
export interface SteadyTenant {
  /** The p99 of both since the last call, in milliseconds, and the answers that were refused. */
  take(): { deliveryP99Ms: number; readP99Ms: number; refused: string[] };
  stop(): Promise<void>;
}

const everyMs = 25;

export function startSteadyTenant(api: Api, { org, connections, token }: Tenant): SteadyTenant {
  let [deliveries, reads, refused]: [number[], number[], string[]] = [[], [], []];
  let open = true;

  async function time(times: number[], ask: () => Promise<Response>): Promise<void> {
    const started = performance.now();
    try {
      const answer = await ask();
      await answer.text();
      if (answer.status !== 200) refused.push(`${answer.status} ${new URL(answer.url).pathname}`);
    } catch (error) {
      refused.push(String((error as Error).cause ?? error));
    }
    times.push(performance.now() - started);
  }

  async function deliver(): Promise<void> {
    const { headers, body } = signed(connections.webhook, bodyOf(connections.webhook, randomUUID(), Date.now()));
    await time(deliveries, () => fetch(api.url + connections.webhook.path, { method: 'POST', headers, body }));
  }

  async function read(): Promise<void> {
    const headers = { authorization: `Bearer ${token}` };
    await time(reads, () => fetch(`${api.url}/api/dlq?orgId=${org.id}`, { headers }));
  }

  async function keepOn(act: () => Promise<void>): Promise<void> {
    while (open) {
      await act();
      await sleep(everyMs);
    }
  }

  const running = Promise.all([keepOn(deliver), keepOn(read)]);
  return {
    take() {
      const taken = { deliveryP99Ms: percentile(deliveries, 0.99), readP99Ms: percentile(reads, 0.99), refused };
      [deliveries, reads, refused] = [[], [], []];
      return taken;
    },
    async stop() {
      open = false;
      await running;
    },
  };
}

/** A tenant may notice what another one does, and not wait for it: the limit is a multiple of the tenant's own p99 before, and a constant. */
const p99Factor = 4;
const p99AddedMs = 150;

const limitOf = (before: number): number => p99Factor * before + p99AddedMs;

export interface Observed {
  before: ReturnType<SteadyTenant['take']>;
  during: ReturnType<SteadyTenant['take']>;
}

/**
 * Runs rounds until the tenant is undisturbed in one of them, at most three: one pause of a busy machine decides about a p99 of two hundred deliveries.
 * Returns the last round.
 */
export async function observe(round: () => Promise<Observed>): Promise<Observed> {
  for (let rounds = 1; ; rounds++) {
    const observed = await round();
    const { before, during } = observed;
    const isCalm = (['deliveryP99Ms', 'readP99Ms'] as const).every((key) => during[key] <= limitOf(before[key]));
    if (rounds === 3 || isCalm || during.refused.length > 0) return observed;
  }
}

/** Compares what the tenant observed while another one misbehaved with what it observed before. */
export function expectUndisturbed(findings: Findings, { before, during }: Observed): void {
  for (const [what, key] of [
    ['deliveries', 'deliveryP99Ms'],
    ['reads', 'readP99Ms'],
  ] as const) {
    findings.figure(`p99 of another tenant's ${what} before, ms`, before[key]);
    findings.atMost(`p99 of another tenant's ${what}, ms`, during[key], limitOf(before[key]));
  }
  findings.none('requests of the other tenant that were not answered 200', during.refused, 1);
}

/** The memory of the container that docs/deploy.md states. */
const containerBytes = 512 * 1_048_576;

/** Compares the most memory that the process ever held with the memory of its container. */
export function expectWithinContainer(findings: Findings, { pid }: Api): void {
  const kilobytes = Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  findings.atMost('the most memory that the API ever held, MB', (kilobytes * 1_024) / 1e6, containerBytes / 1e6);
}
