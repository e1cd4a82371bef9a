import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CaseContext, CaseReport } from '../case.ts';
import { createClient } from '../client.ts';
import { type Scene, underLoad } from '../scene.ts';
import { signed } from '../seed.ts';
import { bodyOf, sha256 } from '../sender.ts';

const healsWithinMs = 10_000;
const bufferRecordsMax = 5_000;

/** Fault 4: Postgres is stopped under load and started again. Meanwhile the API answers 503 with Retry-After in bounded memory; afterwards it recovers without help. */
export async function outage(context: CaseContext): Promise<CaseReport> {
  const stoppedMs = context.long ? 60_000 : 6_000;
  // The quarantine has room for every forged delivery, so that its cap never stops the writes.
  const api = { environment: { QUARANTINE_PER_HOUR: '1000000' } };
  return underLoad(context, { traffic: { loops: 64, timeoutMs: stoppedMs + 60_000 }, api }, async (scene) => {
    const { stack, load } = scene;
    const forgers = startForgers(scene);
    await scene.ackMore(500);
    scene.equal('/ready before', await scene.statusOf('/ready'), 200);
    const rssBefore = await scene.metric('process_resident_memory_bytes');

    await stack.postgres.stop();
    await scene.acksEnded();
    const before = { ...load.figures };
    const until = performance.now() + stoppedMs;
    let rssMax = 0;
    let bufferMax = 0;
    while (performance.now() < until) {
      rssMax = Math.max(rssMax, await scene.metric('process_resident_memory_bytes'));
      bufferMax = Math.max(bufferMax, await scene.metric('ingest_buffer_events'));
      await sleep(250);
    }
    scene.equal('deliveries acknowledged without Postgres', load.figures.acked - before.acked, 0);
    scene.equal('requests without an answer while Postgres was stopped', load.figures.unknown - before.unknown, 0);
    scene.atLeast('requests refused while Postgres was stopped', load.figures.unavailable - before.unavailable, 64);
    scene.atMost('records in the buffer', bufferMax, bufferRecordsMax);
    // Memory must be flat: 150 MB allow for garbage before the next collection, but not for keeping every refused request.
    scene.atMost('megabytes of memory that the outage took', (rssMax - rssBefore) / 2 ** 20, 150);
    scene.equal('/ready without Postgres', await scene.statusOf('/ready'), 503);
    scene.equal('/health without Postgres', await scene.statusOf('/health'), 200);

    await stack.postgres.restart();
    await scene.expectAck('Postgres is back', healsWithinMs);
    await sleep(1_100);
    scene.equal('/ready after', await scene.statusOf('/ready'), 200);
    await load.finish();
    await expectQuarantine(scene, forgers);
  });
}

/** A short crash: rejected deliveries that could not be stored are stored once the database is back and the load has stopped. */
async function expectQuarantine(scene: Scene, forgers: Forgers): Promise<void> {
  const before = forgers.rejected();
  await sleep(500);
  await scene.stack.postgres.restart('immediate');
  await sleep(300);
  await forgers.finish();
  await sleep(1_500);
  const last = startForgers(scene);
  await sleep(1_000);
  await last.finish();
  scene.atLeast('forged deliveries answered 401 once Postgres was back', forgers.rejected() - before, 1);
  scene.atLeast('forged deliveries answered 401 after a short crash of Postgres', last.rejected(), 1);
}

type Forgers = ReturnType<typeof startForgers>;

/** Sends deliveries with a wrong hottok in loops. Each must be answered with 401, or with 503 while the connection cannot be looked up. */
function startForgers({ api, stack, journal, none }: Scene) {
  const { hotmart } = stack.connections;
  const client = createClient(8);
  const others: string[] = [];
  let rejected = 0;
  let finishing = false;
  const loops = Promise.all(
    Array.from({ length: 8 }, async () => {
      while (!finishing) {
        const key = randomUUID();
        const { headers, body } = signed(hotmart, bodyOf(hotmart, key, Date.now()), [{ name: 'hottok', value: 'wrong' }]);
        await journal.note({ what: 'attempted', key, connectionId: hotmart.id, sha256: sha256(body) });
        const answer = await client.post(api.url + hotmart.path, headers, body);
        const status = answer.kind === 'answered' ? answer.status : 0;
        if (status === 401) rejected++;
        else if (status !== 503) others.push(answer.kind === 'unknown' ? answer.code : String(status));
        await journal.note({ what: 'rejected', key, status });
        await sleep(20);
      }
    }),
  );
  return {
    rejected: () => rejected,
    async finish(): Promise<void> {
      finishing = true;
      await loops;
      client.close();
      none('forged deliveries answered neither 401 nor 503', others, rejected + others.length);
    },
  };
}
