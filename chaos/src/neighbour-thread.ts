import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { createClient } from './client.ts';
import type { NeighbourData, Observed } from './neighbour.ts';

// Sends from a thread, because the case itself is busy making and sending large bodies.
const { url, path, headers, template, placeholder, perSecond } = workerData as NeighbourData;
const client = createClient(200);
let observed: Observed = { latenciesMs: [], refused: [] };
let open = true;

async function sendOne(dueAt: number): Promise<void> {
  const answer = await client.post(url + path, headers, template.replaceAll(placeholder, randomUUID()));
  observed.latenciesMs.push(performance.now() - dueAt);
  if (answer.kind !== 'answered' || answer.status !== 200) {
    observed.refused.push(answer.kind === 'answered' ? `${answer.status} ${answer.body.slice(0, 200)}` : answer.kind);
  }
}

async function sendSteadily(): Promise<void> {
  const inFlight = new Set<Promise<void>>();
  for (let dueAt = performance.now(); open; dueAt += 1_000 / perSecond) {
    await sleep(Math.max(0, dueAt - performance.now()));
    const one = sendOne(dueAt).finally(() => inFlight.delete(one));
    inFlight.add(one);
  }
  await Promise.all(inFlight);
  client.close();
}

parentPort?.on('message', (what: 'take' | 'stop') => {
  parentPort?.postMessage(observed);
  observed = { latenciesMs: [], refused: [] };
  if (what === 'stop') {
    open = false;
    parentPort?.close();
  }
});
void sendSteadily();
