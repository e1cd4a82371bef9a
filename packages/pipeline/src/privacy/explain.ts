import { type FieldNote, fieldNotesMax, fieldPathCharsMax, fieldsMax, type KeptField } from '@tributary/shared/kept.ts';
import { isObject } from '../reading/fields.ts';
import { type Json, type RawRecord, type Reading, RecordError, type Source, type Subject } from '../source.ts';
import { finishKept, keep, prepareSearch } from './keep.ts';
import { maskText } from './mask.ts';
import { identifierKinds } from './pii.ts';
import { keptPaths } from './record.ts';
import { collectIdentifier, newRecordPerson, type RecordPerson } from './record-person.ts';

/** Leaves of one record that are looked at. */
const notesMax = 20_000;

/**
 * What happens to each field of these records, and why, by the same walk that redacts them. Places in lists become `*`, and each path is listed once
 * with each fate, with what the source notes about reading them. Values are never repeated. Reads at most `fieldsMax` different fields; `isCut` says
 * that there are more.
 */
export function explainRecords(
  source: Source,
  records: readonly RawRecord[],
  { config, headers, receivedAtMs }: { config: unknown; headers: Readonly<Record<string, string | undefined>>; receivedAtMs: number },
): { fields: KeptField[]; notes: FieldNote[]; isCut: boolean } {
  const fields = new Map<string, KeptField>();
  const readingNotes = new Map<string, FieldNote>();
  let isCut = false;
  const add = (path: string, fate: KeptField['fate'], reason: KeptField['reason']) => {
    const whole = path.replace(/\.\d+(?=\.|$)/g, '.*');
    const shown = whole.length > fieldPathCharsMax ? `${whole.slice(0, fieldPathCharsMax - 1)}…` : whole;
    const key = `${shown} ${fate} ${reason}`;
    if (fields.size >= fieldsMax && !fields.has(key)) isCut = true;
    else fields.set(key, { path: shown, fate, reason });
  };
  for (const record of records) {
    const paths = keptPaths(source, config, record.value);
    if (paths === undefined) continue;
    const { subject = {}, notes: read = [] } = readingOf(source, record, { config, headers, receivedAtMs });
    const person = newRecordPerson();
    for (const kind of identifierKinds) if (subject[kind] !== undefined) collectIdentifier(person, subject[kind], kind);
    const hashed = new Set(hashedPaths(record.value, subject));
    const notes: KeptField[] = [];
    const note = (path: string, fate: KeptField['fate'], reason: KeptField['reason']) => {
      if (notes.length < notesMax && !hashed.has(path)) notes.push({ path, fate, reason });
    };
    try {
      const kept = keep(record.value, paths, person, { asSample: true, note });
      prepareSearch(kept, [...hashed]);
      finishKept(kept, { personalIds: (text) => text, digest: () => '' }, note);
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
    }
    for (const one of read) {
      const key = `${one.code} ${one.path}`;
      if (readingNotes.size < fieldNotesMax && !readingNotes.has(key)) readingNotes.set(key, one);
    }
    // The name of a field may be an identifier itself.
    for (const { path, fate, reason } of notes) add(maskPath(path, person), fate, reason);
    // A branch that is dropped whole is told once, and the identifiers in it are hashed nevertheless.
    for (const path of hashed) add(maskPath(path, person), 'hashed', 'identifier');
  }
  return { fields: [...fields.values()], notes: [...readingNotes.values()], isCut };
}

/** Characters of a path that are searched for identifiers: more than are shown, because masking may shorten them. */
const searchedChars = 1_000;
/** Characters that the name of a field may have (keep.ts). */
const nameCharsMax = 100;

/** The path without identifiers in it. Of a long path the beginning, without its last name, of which only a part was searched. */
function maskPath(path: string, person: RecordPerson): string {
  if (path.length <= searchedChars) return maskText(path, person);
  return `${maskText(path.slice(0, searchedChars), person).slice(0, -nameCharsMax)}…`;
}

function readingOf(
  source: Source,
  record: RawRecord,
  context: { config: unknown; headers: Readonly<Record<string, string | undefined>>; receivedAtMs: number },
): Pick<Reading, 'subject' | 'notes'> {
  try {
    return source.read(record, context);
  } catch {
    return {};
  }
}

/** Where the identifiers of the subject stand in the record. */
function hashedPaths(record: Json, subject: Subject): string[] {
  const wanted = new Set(Object.values(subject).flatMap((text) => (text === undefined || text.trim() === '' ? [] : [text.trim()])));
  const found: string[] = [];
  const walk = (value: Json, path: string, depth: number): void => {
    if (depth > 100 || found.length >= fieldsMax) return;
    if (Array.isArray(value))
      for (const [index, item] of value.entries()) walk(item, path === '' ? String(index) : `${path}.${index}`, depth + 1);
    else if (isObject(value)) for (const [key, item] of Object.entries(value)) walk(item, path === '' ? key : `${path}.${key}`, depth + 1);
    else if ((typeof value === 'string' || typeof value === 'number') && wanted.has(String(value).trim())) found.push(path);
  };
  if (wanted.size > 0) walk(record, '', 0);
  return found;
}
