import { randomBytes } from 'node:crypto';
import { countryOf } from '@tributary/pipeline/columns.ts';
import { findPerson, type Person, type PersonContext } from '@tributary/pipeline/privacy/person.ts';
import { processDelivery } from '@tributary/pipeline/process.ts';
import type { Body, Delivery } from '@tributary/pipeline/source.ts';
import { sources } from '@tributary/pipeline/sources.ts';
import { isHeavyBody, isHeavyEntry } from '../deliveries/heavy.ts';
import { packKeys } from '../deliveries/packed.ts';
import { bodyOf, openEntry } from '../deliveries/reopen.ts';
import type { JournalEntry } from '../deliveries/store.ts';
import { runBehind, type Task, ThreadFailure, type Threads } from '../platform/threads.ts';
import type { OrgKeys } from '../tenancy/org-keys.ts';

/** A stored delivery that may name the person. */
interface Searched {
  person: Person;
  entry: JournalEntry;
  keys: OrgKeys;
  /** The connection of the delivery; undefined when its rows are gone. */
  reader: { type: string; config_json: unknown } | undefined;
  /** Set when the delivery could not be read within the bounds of a thread: its text is searched without reading it. */
  asText?: boolean;
}

export interface About {
  /** Whether the delivery names the person. */
  named: boolean;
  /** The idempotency keys of its records that name the person: their events lose what they hold of the record. */
  recordKeys: string[];
}

/**
 * Searches a delivery for a person. A large delivery that was rejected is not proved genuine, so that it is not parsed: its text is searched.
 */
export const searchTask: Task<Searched, About> = {
  name: 'erase',
  isHeavy: ({ entry, keys }) => isHeavyEntry(entry, keys),
  run({ person, entry, keys, reader, asText }) {
    const { delivery, head, receivedAtMs } = openEntry(entry, keys);
    const body = asText || (entry.outcome === 'rejected' && isHeavyBody(delivery.raw)) ? undefined : bodyOf(delivery);
    const context = { ...readerFrom(reader), receivedAtMs };
    const { named, records } = findPerson(person, delivery, body, context);
    if (records.length === 0 || body === undefined || entry.outcome === 'rejected') return { named, recordKeys: [] };
    return { named, recordKeys: keysOf(entry, keys, { delivery, body, isTest: head.isTest === true }, context, new Set(records)) };
  },
  pack: (searched) => ({ ...searched, keys: packKeys(searched.keys) }),
  unpack: (searched: Searched) => searched,
};

/** Throws when the entry cannot be opened. */
export async function searchEntry(threads: Threads, searched: Searched): Promise<About> {
  try {
    return await runBehind(threads, searchTask, searched);
  } catch (error) {
    if (!(error instanceof ThreadFailure) || searched.asText) throw error;
    return searchEntry(threads, { ...searched, asText: true });
  }
}

/** The idempotency keys of the wanted records, as the pipeline makes them. */
function keysOf(
  entry: JournalEntry,
  keys: OrgKeys,
  { delivery, body, isTest }: { delivery: Delivery; body: Body; isTest: boolean },
  { source, config, receivedAtMs }: PersonContext,
  wanted: ReadonlySet<number>,
): string[] {
  if (source === undefined) return [];
  const context = {
    orgId: entry.org_id,
    projectId: entry.org_id,
    connectionId: entry.source_connection_id,
    journalId: entry.id,
    config,
    // Only the keys of the rows are used, and they do not depend on the hash key.
    hashKey: { version: 1, key: new Uint8Array(randomBytes(32)) },
    digestKey: keys.digestKey,
    erasedKeys: keys.erasedKeys,
    receivedAtMs,
    nowMs: receivedAtMs,
    isTest,
    newId: () => entry.id,
  };
  return processDelivery(source, delivery, body, context, (index) => wanted.has(index)).flatMap((record) =>
    record?.ok ? [record.event.idempotency_key, ...(record.formerKey === undefined ? [] : [record.formerKey])] : [],
  );
}

/** Returns how the deliveries of a connection are read. */
function readerFrom(stored: Searched['reader']): Omit<PersonContext, 'receivedAtMs'> {
  const source = stored && sources.get(stored.type);
  const parsed = source?.config.safeParse(stored?.config_json);
  return { source, config: parsed?.success ? parsed.data : undefined, country: countryOf(stored?.config_json) };
}
