import { processDelivery } from '@tributary/pipeline/process.ts';
import { RecordError } from '@tributary/pipeline/source.ts';
import { sources } from '@tributary/pipeline/sources.ts';
import { verifyDelivery } from '@tributary/pipeline/verify.ts';
import { uuidv7 } from 'uuidv7';
import { type Arrival, prepareWrite } from '../../apps/api/src/deliveries/prepare.ts';
import { rowsOf } from '../../apps/api/src/deliveries/rows.ts';
import { writeBatch } from '../../apps/api/src/deliveries/store.ts';
import { fixedWork } from './budget-work.ts';
import { ratioToFixedWork } from './interleaved.ts';
import { arrivalOf } from './prepared.ts';
import { argument, report } from './process.ts';
import type { Traffic } from './requests.ts';
import { readBases } from './same-rows/bases.ts';
import { createDeliveries } from './same-rows/deliveries.ts';
import { setupsOf } from './same-rows/setups.ts';

export interface BudgetStepsRequest {
  rounds: number;
}

// Measures the steps that run in the API: the cost of one delivery, or of one record of a batch, as a ratio to fixed work in the same process.
const { rounds } = argument<BudgetStepsRequest>();
const setups = setupsOf(sources);
const { unchanged, make } = createDeliveries(readBases(undefined), setups, 1);
const genuine = Array.from({ length: unchanged }, (_, n) => make(n)).filter((arrival) => bodyOf(arrival) !== undefined);
const ratios: Record<string, number> = {};

for (const type of sources.keys())
  await measureAll(
    `samples of ${type}`,
    genuine.filter(({ connection }) => connection.source.type === type),
    1,
  );
await measureAll('a purchase', [built('hotmart', 'purchase', 1)], 1);
await measureAll('a record of 100', [built('webhook', 'batch', 100)], 100);
report(ratios);

function built(type: string, kind: Traffic['kind'], recordsPerBatch: number): Arrival {
  const setup = setups.find(({ source }) => source.type === type);
  const connection = setup?.connections[0];
  if (!connection) throw new Error(`there is no setup of ${type}`);
  const traffic: Traffic = { url: '', kind, type, config: connection.config, secrets: connection.secrets, idPrefix: 'b', recordsPerBatch };
  return arrivalOf(traffic, connection, 1);
}

function bodyOf({ connection, delivery, secrets, receivedAtMs }: Arrival) {
  const { verdict, body } = verifyDelivery(connection.source, delivery, { secrets, config: connection.config }, receivedAtMs);
  return verdict.ok && body && !(body instanceof RecordError) ? body : undefined;
}

/** All steps of these deliveries. A ratio is for one of them, or for one of the records that each has. */
async function measureAll(name: string, arrivals: readonly Arrival[], recordsEach: number): Promise<void> {
  const read = arrivals.flatMap((arrival) => {
    const body = bodyOf(arrival);
    return body ? [{ arrival, body, context: contextOf(arrival) }] : [];
  });
  if (read.length === 0) throw new Error(`${name}: no delivery is genuine`);
  const rows = rowsOf(read.map(({ arrival, body }) => prepareWrite(arrival, body)));
  const each = read.length * recordsEach;
  const steps: [string, () => unknown][] = [
    ['verify and decode', () => arrivals.map(bodyOf)],
    [
      'process',
      () => read.map(({ arrival: { connection, delivery }, body, context }) => processDelivery(connection.source, delivery, body, context)),
    ],
    ['prepare (process, digest, pack and seal)', () => read.map(({ arrival, body }) => prepareWrite(arrival, body))],
    // The statement goes nowhere: what is measured is how its parameters are made.
    ['encode', () => writeBatch(async () => [], rows)],
  ];
  for (const [step, run] of steps) {
    const [calls, units] = [callsIn(run, 4), callsIn(fixedWork, 4)];
    const ratio = await ratioToFixedWork({
      rounds,
      step: async () => (await cpuOf(run, calls)) / calls / each,
      fixed: async () => (await cpuOf(fixedWork, units)) / units,
    });
    ratios[`${name}: ${step}`] = ratio;
  }
}

function contextOf({ connection: { orgId, projectId, id, config, keys }, receivedAtMs }: Arrival) {
  const { hashKey, digestKey } = keys;
  const ids = { orgId, projectId, connectionId: id, journalId: uuidv7() };
  return { ...ids, config, hashKey, digestKey, receivedAtMs, nowMs: receivedAtMs, isTest: false, newId: uuidv7 };
}

/** How many calls take this many milliseconds, once they are warm. */
function callsIn(run: () => unknown, milliseconds: number): number {
  let calls = 0;
  for (const until = performance.now() + 15 * milliseconds; performance.now() < until; calls++) run();
  return Math.max(1, Math.round(calls / 15));
}

async function cpuOf(run: () => unknown, calls: number): Promise<number> {
  const before = process.cpuUsage();
  for (let n = 0; n < calls; n++) {
    const result = run();
    if (result instanceof Promise) await result;
  }
  const { user, system } = process.cpuUsage(before);
  return user + system;
}
