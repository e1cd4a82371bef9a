import type { ExplainedField, ExplainedRecord } from '@tributary/shared/kept.ts';
import { at, cut } from '../reading/fields.ts';
import type { Delivery, Json, RawRecord, Source, Subject } from '../source.ts';
import { finishKept, keep, type Note, prepareSearch } from './keep.ts';
import { maskText } from './mask.ts';
import { identifierKinds } from './pii.ts';
import { idDigests, keptPaths } from './record.ts';
import { collectIdentifier, newRecordPerson, type RecordPerson } from './record-person.ts';

const fieldsMax = 500;
const valueCharsMax = 200;

/**
 * What is kept of a record under a config, field by field, and why: by the same walk that makes the event. A record that the source cannot read is
 * explained without its subject. A value that is dropped is not repeated, and neither is a name of a field that is an identifier.
 */
export function explainRecord(
  source: Source,
  record: RawRecord,
  {
    config,
    digestKey,
    headers,
    receivedAtMs,
  }: { config: unknown; digestKey: Uint8Array; headers: Delivery['headers']; receivedAtMs: number },
): ExplainedRecord {
  const person = newRecordPerson();
  const paths = keptPaths(source, config, record.value);
  const fields: ExplainedField[] = [];
  const note: Note = (path, fate, reason, stored) =>
    fields.push({ path, fate, reason, ...(stored === undefined ? {} : { value: shown(stored) }) });
  const subject = subjectOf(() => source.read(record, { config, headers, receivedAtMs }).subject);
  if (record.envelope !== undefined) keep(record.envelope, paths, person, { asSample: true });
  const kept = keep(record.value, paths, person, { asSample: true, note });
  for (const kind of identifierKinds) if (subject[kind] !== undefined) collectIdentifier(person, subject[kind], kind);
  prepareSearch(kept, []);
  finishKept(kept, idDigests(source, digestKey), note);
  person.mayOccur = true;
  const hashed = identifierKinds.flatMap((kind): ExplainedField[] =>
    subject[kind] === undefined ? [] : [{ path: `subject.${kind}`, fate: 'hashed', reason: 'subject' }],
  );
  const explained = fields
    .map((field) => withSubject(field, at(record.value, field.path), subject))
    .map((field) => withPath(field, person));
  explained.sort((a, b) => a.path.localeCompare(b.path, 'en', { numeric: true }));
  return { fields: [...hashed, ...explained].slice(0, fieldsMax), truncated: hashed.length + explained.length > fieldsMax };
}

function subjectOf(read: () => Subject | undefined): Subject {
  try {
    return read() ?? {};
  } catch {
    return {};
  }
}

const shown = (stored: Json): string => cut(typeof stored === 'string' ? stored : JSON.stringify(stored), valueCharsMax);

/** A dropped value that is the subject's identifier is not lost: its hash is stored. */
function withSubject(field: ExplainedField, value: Json | undefined, subject: Subject): ExplainedField {
  if (field.fate !== 'dropped' || (typeof value !== 'string' && typeof value !== 'number')) return field;
  const isSubject = identifierKinds.some((kind) => subject[kind]?.trim() === String(value).trim());
  return isSubject ? { ...field, fate: 'hashed', reason: 'subject' } : field;
}

/** The path with identifiers masked: a sender may name a field by a person's number. */
function withPath(field: ExplainedField, person: RecordPerson): ExplainedField {
  return { ...field, path: cut(maskText(field.path, person), 500) };
}
