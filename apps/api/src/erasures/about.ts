import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { countryOf } from '@tributary/pipeline/columns.ts';
import { type Person, type PersonContext, searchDelivery } from '@tributary/pipeline/privacy/person.ts';
import { processDelivery } from '@tributary/pipeline/process.ts';
import type { Body, Delivery } from '@tributary/pipeline/source.ts';
import { sources } from '@tributary/pipeline/sources.ts';
import { bodyOf, openEntry } from '../deliveries/reopen.ts';
import type { JournalEntry } from '../deliveries/store.ts';
import type { OrgKeys } from '../tenancy/org-keys.ts';

/** A stored delivery that may name the person. */
interface Searched {
  person: Person;
  entry: JournalEntry;
  keys: OrgKeys;
  /** The connection of the delivery; undefined when its rows are gone. */
  reader: { type: string; config_json: unknown } | undefined;
}

export interface About {
  /** Whether the delivery names the person. */
  named: boolean;
  /** The idempotency keys of its records that name the person: their events lose what they hold of the record. */
  recordKeys: string[];
}

/** Searches a delivery for a person, and lets other work run in between. Throws when the entry cannot be opened. */
export async function searchEntry({ person, entry, keys, reader }: Searched): Promise<About> {
  const { delivery, head, receivedAtMs } = openEntry(entry, keys);
  const body = bodyOf(delivery);
  const context = { ...readerFrom(reader), receivedAtMs };
  const search = searchDelivery(person, delivery, body, context);
  let step = search.next();
  while (!step.done) {
    await nextTurn();
    step = search.next();
  }
  const { named, records } = step.value;
  if (records.length === 0 || body === undefined || entry.outcome === 'rejected') return { named, recordKeys: [] };
  return { named, recordKeys: keysOf(entry, keys, { delivery, body, isTest: head.isTest === true }, context, new Set(records)) };
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
    record?.ok ? [record.event.idempotency_key] : [],
  );
}

/** Returns how the deliveries of a connection are read. */
function readerFrom(stored: Searched['reader']): Omit<PersonContext, 'receivedAtMs'> {
  const source = stored && sources.get(stored.type);
  const parsed = source?.config.safeParse(stored?.config_json);
  return { source, config: parsed?.success ? parsed.data : undefined, country: countryOf(stored?.config_json) };
}
