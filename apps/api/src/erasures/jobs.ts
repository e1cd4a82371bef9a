import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MasterKeys } from '@tributary/pipeline/crypto/master-keys.ts';
import { type Person, personForms } from '@tributary/pipeline/privacy/person.ts';
import { type PersonMatcher, personMatcher } from '@tributary/pipeline/privacy/person-in-text.ts';
import type { Logger } from 'pino';
import { findJournalEntries } from '../deliveries/store.ts';
import { textTables } from '../deliveries/text-tables.ts';
import { continueIn } from '../leases/continue.ts';
import { Blocked, defaultSliceMs, type Follower, LeaseLost, runLeases, type StepResult } from '../leases/run.ts';
import { chunkBySize } from '../platform/chunk-by-size.ts';
import { type Db, isTooSlow, isUnavailable, type Sql } from '../platform/db.ts';
import type { Task } from '../platform/jobs.ts';
import type { Threads } from '../platform/threads.ts';
import { findCountries } from '../tenancy/callers-org.ts';
import { loadOrgKeys, type OrgKeys } from '../tenancy/org-keys.ts';
import { requireNotHeld } from '../tenancy/require-not-held.ts';
import { searchEntry } from './about.ts';
import { digestsOf, missingHashKeys, openPerson, probesOf } from './person.ts';
import { rowsToErase } from './rows.ts';
import {
  type ClaimedErasure,
  claimErasures,
  completeErasure,
  type ErasureProgress,
  eraseDeliveries,
  eraseEvents,
  eraseRecordedEvents,
  eraseTexts,
  findNextDeliveries,
  findReaders,
  findRowCursor,
  findRows,
  hasSeenEverything,
  keepErasedPerson,
  type RowCursor,
  releaseErasure,
  type Scanned,
  type SubjectProbe,
  saveProgress,
} from './store.ts';

export interface ErasureLimits {
  /** How long one run of the job lasts. Then another run goes on. */
  sliceMs: number;
  /** How long a lease lasts without a checkpoint. After a crash, the erasure waits for this long. */
  leaseSeconds: number;
  /**
   * Longer than any delivery takes from its arrival to its commit, replays included. Only deliveries that arrived before that are looked
   * at, so that none is committed behind the cursor.
   */
  commitSecondsMax: number;
}

const erasureLimits: ErasureLimits = { sliceMs: defaultSliceMs, leaseSeconds: 30, commitSecondsMax: 300 };

/** Erasures that a process works on in turn. */
const erasuresMax = 4;
const headsMax = 500;
/** Rows that are searched in one step. An event has at most some kilobytes of text. */
const rowsMax = 300;
/** Bodies in memory at once. */
const bytesMax = 8_388_608;
/** The pause before the next step of an erasure when the last deliveries may not be committed yet, or when the erasure is blocked. */
const waitMs = 15_000;
/** The pause after an error, which must not keep the erasures of other orgs waiting. */
const failedWaitMs = 60_000;

export interface ErasureDeps {
  db: Db;
  masterKeys: MasterKeys;
  threads: Threads;
  log: Logger;
}

/** Carries out the requested erasures; the orgs that requested them take turns. */
export function erasureTasks(deps: ErasureDeps, limits: ErasureLimits = erasureLimits): Record<string, Task> {
  return { 'erasures.run': { everySeconds: 5, run: (_payload, { signal }) => runErasures(deps, limits, signal) } };
}

/** An erasure at work in this process. */
interface Work extends ClaimedErasure {
  /** Set at the first step of the erasure. */
  target?: Target;
  /** Deliveries that are to be looked at before the next ones are fetched. */
  parts: Scanned[][];
  /** Set once every delivery is searched. */
  rowCursor?: RowCursor;
}

/** The person of an erasure, and the keys of the org with which deliveries and hashes name that person. */
interface Target {
  keys: OrgKeys;
  person: Person;
  subjects: SubjectProbe[];
  matcher: PersonMatcher;
}

async function runErasures(deps: ErasureDeps, limits: ErasureLimits, signal: AbortSignal): Promise<void> {
  const { db, threads, log } = deps;
  const { leaseSeconds, commitSecondsMax } = limits;
  const release = (id: string, owner: string, ms: number, waitsFor: string | null) =>
    db.worker((sql) => releaseErasure(sql, id, owner, ms / 1000, waitsFor));

  const follower: Follower<Work> = {
    async claim(owner, most, holding) {
      const claimed = await db.worker((sql) => claimErasures(sql, owner, leaseSeconds, most, holding));
      return claimed.map((one) => ({ ...one, parts: [] }));
    },
    step,
    release: ({ id }, owner, ms) => release(id, owner, ms, null),
    async onBlocked({ id }, owner, reason) {
      log.info({ erasureId: id }, 'an erasure waits');
      await release(id, owner, waitMs, reason);
    },
    async onFailure({ id }, owner, error) {
      if (isUnavailable(error) && !isTooSlow(error)) throw error;
      log.error({ err: error, erasureId: id }, 'a step of an erasure failed');
      await release(id, owner, failedWaitMs, 'an internal error: it is tried again every minute, and the log of the server says why');
    },
  };
  await continueIn(db, 'erasures.run', await runLeases(follower, { signal, log, sliceMs: limits.sliceMs, atOnce: erasuresMax }));

  /** Searches one part of the deliveries. Before the next deliveries are fetched, all events about the person are erased. */
  async function step(erasure: Work, owner: string): Promise<StepResult> {
    erasure.target ??= await openTarget(deps, erasure);
    const { target } = erasure;
    const part = erasure.parts.shift();
    if (part) {
      await erasePart(erasure, target, owner, part);
      return 'more';
    }
    if ((await eraseNextEvents(erasure, target, owner)) > 0) return 'more';
    const heads = await db.worker((sql) => findNextDeliveries(sql, erasure, commitSecondsMax, headsMax));
    erasure.parts = [...chunkBySize(heads, (head) => head.byte_size, bytesMax)];
    if (heads.length > 0) return 'more';
    if (!(await db.worker((sql) => hasSeenEverything(sql, erasure.id, commitSecondsMax)))) return waitMs;
    if (await eraseNextRows(erasure, target, owner)) return 'more';
    return (await complete(erasure, target, owner)) ? 'done' : waitMs;
  }

  /** Returns the number of events that were erased. */
  function eraseNextEvents({ id, org_id }: Work, { subjects }: Target, owner: string): Promise<number> {
    return db.worker(async (sql) => {
      await requireNotHeld(sql, org_id);
      const events = await eraseEvents(sql, org_id, subjects);
      await checkpoint(sql, id, owner, { events });
      return events;
    });
  }

  async function erasePart(erasure: Work, { keys, person }: Target, owner: string, part: readonly Scanned[]): Promise<void> {
    const { id, org_id } = erasure;
    const last = part.at(-1);
    const { entries, readers } = await db.worker(async (sql) => ({
      entries: await findJournalEntries(
        sql,
        part.map((head) => head.id),
      ),
      readers: await findReaders(sql, [...new Set(part.map((head) => head.source_connection_id))]),
    }));
    const readerOf = new Map(readers.map((reader) => [reader.id, reader]));
    const found: string[] = [];
    const records: { connectionId: string; key: string }[] = [];
    let unreadable = 0;
    for (const entry of entries.values()) {
      try {
        const connectionId = entry.source_connection_id;
        const { named, recordKeys } = await searchEntry(threads, { person, entry, keys, reader: readerOf.get(connectionId) });
        if (named) found.push(entry.id);
        for (const key of recordKeys) records.push({ connectionId, key });
      } catch (error) {
        unreadable++;
        log.error({ err: error, orgId: org_id, journalId: entry.id }, 'a journal entry cannot be opened: it is not erased');
      }
      // Opening and reading a delivery keeps the event loop busy: live requests are served in between.
      await nextTurn();
    }
    await db.worker(async (sql) => {
      await requireNotHeld(sql, org_id);
      const erased = found.length > 0 ? await eraseDeliveries(sql, org_id, found) : {};
      const otherRows = await eraseRecordedEvents(sql, org_id, records);
      await checkpoint(sql, id, owner, { ...erased, otherRows, unreadable, scanned: entries.size, cursor: last });
    });
    if (last) Object.assign(erasure, { cursor_at: last.at, cursor_id: last.id });
  }

  /** Searches the next rows for texts that name the person. Returns false when every row of every table is searched. */
  async function eraseNextRows(erasure: Work, { keys, matcher }: Target, owner: string): Promise<boolean> {
    const { id, org_id } = erasure;
    erasure.rowCursor ??= await db.worker((sql) => findRowCursor(sql, id));
    const cursor = erasure.rowCursor;
    const table = textTables[cursor.table];
    if (table === undefined) return false;
    const rows = await db.worker((sql) => findRows(sql, org_id, table, cursor, rowsMax));
    const found = await rowsToErase(table, rows, matcher, keys);
    const last = rows.at(-1);
    const rowCursor = last ? { ...cursor, at: last.at, id: last.id } : { table: cursor.table + 1, at: null, id: null };
    await db.worker(async (sql) => {
      await requireNotHeld(sql, org_id);
      const otherRows = await eraseTexts(sql, org_id, table, found);
      await checkpoint(sql, id, owner, { otherRows, rowCursor });
    });
    erasure.rowCursor = rowCursor;
    return true;
  }

  /** Returns false when a delivery that names the person may still be committed, or when another event about the person was found. */
  async function complete({ id, org_id }: Work, { keys, person, subjects }: Target, owner: string): Promise<boolean> {
    const completed = await db.worker(async (sql) => {
      if (!(await hasSeenEverything(sql, id, commitSecondsMax))) return false;
      await keepErasedPerson(sql, id, owner, digestsOf(keys, person));
      return completeErasure(sql, id, owner, subjects);
    });
    if (completed) log.info({ erasureId: id, orgId: org_id }, 'an erasure is completed');
    return completed;
  }

  async function checkpoint(sql: Sql, id: string, owner: string, progress: ErasureProgress): Promise<void> {
    if (!(await saveProgress(sql, id, owner, leaseSeconds, progress))) throw new LeaseLost();
  }
}

async function openTarget({ db, masterKeys, log }: ErasureDeps, erasure: ClaimedErasure): Promise<Target> {
  const keys = await loadOrgKeys(db, masterKeys, erasure.org_id, log);
  const person = openPerson(keys, erasure);
  const missing = missingHashKeys(keys);
  if (missing !== undefined) throw new Blocked(missing);
  const countries = await db.worker((sql) => findCountries(sql, erasure.org_id));
  const subjects = probesOf(keys, person);
  const hashes = subjects.flatMap((subject) => Object.values(subject));
  return { keys, person, subjects, matcher: personMatcher(personForms(person), countries, hashes) };
}
