import { journalAad, open } from '@tributary/pipeline/crypto/seal.ts';
import { type JournalHead, unpackDelivery } from '@tributary/pipeline/journal.ts';
import { decodeBody } from '@tributary/pipeline/reading/body.ts';
import { type Body, type Delivery, RecordError } from '@tributary/pipeline/source.ts';
import type { OrgKeys } from '../tenancy/org-keys.ts';
import type { Connection } from './connection-cache.ts';
import { validSecrets } from './connection-cache.ts';
import type { Arrival } from './prepare.ts';
import type { JournalEntry } from './store.ts';

/** A delivery from the journal, ready for the pipeline. */
export interface Reopened {
  /** The delivery as it arrived, without the credentials in its URL and body, which were redacted before the delivery was sealed. */
  arrival: Arrival & { replay: { of: string; nowMs: number } };
  head: JournalHead;
}

/**
 * Opens a journal entry with the org's key. Its time of arrival is that of the first delivery in its chain of replays.
 * Throws when the key is missing, and SealError when the entry is damaged or was tampered with.
 */
export function reopen(entry: JournalEntry, connection: Connection, nowMs: number): Reopened {
  const { delivery, head, receivedAtMs } = openEntry(entry, connection.keys);
  const arrival = {
    connection,
    delivery,
    secrets: validSecrets(connection, nowMs),
    receivedAtMs,
    isTest: head.isTest === true,
    replay: { of: entry.id, nowMs },
  };
  return { arrival, head };
}

interface Opened {
  delivery: Delivery;
  head: JournalHead;
  receivedAtMs: number;
}

/** Entries that were opened to see whether they are heavy. They are not opened again to be read. */
const openedEntries = new WeakMap<JournalEntry, Opened>();

/** Opens the sealed part of a journal entry, whose connection need not exist any more. Throws as {@link reopen} does. */
export function openEntry(entry: JournalEntry, keys: OrgKeys): Opened {
  const opened = openedEntries.get(entry) ?? openSealed(entry, keys);
  openedEntries.set(entry, opened);
  return opened;
}

function openSealed(entry: JournalEntry, keys: OrgKeys): Opened {
  const key = keys.data.get(entry.key_version);
  if (!key) throw new Error(`data key ${entry.key_version} of org ${entry.org_id} is missing`);
  const { head, raw } = unpackDelivery(Buffer.from(open(key, entry.sealed, journalAad(entry.org_id, entry.id))));
  const delivery = { method: head.method, url: head.url, headers: head.headers, raw };
  return { delivery, head, receivedAtMs: Date.parse(head.receivedAt ?? entry.received_at) };
}

/** The body of a stored delivery; undefined when its bytes cannot be decoded. */
export function bodyOf(delivery: Delivery): Body | undefined {
  try {
    return decodeBody(delivery);
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    return undefined;
  }
}
