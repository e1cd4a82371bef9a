import { setTimeout as sleep } from 'node:timers/promises';
import { withClient } from '@tributary/supabase/local/database.ts';
import type { CaseContext, CaseReport } from '../case.ts';
import { percentile } from '../percentile.ts';
import { type Scene, underLoad } from '../scene.ts';
import type { ProofStack } from '../stack.ts';
import { addKeepers, followRules, judgeRules } from './retention-rows.ts';

const perSecond = 100;
const oldMonths = 12;
/** Percentiles below this depend on other load of the machine. */
const noiseMs = 50;
/** The lock_timeout of `private.drop_expired_partitions`. */
const lockWaitMs = 30;

/** The most that the p99 may grow, as a multiple of the p99 before or after. */
const slowdownMax = 2;
/** What dropping and reports cost shows in every round. Other load of the machine comes and goes, so that it spares one of several rounds. */
const roundsMax = 3;

/**
 * Fault 26: partitions are made and dropped, rows under a legal hold are moved aside, rows are deleted by the rules of their tenants, and a long
 * report reads every row, while deliveries keep arriving.
 */
export async function retentionAtPeak(context: CaseContext): Promise<CaseReport> {
  const phaseMs = context.long ? 60_000 : 8_000;
  // The API runs no jobs: this case makes and drops the partitions itself.
  return underLoad(context, { traffic: { perSecond }, api: { environment: { JOBS_CONCURRENCY: '0' } } }, async (scene) => {
    await fillThePast(scene.stack, context.long ? 500_000 : 50_000);
    const keepers = await addKeepers(scene.stack, context.long ? 50_000 : 5_000);
    await scene.ackMore(100);
    let before = await p99During(scene, () => sleep(phaseMs));
    for (let rounds = 1; ; rounds++) {
      const round = await runRound(scene, phaseMs, before);
      if (slowdownOf(round) <= slowdownMax || rounds === roundsMax) {
        judgeRound(scene, round, rounds);
        return judgeRules(scene, keepers);
      }
      scene.say(
        `round ${rounds}: the p99 was ${Math.round(round.before)} ms, ${Math.round(round.during)} ms meanwhile, ${Math.round(round.after)} ms after`,
      );
      before = round.after;
      await fillThePast(scene.stack, context.long ? 500_000 : 50_000);
    }
  });
}

interface Round {
  /** The p99 of the deliveries' latencies in milliseconds, in three phases. */
  before: number;
  during: number;
  after: number;
  reports: number;
  dropped: number;
  refused: number;
  longestWaitMs: number;
  /** How much longer a sleep of `lockWaitMs` in Postgres took at the same time, at worst: as late, a lock timeout may be noticed. */
  machineDelayMs: number;
}

const slowdownOf = ({ before, during, after }: Round): number => during / Math.max(before, after, noiseMs);

async function runRound(scene: Scene, phaseMs: number, before: number): Promise<Round> {
  const { stack } = scene;
  const round: Round = { before, during: 0, after: 0, reports: 0, dropped: 0, refused: 0, longestWaitMs: 0, machineDelayMs: 0 };
  round.during = await p99During(scene, async () => {
    const until = performance.now() + phaseMs;
    const busy = () => performance.now() < until;
    await Promise.all([
      runReports(stack, busy, () => round.reports++),
      watchLocks(stack, busy, (waitMs) => {
        round.longestWaitMs = Math.max(round.longestWaitMs, waitMs);
      }),
      watchDelays(stack, busy, (delayMs) => {
        round.machineDelayMs = Math.max(round.machineDelayMs, delayMs);
      }),
      maintainPartitions(stack, busy, (names) => {
        if (names === undefined) round.refused++;
        else round.dropped += names;
      }),
      followRules(stack, busy),
    ]);
  });
  // Other load on the machine may outlast a phase, so the percentile is measured before and after.
  round.after = await p99During(scene, () => sleep(phaseMs));
  return round;
}

function judgeRound(scene: Scene, round: Round, rounds: number): void {
  scene.atMost('p99 meanwhile, as a multiple of the p99 before or after', slowdownOf(round), slowdownMax);
  scene.atMost('milliseconds that an ACCESS EXCLUSIVE lock was waited for', round.longestWaitMs, lockWaitMs + 100 + round.machineDelayMs);
  scene.atLeast('reports that read everything', round.reports, 1);
  scene.atLeast('attempts to drop partitions that gave up because of a report', round.refused, 1);
  scene.atLeast('partitions dropped', round.dropped, oldMonths);
  scene.figure('rounds', rounds);
  scene.figure('p99 before, ms', round.before);
  scene.figure('p99 meanwhile, ms', round.during);
  scene.figure('p99 after, ms', round.after);
  scene.figure('a sleep in Postgres was late by, ms', round.machineDelayMs);
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

async function watchDelays(stack: ProofStack, busy: () => boolean, found: (delayMs: number) => void): Promise<void> {
  await withClient(stack.database.superuserUrl, async (client) => {
    while (busy()) {
      const { rows } = await client.query<{ ms: number }>(
        `select extract(epoch from clock_timestamp() - asleep.since) * 1000 - $1 as ms
         from (select clock_timestamp() as since, pg_sleep($1 / 1000.0) offset 0) asleep`,
        [lockWaitMs],
      );
      found(Number(rows[0]?.ms ?? 0));
    }
  });
}
