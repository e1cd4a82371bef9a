import { setTimeout as sleep } from 'node:timers/promises';
import type { CaseContext, CaseReport } from '../case.ts';
import { percentile } from '../percentile.ts';
import { type Scene, underLoad } from '../scene.ts';
import { slowDownWrites } from '../slow-writes.ts';

const perSecond = 100;
const delayMs = 200;

/** Fault 6: every statement that writes events takes 200 ms longer, while deliveries keep arriving at the same rate. Batches must grow instead of queues. */
export async function slowDatabase(context: CaseContext): Promise<CaseReport> {
  const phaseMs = context.long ? 30_000 : 5_000;
  return underLoad(context, { traffic: { perSecond } }, async (scene) => {
    await scene.ackMore(100);
    const before = await measure(scene, phaseMs);
    const speedUp = await slowDownWrites(scene.stack, delayMs);
    // The first slow batches contain the deliveries that arrived while the trigger was made.
    await sleep(2 * delayMs);
    const slow = await measure(scene, phaseMs);
    await speedUp();

    scene.atLeast('acknowledged per second, as a share of what it was before', slow.perSecond / before.perSecond, 0.9);
    scene.atLeast('records per batch, as a multiple of what they were before', slow.batchRecords / before.batchRecords, 2);
    // A delivery waits for the batch before its own and for its own batch, plus the time that a request takes without any delay.
    scene.atMost('p99 of the time to acknowledgement, ms', slow.p99Ms, 2 * delayMs + 2 * before.p99Ms + 100);
    scene.atMost(
      'records in the buffer, at most two batches of the arrivals of one delay',
      slow.bufferMax,
      2 * 2 * ((perSecond * delayMs) / 1_000),
    );
    scene.figure('records per batch before', before.batchRecords);
    scene.figure('records per batch, slowed down', slow.batchRecords);
    scene.figure('p99 before, ms', before.p99Ms);
    scene.figure('p99, slowed down, ms', slow.p99Ms);
  });
}

async function measure(scene: Scene, forMs: number) {
  const { figures } = scene.load;
  const totals = () => Promise.all([scene.metric('ingest_batch_size_events_sum'), scene.metric('ingest_batch_size_events_count')]);
  const [records, batches] = await totals();
  const first = figures.latenciesMs.length;
  const started = performance.now();
  let bufferMax = 0;
  while (performance.now() - started < forMs) {
    bufferMax = Math.max(bufferMax, await scene.metric('ingest_buffer_events'));
    await sleep(100);
  }
  const latencies = figures.latenciesMs.slice(first);
  const [recordsAfter, batchesAfter] = await totals();
  return {
    perSecond: (latencies.length * 1_000) / (performance.now() - started),
    batchRecords: (recordsAfter - records) / (batchesAfter - batches),
    p99Ms: percentile(latencies, 0.99),
    bufferMax,
  };
}
