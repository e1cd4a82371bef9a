import { setTimeout as sleep } from 'node:timers/promises';
import type { CaseContext, CaseReport } from './case.ts';
import { createFindings, type Findings } from './findings.ts';
import { type ClientJournal, openClientJournal } from './journal.ts';
import { type Load, startLoad } from './load.ts';
import { judge } from './oracle.ts';
import { type DatabaseProxy, startProxy } from './proxy.ts';
import { createRandom } from './random.ts';
import { type Api, type ApiOptions, type ProofStack, withProofStack } from './stack.ts';

/** One API process under load with its own stack, the faults that a case can inject, and the findings. */
export interface Scene extends Findings {
  readonly stack: ProofStack;
  readonly load: Load;
  readonly journal: ClientJournal;
  readonly random: () => number;
  readonly proxy: DatabaseProxy | undefined;
  say(line: string): void;
  /** The current API process; {@link restartApi} replaces it. */
  api: Api;
  /** Starts an API on the port of the process that ended, so that senders keep their URL. */
  restartApi(): Promise<void>;
  statusOf(path: string): Promise<number>;
  /** The value of one metric in `/metrics`, summed over its label sets. */
  metric(name: string): Promise<number>;
  /** Waits until this many more deliveries are acknowledged, which proves that the load is running. */
  ackMore(deliveries: number): Promise<void>;
  /** Waits until no delivery was acknowledged for half a second, at most five seconds: answers from before a fault have arrived by then. */
  acksEnded(): Promise<void>;
  /** Waits for the next acknowledgement and expects it within `withinMs` milliseconds of `since`. */
  expectAck(what: string, withinMs: number, since?: number): Promise<number>;
}

export interface SceneOptions {
  traffic: ({ loops: number } | { perSecond: number }) & { timeoutMs?: number; bodiesAtMs?: number };
  settings?: Record<string, string>;
  api?: ApiOptions;
  /** Connects the API to Postgres through {@link Scene.proxy}. */
  proxied?: boolean;
}

/** Runs `act` under load, and compares the client's journal with the database once every delivery has been answered. */
export async function underLoad(context: CaseContext, options: SceneOptions, act: (scene: Scene) => Promise<void>): Promise<CaseReport> {
  const random = createRandom(context.seed);
  const journal = await openClientJournal();
  try {
    return await withProofStack(async (stack) => {
      const proxy = options.proxied ? await startProxy(stack.database.apiUrl) : undefined;
      const environment = { ...options.api?.environment, ...(proxy ? { DATABASE_URL: proxy.url } : {}) };
      const apiOptions = { ...options.api, environment };
      const api = await stack.startApi(apiOptions);
      const { hotmart, webhook } = stack.connections;
      const load = startLoad({ url: api.url, connections: [hotmart, webhook], journal, random, ...options.traffic });
      const scene = createScene({ stack, proxy, api, load, journal, random, say: context.say }, apiOptions);
      try {
        await act(scene);
      } catch (error) {
        if (stack.crashes.length > 0) throw new Error(`an API process ended unexpectedly:\n${stack.crashes.join('\n')}`, { cause: error });
        throw error;
      } finally {
        // A case that failed must not leave its load running during the next case.
        await load.finish();
        await proxy?.close();
      }
      const { figures } = load;
      scene.none('API processes that ended unexpectedly', stack.crashes, 1);
      scene.none('answers that no promise allows', figures.surprises, figures.requests);
      await judge(stack, await journal.read(), random, scene);
      scene.figure('requests', figures.requests);
      scene.figure('requests without an answer', figures.unknown);
      scene.figure('answered 503 or 429', figures.unavailable);
      return scene.report();
    }, options.settings);
  } finally {
    await journal.remove();
  }
}

function createScene(given: Pick<Scene, 'stack' | 'proxy' | 'api' | 'load' | 'journal' | 'random' | 'say'>, apiOptions: ApiOptions): Scene {
  const { stack, load } = given;
  const { url } = given.api;
  const findings = createFindings();
  const scene: Scene = {
    ...findings,
    ...given,
    async restartApi() {
      scene.api = await stack.startApi({ ...apiOptions, port: Number(new URL(url).port) });
    },
    statusOf: async (path) => (await fetch(url + path, { signal: AbortSignal.timeout(20_000) })).status,
    async metric(name) {
      const text = await (await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(20_000) })).text();
      const samples = text.split('\n').filter((line) => line.startsWith(name) && /^[ {]/.test(line.slice(name.length)));
      return samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
    },
    async ackMore(deliveries) {
      const target = load.figures.acked + deliveries;
      const deadline = performance.now() + 60_000;
      while (load.figures.acked < target) {
        if (performance.now() > deadline)
          throw new Error(`only ${load.figures.acked} of ${target} deliveries were acknowledged within a minute`);
        await sleep(10);
      }
    },
    async acksEnded() {
      const from = performance.now();
      const quietSince = () => Math.max(load.figures.lastAckAt, from);
      while (performance.now() - quietSince() < 500 && performance.now() - from < 5_000) await sleep(20);
    },
    async expectAck(what, withinMs, since = performance.now()) {
      const from = performance.now();
      while (load.figures.lastAckAt < from && performance.now() - from < 30_000) await sleep(5);
      const ms = load.figures.lastAckAt < from ? Number.POSITIVE_INFINITY : load.figures.lastAckAt - since;
      findings.atMost(`${what}: milliseconds to the first acknowledgement`, ms, withinMs);
      return Math.round(ms);
    },
  };
  return scene;
}
