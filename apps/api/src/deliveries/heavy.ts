import type { OrgKeys } from '../tenancy/org-keys.ts';
import { openEntry } from './reopen.ts';
import type { JournalEntry } from './store.ts';

/** What a body may have at most that is read on the event loop. */
interface LightBody {
  bytes: number;
  values: number;
}

/** Read in one go, within some milliseconds also when each value becomes a record or a dead letter. A purchase has about 150 values. */
const inOneGo: LightBody = { bytes: 32_768, values: 400 };
/**
 * Read in steps of one record (desk.ts), so that only what a single record costs holds the event loop. Measured with all shapes of chaos/src/shapes.ts: the
 * dearest record of 2,500 values takes as long as 50 purchases (each value is a name under another key), that of 80 KiB as long as 40 (keys of 120 characters).
 * A hundred records of a form have 2,100 values in 50 KB.
 */
const inSteps: LightBody = { bytes: 81_920, values: 2_500 };

const comma = 0x2c;
const openBracket = 0x5b;
const openBrace = 0x7b;
const ampersand = 0x26;
const newline = 0x0a;

/** Whether reading a body could keep the event loop busy, although it is read in steps. */
export const isHeavyInSteps = (raw: Uint8Array): boolean => exceeds(raw, inSteps);

/** Whether reading a body in one go could keep the event loop busy. */
export const isHeavyBody = (raw: Uint8Array): boolean => exceeds(raw, inOneGo);

/**
 * Whether the body is larger, or has more values. The values are counted by the characters that stand between them, without telling texts from syntax,
 * so that the count costs about a nanosecond for a byte.
 */
function exceeds(raw: Uint8Array, most: LightBody): boolean {
  if (raw.byteLength > most.bytes) return true;
  if (raw.byteLength <= most.values) return false;
  let values = 0;
  for (let at = 0; at < raw.length; at++) {
    const byte = raw[at];
    if (byte === comma || byte === openBrace || byte === openBracket || byte === ampersand) values += 1;
    // The next line of NDJSON, and not one of an indented text.
    else if (byte === newline && raw[at + 1] !== 0x20 && raw[at + 1] !== 0x09) values += 1;
  }
  return values > most.values;
}

/** Whether the body of a stored delivery is heavy. A large one is opened only where it is read. */
export function isHeavyEntry(entry: JournalEntry, keys: OrgKeys): boolean {
  if (entry.sealed.length > inOneGo.bytes) return true;
  try {
    return isHeavyBody(openEntry(entry, keys).delivery.raw);
  } catch {
    // Opening it again says why it cannot be opened.
    return false;
  }
}
