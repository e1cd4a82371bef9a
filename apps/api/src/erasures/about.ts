import { countryOf } from '@tributary/pipeline/columns.ts';
import { namesPerson, type Person, type PersonContext } from '@tributary/pipeline/privacy/person.ts';
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
  /** Set when the delivery could not be read within the bounds of a thread: its words are searched without reading it. */
  asWords?: boolean;
}

/**
 * Searches a delivery for a person. A large delivery that was rejected is not proved genuine, so that it is not parsed: its words and quoted
 * texts are searched.
 */
export const searchTask: Task<Searched, boolean> = {
  name: 'erase',
  isHeavy: ({ entry, keys }) => isHeavyEntry(entry, keys),
  run({ person, entry, keys, reader, asWords }) {
    const { delivery, receivedAtMs } = openEntry(entry, keys);
    const body = asWords || (entry.outcome === 'rejected' && isHeavyBody(delivery.raw)) ? undefined : bodyOf(delivery);
    return namesPerson(person, delivery, body, { ...readerFrom(reader), receivedAtMs });
  },
  pack: (searched) => ({ ...searched, keys: packKeys(searched.keys) }),
  unpack: (searched: Searched) => searched,
};

/** Returns whether the delivery names the person. Throws when the entry cannot be opened. */
export async function isAbout(threads: Threads, searched: Searched): Promise<boolean> {
  try {
    return await runBehind(threads, searchTask, searched);
  } catch (error) {
    if (!(error instanceof ThreadFailure) || searched.asWords) throw error;
    return isAbout(threads, { ...searched, asWords: true });
  }
}

/** Returns how the deliveries of a connection are read. */
function readerFrom(stored: Searched['reader']): Omit<PersonContext, 'receivedAtMs'> {
  const source = stored && sources.get(stored.type);
  const parsed = source?.config.safeParse(stored?.config_json);
  return { source, config: parsed?.success ? parsed.data : undefined, country: countryOf(stored?.config_json) };
}
