import type { Case } from './case.ts';
import { inflation, valueBombs } from './cases/bombs.ts';
import { manyClicks } from './cases/clicks.ts';
import { skewedClocks } from './cases/clock.ts';
import { conflict } from './cases/conflict.ts';
import { apiCrash, postgresCrash } from './cases/crash.ts';
import { exhaustedConnections } from './cases/exhausted.ts';
import { hungBackends, lockedTable, lostAnswers } from './cases/hung.ts';
import { outage } from './cases/outage.ts';
import { poison } from './cases/poison.ts';

import { randomIds } from './cases/random-ids.ts';
import { stalledReaders } from './cases/readers.ts';
import { recordFlood } from './cases/record-flood.ts';
import { redriveUnderLoad } from './cases/redrive.ts';
import { reloads } from './cases/reload.ts';
import { restoreBackups } from './cases/restore.ts';
import { retentionAtPeak } from './cases/retention.ts';
import { shutdown } from './cases/shutdown.ts';
import { signUpFlood } from './cases/sign-ups.ts';
import { slowDatabase } from './cases/slow.ts';
import { duplicateBatches, oneKey } from './cases/storm.ts';
import { tenantCrossover } from './cases/tenants.ts';
import { turns } from './cases/turns.ts';

/** Every case, grouped by what the fault hits. One test file runs the short forms of each group. */
export const caseGroups = {
  processes: [
    {
      fault: 1,
      name: 'api-crash',
      promise: 'Acknowledged deliveries survive kill -9 of the API: each is stored exactly once and completely.',
      run: apiCrash,
    },
    {
      fault: 2,
      name: 'shutdown',
      promise: 'After SIGTERM the API answers every request in flight and exits within ten seconds.',
      run: shutdown,
    },
    {
      fault: 3,
      name: 'postgres-crash',
      promise: 'Acknowledged deliveries survive a crash of Postgres, and the API and its background jobs reconnect without help.',
      run: postgresCrash,
    },
    {
      fault: 36,
      name: 'reload',
      promise:
        'At SIGHUP the code on the disk takes over under load without a refused or lost request, also when a process is killed meanwhile.',
      run: reloads,
    },
  ],
  database: [
    {
      fault: 4,
      name: 'outage',
      promise: 'Without Postgres every delivery is refused with 503 in bounded memory, and the API recovers without help.',
      run: outage,
    },
    {
      fault: 5,
      name: 'hung-backends',
      promise: "When Postgres hangs, requests end by the API's own deadline, and the connections that hung are not used again.",
      run: hungBackends,
    },
    { fault: 5, name: 'locked-table', promise: 'A lock that every batch needs refuses deliveries in bounded time.', run: lockedTable },
    {
      fault: 5,
      name: 'lost-answers',
      promise: 'A delivery whose commit was never confirmed is answered as a duplicate when it is retried.',
      run: lostAnswers,
    },
  ],
  clocks: [
    {
      fault: 10,
      name: 'skewed-clocks',
      promise: 'Hosts whose clocks are ten minutes wrong, or are set back, verify and date deliveries by the clock of the database.',
      run: skewedClocks,
    },
  ],
  tenants: [{ fault: 21, name: 'tenant-crossover', promise: 'No route shows or changes data of another org.', run: tenantCrossover }],
  operations: [
    {
      fault: 25,
      name: 'redrive-under-load',
      promise: 'Dead letters that are retried several times and through a crash become one event each, while deliveries go on.',
      run: redriveUnderLoad,
    },
    {
      fault: 33,
      name: 'turns',
      promise: 'When one org fills every queue of background work, the only piece of work of another org waits for a few turns.',
      run: turns,
    },
    {
      fault: 35,
      name: 'restore',
      promise: 'A dump written under load and a base backup with its log are restored with every row and key, and repeats stay duplicates.',
      needs: 'pg_basebackup',
      run: restoreBackups,
    },
  ],
  /** These cases measure times, or require that the API refuses nothing: they fail on a machine that is busy with something else. */
  alone: [
    {
      fault: 6,
      name: 'slow-database',
      promise: 'When Postgres slows down, batches grow and deliveries do not pile up.',
      run: slowDatabase,
    },
    {
      fault: 9,
      name: 'no-connections',
      promise:
        'When other clients hold every connection, the API goes on with its open ones, answers 503 without any, and recovers without help.',
      run: exhaustedConnections,
    },
    { fault: 11, name: 'one-key', promise: '10,000 concurrent deliveries of one key over four processes become one event.', run: oneKey },
    { fault: 11, name: 'duplicate-batches', promise: 'Shuffled batches of mostly duplicates cause no deadlock.', run: duplicateBatches },
    {
      fault: 12,
      name: 'conflict',
      promise: 'The first of several bodies under one key becomes the event; every other body is kept as a dead letter.',
      run: conflict,
    },
    {
      fault: 13,
      name: 'poison',
      promise: 'A poison record does not affect the other records of its batch, and its bytes are kept as they were sent.',
      run: poison,
    },
    {
      fault: 27,
      name: 'record-flood',
      promise:
        'A tenant with deliveries of 9,999 records does not take the places or the time of a neighbour, also through kill -9 between two parts.',
      run: recordFlood,
    },
    {
      fault: 28,
      name: 'random-ids',
      promise: 'Random webhook ids delay nobody and keep no connection out that is not in memory.',
      run: randomIds,
    },
    {
      fault: 26,
      name: 'retention-at-peak',
      promise:
        'Retention, with legal holds and the rules of single orgs, and long reports do not slow deliveries down, and nobody keeps rows of others.',
      run: retentionAtPeak,
    },
    {
      fault: 31,
      name: 'value-bombs',
      promise:
        'No delivery, proved or not, delays a delivery of another tenant by more than 100 ms, or takes more memory than the container has.',
      run: valueBombs,
    },
    {
      fault: 32,
      name: 'inflation',
      promise: 'Small requests that inflate to large bodies, 120 at once, keep to the memory of the container and delay no other tenant.',
      run: inflation,
    },
    {
      fault: 29,
      name: 'stalled-readers',
      promise:
        'Clients that do not read their downloads and lists take no more memory than the container has, delay no other tenant, and are cut off in time.',
      run: stalledReaders,
    },
    {
      fault: 30,
      name: 'many-clicks',
      promise: '150 parallel requests of one person leave room for every other tenant.',
      run: manyClicks,
    },
    {
      fault: 34,
      name: 'sign-up-flood',
      promise:
        'Quotas hold exactly while a new user makes as much as possible among thousands of empty orgs, and another tenant notices nothing.',
      run: signUpFlood,
    },
  ],
} satisfies Record<string, readonly Case[]>;

export type CaseGroup = keyof typeof caseGroups;

/** Every case that `npm run chaos` runs, in order. */
export const cases: readonly Case[] = Object.values(caseGroups).flat();
