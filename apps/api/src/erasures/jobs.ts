import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { countryOf } from '@tributary/pipeline/columns.ts';
import type { MasterKeys } from '@tributary/pipeline/crypto/master-keys.ts';
import { namesPerson, type Person, type PersonContext } from '@tributary/pipeline/privacy/person.ts';
import { sources } from '@tributary/pipeline/sources.ts';
import type { Logger } from 'pino';
import { bodyOf, openEntry } from '../deliveries/reopen.ts';
import { findJournalEntries, type JournalEntry } from '../deliveries/store.ts';
import { chunkBySize } from '../platform/chunk-by-size.ts';
import type { Db } from '../platform/db.ts';
import type { Task } from '../platform/jobs.ts';
import { Refusal } from '../platform/refusal.ts';
import { loadOrgKeys, type OrgKeys } from '../tenancy/org-keys.ts';
import { requireNotHeld } from '../tenancy/require-not-held.ts';
import { openPerson, probesOf } from './person.ts';
import {
  type ClaimedErasure,
  claimErasure,
  completeErasure,
  type ErasureProgress,
  eraseDeliveries,
  eraseEvents,
  findNextDeliveries,
  findReaders,
  isSettled,
  releaseErasure,
  type Scanned,
  saveProgress,
} from './store.ts';

export interface ErasureLimits {
  /** How long one run of the job lasts; then another one goes on. */
  sliceMs: number;
  /** How long an erasure stays ours without a checkpoint: after a crash it stands still for as long. */
  leaseSeconds: number;
  /**
   * Longer than anything takes from its arrival to its commit, a replay of it included: only what arrived before that is looked at, so that
   * nothing is committed behind the cursor.
   */
  settleSeconds: number;
}

const erasureLimits: ErasureLimits = { sliceMs: 20_000, leaseSeconds: 30, settleSeconds: 300 };

const headsMax = 500;
/** Bodies in memory at once. */
const bytesMax = 8_388_608;
/** Waiting for the last deliveries to settle, or for a hold to be released. */
const waitSeconds = 15;

class LeaseLost extends Error {}

export interface ErasureDeps {
  db: Db;
  masterKeys: MasterKeys;
  log: Logger;
}

/** Works off what people asked to have erased, one erasure at a time in a process. */
export function erasureTasks(deps: ErasureDeps, limits: ErasureLimits = erasureLimits): Record<string, Task> {
  return { 'erasures.run': { everySeconds: 5, run: (_payload, { signal }) => runErasures(deps, limits, signal) } };
}

async function runErasures(deps: ErasureDeps, limits: ErasureLimits, signal: AbortSignal): Promise<void> {
  const { db, log } = deps;
  const owner = randomUUID();
  const until = performance.now() + limits.sliceMs;
  const goesOn = () => !signal.aborted && performance.now() < until;
  while (goesOn()) {
    const erasure = await db.worker((sql) => claimErasure(sql, owner, limits.leaseSeconds));
    if (!erasure) return;
    try {
      const waits = await work(deps, limits, erasure, owner, goesOn);
      await db.worker((sql) => releaseErasure(sql, erasure.id, owner, waits ? waitSeconds : 0));
    } catch (error) {
      if (error instanceof LeaseLost) continue;
      if (!(error instanceof Refusal) || (error.code !== 'legal_hold' && error.code !== 'conflict')) throw error;
      log.info({ erasureId: erasure.id, reason: error.code }, 'an erasure waits');
      await db.worker((sql) => releaseErasure(sql, erasure.id, owner, waitSeconds, error.detail ?? null));
    }
  }
}

/** True: nothing is left to do now, and the erasure is not completed. */
async function work(
  { db, masterKeys, log }: ErasureDeps,
  { leaseSeconds, settleSeconds }: ErasureLimits,
  erasure: ClaimedErasure,
  owner: string,
  goesOn: () => boolean,
): Promise<boolean> {
  const { id, org_id } = erasure;
  const keys = await loadOrgKeys(db, masterKeys, org_id, log);
  const person = openPerson(keys, erasure);
  const subjects = probesOf(keys, person);

  while (goesOn()) {
    await eraseAllEvents();
    const heads = await db.worker((sql) => findNextDeliveries(sql, erasure, settleSeconds, headsMax));
    if (heads.length === 0) {
      const completed = await db.worker(
        async (sql) => (await isSettled(sql, id, settleSeconds)) && completeErasure(sql, id, owner, subjects),
      );
      if (completed) log.info({ erasureId: id, orgId: org_id }, 'an erasure is completed');
      return !completed;
    }
    for (const part of chunkBySize(heads, (head) => head.byte_size, bytesMax)) {
      if (!goesOn()) return false;
      await erasePart(part);
    }
  }
  return false;

  async function eraseAllEvents(): Promise<void> {
    let events: number;
    do {
      events = await db.worker(async (sql) => {
        await requireNotHeld(sql, org_id);
        const erased = await eraseEvents(sql, org_id, subjects);
        await checkpoint(sql, { events: erased });
        return erased;
      });
    } while (events > 0);
  }

  async function erasePart(part: readonly Scanned[]): Promise<void> {
    const last = part.at(-1);
    const { entries, readers } = await db.worker(async (sql) => ({
      entries: await findJournalEntries(
        sql,
        part.map((head) => head.id),
      ),
      readers: await findReaders(sql, [...new Set(part.map((head) => head.source_connection_id))]),
    }));
    const readerOf = new Map(readers.map((reader) => [reader.id, readerFrom(reader)]));
    const found: string[] = [];
    let unreadable = 0;
    for (const entry of entries.values()) {
      try {
        if (isAbout(person, entry, keys, readerOf.get(entry.source_connection_id))) found.push(entry.id);
      } catch (error) {
        unreadable++;
        log.error({ err: error, orgId: org_id, journalId: entry.id }, 'a journal entry cannot be opened: it is not erased');
      }
      // Opening and reading is computing: live requests go in between.
      await nextTurn();
    }
    await db.worker(async (sql) => {
      await requireNotHeld(sql, org_id);
      const erased = found.length > 0 ? await eraseDeliveries(sql, org_id, found) : {};
      await checkpoint(sql, { ...erased, unreadable, scanned: entries.size, cursor: last });
    });
    if (last) Object.assign(erasure, { cursor_at: last.at, cursor_id: last.id });
  }

  async function checkpoint(sql: Parameters<typeof saveProgress>[0], progress: ErasureProgress): Promise<void> {
    if (!(await saveProgress(sql, id, owner, leaseSeconds, progress))) throw new LeaseLost();
  }
}

/** Throws when the entry cannot be opened. */
function isAbout(person: Person, entry: JournalEntry, keys: OrgKeys, reader = readerFrom(undefined)): boolean {
  const { delivery, receivedAtMs } = openEntry(entry, keys);
  return namesPerson(person, delivery, bodyOf(delivery), { ...reader, receivedAtMs });
}

/** How the deliveries of a connection are read. */
function readerFrom(stored: { type: string; config_json: unknown } | undefined): Omit<PersonContext, 'receivedAtMs'> {
  const source = stored && sources.get(stored.type);
  const parsed = source?.config.safeParse(stored?.config_json);
  return { source, config: parsed?.success ? parsed.data : undefined, country: countryOf(stored?.config_json) };
}
