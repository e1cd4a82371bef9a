import type { OrgKeys } from '../tenancy/org-keys.ts';
import { openEntry } from './reopen.ts';
import type { JournalEntry } from './store.ts';

/** A body of this size is verified, read, hashed and sealed within some milliseconds, unless it has many values. */
const lightBytesMax = 32_768;
/** Values of a body that are read within some milliseconds, also when each of them becomes a record or a dead letter. A purchase has about 150. */
const lightValuesMax = 400;

const comma = 0x2c;
const openBracket = 0x5b;
const openBrace = 0x7b;
const ampersand = 0x26;
const newline = 0x0a;

/**
 * Whether reading a body could keep the event loop busy: it is large, or has many values. The values are counted by the characters that stand
 * between them, without telling texts from syntax, so that the count costs about a nanosecond for a byte.
 */
export function isHeavyBody(raw: Uint8Array): boolean {
  if (raw.byteLength > lightBytesMax) return true;
  if (raw.byteLength <= lightValuesMax) return false;
  let values = 0;
  for (let at = 0; at < raw.length; at++) {
    const byte = raw[at];
    if (byte === comma || byte === openBrace || byte === openBracket || byte === ampersand) values += 1;
    // The next line of NDJSON, and not one of an indented text.
    else if (byte === newline && raw[at + 1] !== 0x20 && raw[at + 1] !== 0x09) values += 1;
  }
  return values > lightValuesMax;
}

/** Whether the body of a stored delivery is heavy. A large one is opened only where it is read. */
export function isHeavyEntry(entry: JournalEntry, keys: OrgKeys): boolean {
  if (entry.sealed.length > lightBytesMax) return true;
  try {
    return isHeavyBody(openEntry(entry, keys).delivery.raw);
  } catch {
    // Opening it again says why it cannot be opened.
    return false;
  }
}
