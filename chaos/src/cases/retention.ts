import { setTimeout as sleep } from 'node:timers/promises';
import { withClient } from '@tributary/supabase/local/database.ts';
import type { CaseContext, CaseReport } from '../case.ts';
import { percentile } from '../percentile.ts';
import { type Scene, underLoad } from '../scene.ts';
import type { ProofStack } from '../stack.ts';

const perSecond = 100;
const oldMonths = 12;
/** Percentiles below this depend on other load of the machine. */
const noiseMs = 50;
/** The lock_timeout of `private.drop_expired_partitions`. */
const lockWaitMs = 30;

/** Fault 26: partitions are made and dropped, and a long report reads every row, while deliveries keep arriving. */
export async function retentionAtPeak(context: CaseContext): Promise<CaseReport> {
  const phaseMs = context.long ? 60_000 : 8_000;
  // The API runs no jobs: this case makes and drops the partitions itself.
  return underLoad(context, { traffic: { perSecond }, api: { environment: { JOBS_CONCURRENCY: '0' } } }, async (scene) => {
    const { stack } = scene;
    await fillThePast(stack, context.long ? 500_000 : 50_000);
    await scene.ackMore(100);
    const before = await p99During(scene, () => sleep(phaseMs));

    let reports = 0;
    let dropped = 0;
    let refused = 0;
    let longestWaitMs = 0;
    const during = await p99During(scene, async () => {
      const until = performance.now() + phaseMs;
      const busy = () => performance.now() < until;
      await Promise.all([
        runReports(stack, busy, () => reports++),
        watchLocks(stack, busy, (waitMs) => {
          longestWaitMs = Math.max(longestWaitMs, waitMs);
        }),
        maintainPartitions(stack, busy, (names) => {
          if (names === undefined) refused++;
          else dropped += names;
        }),
      ]);
    });

    // Other load on the machine may outlast a phase, so the percentile is measured before and after.
    const after = await p99During(scene, () => sleep(phaseMs));

    scene.atMost('p99 meanwhile, as a multiple of the p99 before or after', during / Math.max(before, after, noiseMs), 2);
    scene.atMost('milliseconds that an ACCESS EXCLUSIVE lock was waited for', longestWaitMs, lockWaitMs + 100);
    scene.atLeast('reports that read everything', reports, 1);
    scene.atLeast('attempts to drop partitions that gave up because of a report', refused, 1);
    scene.atLeast('partitions dropped', dropped, oldMonths);
    scene.figure('p99 before, ms', before);
    scene.figure('p99 meanwhile, ms', during);
    scene.figure('p99 after, ms', after);
  });
}

async function p99During(scene: Scene, run: () => Promise<unknown>): Promise<number> {
  const { latenciesMs } = scene.load.figures;
  const first = latenciesMs.length;
  await run();
  return percentile(latenciesMs.slice(first), 0.99);
}

/** Makes partitions that are long past their retention, with rows in them. */
async function fillThePast(stack: ProofStack, rows: number): Promise<void> {
  await stack.query(`
    select private.create_partition(table_name::regclass, (date_trunc('month', now()) - make_interval(months => 60 + n))::date)
    from private.retention, generate_series(1, ${oldMonths}) n`);
  await stack.query(
    `insert into public.connection_activity (org_id, source_connection_id, bucket, received, accepted, lag_histogram)
     select $1, $2, date_trunc('month', now()) - make_interval(months => 60 + (n % ${oldMonths}) + 1) + interval '1 day', 1, 1, '{1,0,0,0,0,0,0,0,0,0,0,0}'
     from generate_series(1, $3::integer) n`,
    [stack.org.id, stack.connections.webhook.id, rows],
  );
}

/** Reads every row in one snapshot and holds the snapshot, as a long report does. */
async function runReports(stack: ProofStack, busy: () => boolean, done: () => void): Promise<void> {
  await withClient(stack.database.superuserUrl, async (client) => {
    for (let first = true; busy(); first = false) {
      await client.query('begin isolation level repeatable read read only');
      await client.query(`
        select e.type, date_trunc('minute', e.event_time), count(*), percentile_cont(0.95) within group (order by e.ingested_at - e.received_at)
        from public.canonical_events e join public.event_journal j on j.id = e.journal_id group by 1, 2`);
      await client.query('select date_trunc($1, bucket), sum(received), sum(accepted) from public.connection_activity group by 1', ['day']);
      for (const until = performance.now() + (first ? 3_000 : 200); performance.now() < until && busy(); ) await sleep(50);
      await client.query('commit');
      done();
      await sleep(300);
    }
  });
}

/**
 * Repeats the work of the hourly job, without the job's wait after a refused lock. On a slow machine it goes on after the reports have ended, until
 * partitions were dropped once.
 */
async function maintainPartitions(stack: ProofStack, busy: () => boolean, found: (dropped: number | undefined) => void): Promise<void> {
  await withClient(stack.database.superuserUrl, async (client) => {
    await client.query('set role maintenance');
    let dropped = false;
    for (const deadline = performance.now() + 60_000; busy() || (!dropped && performance.now() < deadline); ) {
      await client.query('select private.ensure_partitions()');
      try {
        const { rows } = await client.query('select private.drop_expired_partitions()');
        dropped ||= rows.length > 0;
        found(rows.length);
      } catch (error) {
        if ((error as { code?: string }).code !== '55P03') throw error;
        found(undefined);
      }
      await sleep(500);
    }
  });
}

async function watchLocks(stack: ProofStack, busy: () => boolean, found: (waitMs: number) => void): Promise<void> {
  await withClient(stack.database.superuserUrl, async (client) => {
    while (busy()) {
      const { rows } = await client.query<{ ms: number | null }>(
        `select max(extract(epoch from clock_timestamp() - waitstart) * 1000)::float8 as ms
         from pg_locks where mode = 'AccessExclusiveLock' and not granted`,
      );
      found(rows[0]?.ms ?? 0);
      await sleep(20);
    }
  });
}
