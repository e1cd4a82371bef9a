import { setImmediate as nextTurn } from 'node:timers/promises';
import { idempotencyKeyDigest } from '@tributary/pipeline/columns.ts';
import type { MasterKeys } from '@tributary/pipeline/crypto/master-keys.ts';
import { digestPersonalIds } from '@tributary/pipeline/privacy/personal-ids.ts';
import type { Source } from '@tributary/pipeline/source.ts';
import { sources } from '@tributary/pipeline/sources.ts';
import type { Logger } from 'pino';
import { textTables } from '../deliveries/text-tables.ts';
import { continueIn } from '../leases/continue.ts';
import { defaultSliceMs, type Follower, LeaseLost, runLeases, type StepResult } from '../leases/run.ts';
import { type Db, isTooSlow, isUnavailable } from '../platform/db.ts';
import type { Task } from '../platform/jobs.ts';
import { loadOrgKeys } from '../tenancy/org-keys.ts';
import { requireNotHeld } from '../tenancy/require-not-held.ts';
import {
  type ClaimedConversion,
  claimConversions,
  convertKeys,
  findConnections,
  findKeys,
  findTexts,
  type Place,
  releaseConversion,
  replaceTexts,
  saveConversion,
} from './store.ts';

export interface ConversionDeps {
  db: Db;
  masterKeys: MasterKeys;
  log: Logger;
}

export interface ConversionLimits {
  sliceMs: number;
  leaseSeconds: number;
  /** Keys or rows of one step. */
  rowsMax: number;
}

const conversionLimits: ConversionLimits = { sliceMs: defaultSliceMs, leaseSeconds: 30, rowsMax: 300 };
const orgsMax = 4;
const heldWaitMs = 60_000;

/**
 * Replaces ids that contain a person's identifier by their digests in what was stored before new events got the digests, org by org. A step is
 * one transaction with its checkpoint: a process that dies repeats nothing.
 */
export function conversionTasks(deps: ConversionDeps, limits: ConversionLimits = conversionLimits): Record<string, Task> {
  return { 'ids.convert': { everySeconds: 30, run: (_payload, { signal }) => runConversions(deps, limits, signal) } };
}

/** An org at work in this process. */
interface Work extends ClaimedConversion {
  /** Set at the first step. */
  org?: Org;
  at: Place;
}

interface Org {
  digestKey: Uint8Array;
  /** The connections whose sources have such ids, by id. */
  sources: ReadonlyMap<string, Source>;
}

async function runConversions({ db, masterKeys, log }: ConversionDeps, limits: ConversionLimits, signal: AbortSignal): Promise<void> {
  const { leaseSeconds, rowsMax } = limits;
  const release = (orgId: string, owner: string, waitMs: number, waitsFor: string | null) =>
    db.worker((sql) => releaseConversion(sql, orgId, owner, waitMs / 1000, waitsFor));
  const follower: Follower<Work> = {
    async claim(owner, most, holding) {
      const claimed = await db.worker((sql) => claimConversions(sql, owner, leaseSeconds, most, holding));
      return claimed.map((one) => ({
        ...one,
        at: one.place === null ? { connection: null, key: null } : (JSON.parse(one.place) as Place),
      }));
    },
    step,
    release: ({ org_id }, owner, waitMs) => release(org_id, owner, waitMs, null),
    onBlocked: ({ org_id }, owner, reason) => release(org_id, owner, heldWaitMs, reason),
    async onFailure({ org_id }, owner, error) {
      if (isUnavailable(error) && !isTooSlow(error)) throw error;
      log.error({ err: error, orgId: org_id }, 'stored ids of an org could not be replaced: the step is tried again');
      await release(org_id, owner, heldWaitMs, 'an internal error: the log of the server says why');
    },
  };
  await continueIn(db, 'ids.convert', await runLeases(follower, { signal, log, sliceMs: limits.sliceMs, atOnce: orgsMax }));

  async function step(work: Work, owner: string): Promise<StepResult> {
    work.org ??= await openOrg(work.org_id);
    const { org } = work;
    if (org.sources.size === 0) return await finish(work, owner, 0);
    return 'key' in work.at ? convertNextKeys(work, org, owner, work.at) : convertNextRows(work, org, owner, work.at);
  }

  async function openOrg(orgId: string): Promise<Org> {
    const connections = await db.worker((sql) => findConnections(sql, orgId));
    const found = connections.flatMap(({ id, type }) => {
      const source = sources.get(type);
      return source?.personalIds === undefined ? [] : [[id, source] as const];
    });
    if (found.length === 0) return { digestKey: new Uint8Array(), sources: new Map() };
    const { digestKey } = await loadOrgKeys(db, masterKeys, orgId, log);
    return { digestKey, sources: new Map(found) };
  }

  /** Keys are kept for ever, also those of events that retention has removed. */
  async function convertNextKeys(work: Work, org: Org, owner: string, at: Extract<Place, { key: unknown }>): Promise<StepResult> {
    const keys = await db.worker((sql) => findKeys(sql, [...org.sources.keys()], at, rowsMax));
    const changed = keys.flatMap(({ source_connection_id, idempotency_key: former }) => {
      const key = digested(former, [org.sources.get(source_connection_id)], org.digestKey);
      const spare = `hmac:${idempotencyKeyDigest(org.digestKey, source_connection_id, former)}`;
      return key === former ? [] : [{ source_connection_id, idempotency_key: key, former_key: former, spare_key: spare }];
    });
    const last = keys.at(-1);
    const next: Place = last ? { connection: last.source_connection_id, key: last.idempotency_key } : { table: 0, at: null, id: null };
    await db.worker(async (sql) => {
      await requireNotHeld(sql, work.org_id);
      await convertKeys(sql, changed);
      await checkpoint(sql, work, owner, { place: next, seen: keys.length, changed: changed.length });
    });
    work.at = next;
    return 'more';
  }

  async function convertNextRows(work: Work, org: Org, owner: string, at: Extract<Place, { table: number }>): Promise<StepResult> {
    if (at.table >= textTables.length) return finish(work, owner, 0);
    const rows = await db.worker((sql) => findTexts(sql, work.org_id, at, rowsMax));
    const all = [...new Set(org.sources.values())];
    const changed = rows.flatMap(({ texts: was, ...row }) => {
      const { source_connection_id: connectionId } = JSON.parse(was) as { source_connection_id?: string };
      const texts = digestedJson(was, connectionId === undefined ? all : [org.sources.get(connectionId)], org.digestKey);
      return texts === was ? [] : [{ ...row, was, texts }];
    });
    const last = rows.at(-1);
    const next = last ? { ...at, at: last.at, id: last.id } : { table: at.table + 1, at: null, id: null };
    await nextTurn();
    const isWhole = await db.worker(async (sql) => {
      await requireNotHeld(sql, work.org_id);
      const replaced = await replaceTexts(sql, work.org_id, at.table, changed);
      // A row that changed meanwhile is looked at again.
      const isWhole = replaced === changed.length;
      await checkpoint(sql, work, owner, { place: isWhole ? next : at, seen: isWhole ? rows.length : 0, changed: replaced });
      return isWhole;
    });
    if (isWhole) work.at = next;
    return 'more';
  }

  async function finish(work: Work, owner: string, changed: number): Promise<StepResult> {
    await db.worker((sql) => checkpoint(sql, work, owner, { place: work.at, seen: 0, changed, isDone: true }));
    if (work.org && work.org.sources.size > 0)
      log.info({ orgId: work.org_id }, 'the stored ids of an org that contained identifiers are replaced');
    return 'done';
  }

  async function checkpoint(
    sql: Parameters<typeof saveConversion>[0],
    { org_id }: Work,
    owner: string,
    progress: { place: Place; seen: number; changed: number; isDone?: boolean },
  ): Promise<void> {
    if (!(await saveConversion(sql, org_id, owner, { isDone: false, ...progress, leaseSeconds }))) throw new LeaseLost();
  }
}

/** The JSON text with the ids in its strings, and in the names of its fields, replaced. */
function digestedJson(json: string, from: readonly (Source | undefined)[], digestKey: Uint8Array): string {
  return json.replace(/"(?:[^"\\]|\\.)*"/g, (literal) => {
    const text = JSON.parse(literal) as string;
    const clean = digested(text, from, digestKey);
    return clean === text ? literal : JSON.stringify(clean);
  });
}

function digested(text: string, from: readonly (Source | undefined)[], digestKey: Uint8Array): string {
  return from.reduce((clean, source) => (source ? digestPersonalIds(clean, source, digestKey) : clean), text);
}
