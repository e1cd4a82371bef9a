import { setTimeout as sleep } from 'node:timers/promises';
import type { CaseContext, CaseReport } from '../case.ts';
import { type Scene, underLoad } from '../scene.ts';

const loops = 32;
/** The number of deliveries that are acknowledged between two faults. */
const ackedBetween = 300;

/** Fault 1: `kill -9` of the API in the middle of its batches, repeatedly. */
export async function apiCrash(context: CaseContext): Promise<CaseReport> {
  const kills = context.long ? 50 : 3;
  // The short form shares its machine with other tests: its limit only distinguishes a restart that hangs from one that works.
  const servesWithinMs = context.long ? 5_000 : 15_000;
  return underLoad(context, { traffic: { loops } }, async (scene) => {
    const { random, stack } = scene;
    const incomplete: string[] = [];
    let slowestMs = 0;
    for (let n = 1; n <= kills; n++) {
      await inject(scene, `kill -9 of the API, ${n} of ${kills}`, async () => {
        await scene.api.kill();
        const killedAt = performance.now();
        incomplete.push(...(await stack.query<{ found: string }>(incompleteBatches)).map((row) => row.found));
        await scene.restartApi();
        slowestMs = Math.max(slowestMs, await scene.expectAck(`restart ${n}`, servesWithinMs, killedAt));
      });
    }
    scene.none('rows of incomplete batches, checked after each kill', incomplete, kills);
    scene.figure('kills', kills);
    scene.figure('slowest first acknowledgement after a kill, ms', slowestMs);
    await scene.ackMore(ackedBetween);
    await sleep(random() * 300);
  });
}

/** Fault 3: `kill -9` of one backend, after which Postgres ends all backends and recovers; then an immediate restart of the server. */
export async function postgresCrash(context: CaseContext): Promise<CaseReport> {
  const rounds = context.long ? 5 : 1;
  const healsWithinMs = 10_000;
  return underLoad(context, { traffic: { loops } }, async (scene) => {
    const { stack } = scene;
    for (let n = 1; n <= rounds; n++) {
      await inject(scene, 'kill -9 of one backend', async () => {
        const [backend] = await stack.query<{ pid: number }>(
          `select pid from pg_stat_activity where application_name = 'tributary ingest' order by state = 'active' desc, random() limit 1`,
        );
        if (!backend) throw new Error('the API has no backend');
        const diedAt = performance.now();
        process.kill(backend.pid, 'SIGKILL');
        // Until Postgres has ended the other backends as well, their statements may still be committed and acknowledged.
        await sleep(500);
        await scene.expectAck('kill -9 of one backend', healsWithinMs, diedAt);
        await expectJobs(scene, 'kill -9 of one backend');
      });
      await inject(scene, 'immediate restart of Postgres', async () => {
        await stack.postgres.restart('immediate');
        await scene.expectAck('immediate restart of Postgres', healsWithinMs);
        await expectJobs(scene, 'immediate restart of Postgres');
      });
    }
    await scene.ackMore(ackedBetween);
  });
}

/** Expects background jobs to resume without help: two jobs must end that began after the fault. */
async function expectJobs(scene: Scene, what: string): Promise<void> {
  const before = await scene.metric('worker_job_duration_seconds_count');
  const from = performance.now();
  while ((await scene.metric('worker_job_duration_seconds_count')) < before + 2 && performance.now() - from < 90_000) await sleep(200);
  scene.atMost(`${what}: milliseconds until background jobs ran again`, performance.now() - from, 60_000);
}

/** Injects a fault under load and requires that at least one request failed because of it: otherwise the fault proves nothing. */
async function inject(scene: Scene, what: string, fault: () => Promise<void>): Promise<void> {
  const { figures } = scene.load;
  const failed = () => figures.unknown + figures.unavailable + figures.refused;
  await scene.ackMore(ackedBetween);
  await sleep(scene.random() * 300);
  const before = failed();
  await fault();
  scene.atLeast(`${what}: requests that failed because of it`, failed() - before, 1);
}

/** A batch is one transaction: in every snapshot a delivery is stored with its payload, its keys and all its records, or not at all. */
const incompleteBatches = `
  select 'event without its delivery ' || e.id as found from public.canonical_events e
    where not exists (select from public.event_journal j where j.id = e.journal_id)
  union all select 'event without its key ' || e.id from public.canonical_events e
    where not exists (select from private.event_keys k where k.event_id = e.id)
  union all select 'key without its event ' || k.event_id from private.event_keys k
    where not exists (select from public.canonical_events e where e.id = k.event_id)
  union all select 'delivery without its payload ' || j.id from public.event_journal j
    where not exists (select from private.journal_payloads p where p.journal_id = j.id)
  union all select 'accepted delivery without its event ' || j.id from public.event_journal j
    where j.outcome = 'accepted' and not exists (select from public.canonical_events e where e.journal_id = j.id)`;
