import { isObject, isSameList } from '../reading/fields.ts';
import type { JsonObject, KeptFields, RawRecord, Reading, Source } from '../source.ts';
import { finishKept, type IdDigests, type Kept, keep, prepareSearch } from './keep.ts';
import { compileKept } from './kept-paths.ts';
import { digestPersonalIds, idDigest } from './personal-ids.ts';
import { identifierKinds } from './pii.ts';
import { type PlaceTable, placesFor } from './places.ts';
import { collectIdentifier, newRecordPerson } from './record-person.ts';
import { sampleOf } from './sample.ts';
import { type RecordPrivacy, type Screen, screenFor } from './screen.ts';

/** What stands in the columns of a delivery that could not be split into records. */
export const unreadScreen: Screen = screenFor(newRecordPerson(), () => '');

export function openRecord(
  source: Source,
  record: RawRecord,
  { config, digestKey }: { config: unknown; digestKey: Uint8Array },
): RecordPrivacy {
  const paths = keptPaths(source, config, record.value);
  const person = newRecordPerson();
  const ids = idDigests(source, digestKey);
  let kept: Kept | undefined;
  return {
    screen: screenFor(person, ids.digest),
    keep() {
      if (record.envelope !== undefined) keep(record.envelope, paths, person, { asSample: true });
      kept = keep(record.value, paths, person);
    },
    withoutPersonalIds: (reading) => withoutPersonalIds(reading, ids, source),
    search(subject, columns) {
      for (const kind of identifierKinds) if (subject?.[kind] !== undefined) collectIdentifier(person, subject[kind], kind);
      if (kept) prepareSearch(kept, columns);
    },
    properties: () => (kept === undefined ? {} : finishKept(kept, ids)),
    sample: () => sampleOf(record.value, paths, person, ids),
  };
}

/** How the ids of an org's records are stored. */
export function idDigests(source: Pick<Source, 'personalIds'>, digestKey: Uint8Array): IdDigests {
  return {
    personalIds: (text) => digestPersonalIds(text, source, digestKey),
    digest: (id) => `id:${idDigest(digestKey, id)}`,
  };
}

function withoutPersonalIds(reading: Reading, { personalIds }: IdDigests, source: Source): Reading {
  if (source.personalIds === undefined) return reading;
  const clean = (text: string | undefined) => (text === undefined ? undefined : personalIds(text));
  return {
    ...reading,
    type: personalIds(reading.type),
    sourceEventType: personalIds(reading.sourceEventType),
    sourceEventId: clean(reading.sourceEventId),
    idempotencyKey: clean(reading.idempotencyKey),
    orderRef: clean(reading.orderRef),
    attribution:
      reading.attribution && Object.fromEntries(Object.entries(reading.attribution).map(([key, value]) => [key, personalIds(value)])),
  };
}

interface Compiled {
  credentials: readonly string[];
  keepsStaff: boolean;
  table: PlaceTable;
}

const variantsMax = 16;
/** Compiled once for each table of kept fields: a source returns the same table for the same config and kind of record. */
const compiled = new WeakMap<KeptFields, Compiled[]>();

/** What of a record of the source is kept under this config. */
export function keptPaths(source: Source, config: unknown, record: JsonObject): PlaceTable {
  const fields = source.keptFor(config, record);
  const credentials = (source.credentialsFor?.(config) ?? source.credentials).body;
  const keepsStaff = isObject(config) && config.staff === 'keep';
  const variants = compiled.get(fields) ?? [];
  for (const known of variants) if (known.keepsStaff === keepsStaff && isSameList(known.credentials, credentials)) return known.table;
  const table = placesFor(compileKept(fields, credentials, keepsStaff));
  if (variants.length < variantsMax) variants.push({ credentials, keepsStaff, table });
  compiled.set(fields, variants);
  return table;
}
