import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CaseContext, CaseReport } from '../case.ts';
import { type Scene, underLoad } from '../scene.ts';
import { severalProcessesEntry } from '../stack.ts';

const processes = 2;
const reloadWithinMs = 60_000;

/** Fault 36: the code is replaced under load while processes share the port, and one of them is killed. */
export async function reloads(context: CaseContext): Promise<CaseReport> {
  const rounds = context.long ? 15 : 1;
  const directory = mkdtempSync(join(tmpdir(), 'tributary-reload-'));
  const entry = join(directory, 'entry.mjs');
  const write = (url: string) => writeFileSync(entry, `process.env.PUBLIC_URL = '${url}';\nawait import('${severalProcessesEntry}');\n`);
  try {
    write(versionUrl(0));
    const api = { entry, environment: { API_PROCESSES: String(processes) } };
    return await underLoad(context, { traffic: { loops: 16 }, api }, async (scene) => {
      await untilServing(scene, processes);
      for (let round = 1; round <= rounds; round++) {
        await scene.ackMore(100);
        await quietly(scene, `reload ${round}`, async () => {
          write(versionUrl(round));
          process.kill(scene.api.pid, 'SIGHUP');
          await untilReplaced(scene, processes * round);
        });
        scene.equal(`reload ${round}: the version that answers`, await servedUrl(scene), versionUrl(round));
      }

      await quietly(scene, 'reload with code that cannot start', async () => {
        writeFileSync(entry, `import cluster from 'node:cluster';\nif (cluster.isWorker) process.exit(1);\n`);
        process.kill(scene.api.pid, 'SIGHUP');
        await scene.ackMore(100);
        await sleep(2_000);
      });
      scene.equal('reload with code that cannot start: the version that answers', await servedUrl(scene), versionUrl(rounds));

      for (let round = 1; round <= rounds; round++) {
        const version = rounds + round;
        write(versionUrl(version));
        const [victim] = servingPids(scene.api.pid);
        process.kill(scene.api.pid, 'SIGHUP');
        await sleep(scene.random() * 1_500);
        if (victim !== undefined && servingPids(scene.api.pid).includes(victim)) process.kill(victim, 'SIGKILL');
        await scene.expectAck(`kill -9 of one process during a reload, ${round}`, 10_000);
        await untilVersion(scene, versionUrl(version));
        await untilServing(scene, processes);
      }
      await scene.ackMore(100);
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const versionUrl = (version: number): string => `https://version-${version}.example.com`;

/** Runs `act` and requires that every request meanwhile was answered, and with 200. */
async function quietly(scene: Scene, what: string, act: () => Promise<void>): Promise<void> {
  const { figures } = scene.load;
  const before = { ...figures };
  await act();
  scene.equal(`${what}: requests without an answer`, figures.unknown - before.unknown, 0);
  scene.equal(`${what}: connections that were refused`, figures.refused - before.refused, 0);
  scene.equal(`${what}: deliveries that were answered 503 or 429`, figures.unavailable - before.unavailable, 0);
}

const untilServing = (scene: Scene, count: number) => until(async () => (await scene.metric('api_processes')) === count);
const untilReplaced = (scene: Scene, count: number) =>
  until(async () => (await scene.metric('api_process_ends_total{reason="replaced"}')) === count);
const untilVersion = (scene: Scene, url: string) => until(async () => (await servedUrl(scene)) === url);

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + reloadWithinMs;
  while (!(await isSo().catch(() => false))) {
    if (performance.now() > deadline) throw new Error('the processes were not replaced within a minute');
    await sleep(100);
  }
}

async function servedUrl(scene: Scene): Promise<string | undefined> {
  const answer = await fetch(`${scene.api.url}/openapi.json`, { headers: { connection: 'close' }, signal: AbortSignal.timeout(10_000) });
  return ((await answer.json()) as { servers: { url: string }[] }).servers[0]?.url;
}

/** The processes that the primary has started, oldest first. */
function servingPids(primary: number): number[] {
  const children = readFileSync(`/proc/${primary}/task/${primary}/children`, 'utf8');
  return children
    .split(' ')
    .map(Number)
    .filter((pid) => pid > 0);
}
