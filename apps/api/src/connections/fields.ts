import type { MasterKeys } from '@tributary/pipeline/crypto/master-keys.ts';
import { explainRecords } from '@tributary/pipeline/privacy/explain.ts';
import { recordsOf } from '@tributary/pipeline/reading/records.ts';
import { type Delivery, type RawRecord, RecordError, type Source } from '@tributary/pipeline/source.ts';
import { sources } from '@tributary/pipeline/sources.ts';
import type { ConnectionFields } from '@tributary/shared/kept.ts';
import type { Logger } from 'pino';
import { isHeavyEntry } from '../deliveries/heavy.ts';
import { packKeys } from '../deliveries/packed.ts';
import { bodyOf, openEntry } from '../deliveries/reopen.ts';
import { findJournalEntries, type JournalEntry } from '../deliveries/store.ts';
import type { Claims, Db } from '../platform/db.ts';
import { Refusal } from '../platform/refusal.ts';
import { runBehind, type Task, ThreadFailure, type Threads } from '../platform/threads.ts';
import { loadOrgKeys, type OrgKeys } from '../tenancy/org-keys.ts';
import { findConnection, findExplainable, isExplainable } from './store.ts';

/** Records of one delivery that are explained: the records of a delivery are alike. */
const recordsMax = 20;

export interface FieldsDeps {
  db: Db;
  masterKeys: MasterKeys;
  threads: Threads;
  log: Logger;
}

interface Explained {
  entry: JournalEntry;
  keys: OrgKeys;
  type: string;
  config: unknown;
}

/** What happens to each field of a delivery. It reads a body that a sender made, so that what is heavy runs on a thread. */
export const explainTask: Task<Explained, ConnectionFields | undefined> = {
  name: 'explain',
  isHeavy: ({ entry, keys }) => isHeavyEntry(entry, keys),
  run: explain,
  pack: (explained) => ({ ...explained, keys: packKeys(explained.keys) }),
  unpack: (explained: Explained) => explained,
};

/** Undefined when the sealed body cannot be opened with the keys of the org. */
function explain({ entry, keys, type, config }: Explained): ConnectionFields | undefined {
  const source = sources.get(type);
  const settings = source?.config.safeParse(config);
  if (!source || !settings?.success) return nothing;
  let opened: ReturnType<typeof openEntry>;
  try {
    opened = openEntry(entry, keys);
  } catch {
    return undefined;
  }
  const { delivery, receivedAtMs } = opened;
  const records = firstRecords(source, delivery, settings.data);
  const context = { config: settings.data, headers: delivery.headers, receivedAtMs };
  return {
    journalId: entry.id,
    receivedAt: new Date(receivedAtMs).toISOString(),
    records: records.length,
    ...explainRecords(source, records, context),
  };
}

/** The first records that can be read: a delivery that cannot be cut into records has none. */
function firstRecords(source: Source, delivery: Delivery, config: unknown): RawRecord[] {
  const records: RawRecord[] = [];
  const body = bodyOf(delivery);
  if (body === undefined) return records;
  try {
    for (const record of recordsOf(source, delivery, body, config)) {
      records.push(record);
      if (records.length === recordsMax) break;
    }
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
  }
  return records;
}

const nothing: ConnectionFields = { journalId: null, receivedAt: null, records: 0, fields: [], notes: [], isCut: false };

/**
 * What is stored of the newest readable delivery of the connection, or of the delivery that the caller names, by the settings as they are now. The
 * caller's RLS decides which connection and delivery are found; the delivery is opened as `worker`, and no value of it is answered.
 */
export async function explainFields(
  { db, masterKeys, threads, log }: FieldsDeps,
  claims: Claims,
  id: string,
  journalId: string | undefined,
): Promise<ConnectionFields> {
  const found = await db.as(claims, async (sql) => {
    const connection = await findConnection(sql, id);
    if (!connection) throw new Refusal('not_found', 'there is no such connection');
    if (journalId === undefined) return { connection, delivery: await findExplainable(sql, connection) };
    return { connection, delivery: (await isExplainable(sql, connection, journalId)) ? journalId : undefined };
  });
  const { connection, delivery } = found;
  if (delivery === undefined) return nothing;
  const entry = (await db.onBehalfOf(claims).worker((sql) => findJournalEntries(sql, [delivery]))).get(delivery);
  // The body may have been erased or dropped since the delivery was found.
  if (entry === undefined || entry.org_id !== connection.org_id) return nothing;
  const keys = await loadOrgKeys(db.onBehalfOf(claims), masterKeys, connection.org_id, log);
  const input = { entry, keys, type: connection.type, config: connection.config_json };
  const explained = await runBehind(threads, explainTask, input).catch((error: unknown) => {
    if (!(error instanceof ThreadFailure)) throw error;
    throw new Refusal('conflict', 'the body of this delivery takes more memory or time to read than a delivery may');
  });
  if (!explained) throw new Refusal('conflict', 'the sealed body of this delivery cannot be opened with the keys of the org');
  return explained;
}
