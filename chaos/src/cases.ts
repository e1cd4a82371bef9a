import { skewedClocks } from './cases/clock.ts';
import { conflict } from './cases/conflict.ts';
import { apiCrash, postgresCrash } from './cases/crash.ts';
import { exhaustedConnections } from './cases/exhausted.ts';
import { hungBackends, lockedTable, lostAnswers } from './cases/hung.ts';
import { outage } from './cases/outage.ts';
import { poison } from './cases/poison.ts';
import { redriveUnderLoad } from './cases/redrive.ts';
import { retentionAtPeak } from './cases/retention.ts';
import { shutdown } from './cases/shutdown.ts';
import { slowDatabase } from './cases/slow.ts';
import { duplicateBatches, oneKey } from './cases/storm.ts';
import { tenantCrossover } from './cases/tenants.ts';

export interface CaseContext {
  /** Decides every random choice of the case; printed, so that a failing run can be played again. */
  seed: number;
  /** As long and as often as the fault asks for; otherwise the short form that every change has to pass. */
  long: boolean;
  say(line: string): void;
}

export interface CaseReport {
  figures: Record<string, number | string>;
  /** What was compared, and what was found. */
  oracle: string[];
  /** The lines of the oracle that are not as promised; none when every promise held. */
  violations: string[];
}

export interface Case {
  /** The fault's number in the list that README.md gives. */
  fault: number;
  name: string;
  promise: string;
  run(context: CaseContext): Promise<CaseReport>;
}

/** Every case, by what is struck: one test file runs the short forms of each group. */
export const caseGroups = {
  processes: [
    {
      fault: 1,
      name: 'api-crash',
      promise: 'What is acknowledged survives kill -9 of the API, exactly once and never by halves.',
      run: apiCrash,
    },
    { fault: 2, name: 'shutdown', promise: 'SIGTERM answers everything in flight and ends within ten seconds.', run: shutdown },
    {
      fault: 3,
      name: 'postgres-crash',
      promise: 'What is acknowledged survives a crash of Postgres, and the API and its background work find it again by themselves.',
      run: postgresCrash,
    },
  ],
  database: [
    {
      fault: 4,
      name: 'outage',
      promise: 'Without Postgres every delivery is refused with 503 in bounded memory, and it heals by itself.',
      run: outage,
    },
    {
      fault: 5,
      name: 'hung-backends',
      promise: "When Postgres hangs, requests end by the API's own deadline, and its connections are not used again.",
      run: hungBackends,
    },
    { fault: 5, name: 'locked-table', promise: 'A lock that every batch needs refuses deliveries in bounded time.', run: lockedTable },
    { fault: 5, name: 'lost-answers', promise: 'A commit that nobody was told of is found as a duplicate by the retry.', run: lostAnswers },
    {
      fault: 9,
      name: 'no-connections',
      promise: 'When others hold every connection, deliveries go on over those that are open, are refused without, and it heals by itself.',
      run: exhaustedConnections,
    },
  ],
  clocks: [
    {
      fault: 10,
      name: 'skewed-clocks',
      promise: 'Hosts whose clocks are ten minutes off, or set back, judge and date deliveries by one clock.',
      run: skewedClocks,
    },
  ],
  storms: [
    { fault: 11, name: 'one-key', promise: '10,000 concurrent deliveries of one key over four processes are one event.', run: oneKey },
    { fault: 11, name: 'duplicate-batches', promise: 'Shuffled batches of mostly duplicates deadlock nowhere.', run: duplicateBatches },
  ],
  records: [
    { fault: 12, name: 'conflict', promise: 'Of different bodies under one key the first stands, and the others are kept.', run: conflict },
    { fault: 13, name: 'poison', promise: 'A poisonous record never takes its neighbours along, and is kept as it was sent.', run: poison },
  ],
  tenants: [
    { fault: 21, name: 'tenant-crossover', promise: 'No route shows or changes what belongs to another org.', run: tenantCrossover },
  ],
  operations: [
    {
      fault: 25,
      name: 'redrive-under-load',
      promise: 'Dead letters that are run again, often and through a crash, become one event each while deliveries go on.',
      run: redriveUnderLoad,
    },
  ],
  /** They compare times under load: nothing else may run beside them. */
  measured: [
    {
      fault: 6,
      name: 'slow-database',
      promise: 'When Postgres slows down, batches grow and deliveries do not pile up.',
      run: slowDatabase,
    },
    {
      fault: 26,
      name: 'retention-at-peak',
      promise: 'Dropping partitions and long reports do not slow deliveries down.',
      run: retentionAtPeak,
    },
  ],
} satisfies Record<string, readonly Case[]>;

export type CaseGroup = keyof typeof caseGroups;

/** Every case that `npm run chaos` runs, in order. */
export const cases: readonly Case[] = Object.values(caseGroups).flat();
