import { subjectForm } from '../columns.ts';
import { isObject } from '../reading/fields.ts';
import { decodeText } from '../reading/json.ts';
import { recordsOf } from '../reading/records.ts';
import type { Body, Delivery, Json, RawRecord, Source, Subject } from '../source.ts';
import { personMatcher } from './person-in-text.ts';
import { hashIdentifier, type IdentifierKind, identifierKinds } from './pii.ts';

/** The identifiers of one person, in the forms that are compared and hashed. */
export interface Person {
  email?: string | undefined;
  /** E.164 numbers, one for each country that may have been assumed for digits without a country code. */
  phones: readonly string[];
  document?: string | undefined;
  externalId?: string | undefined;
}

/** Reads the identifiers that somebody typed. `unreadable` lists the kinds whose text is not such an identifier. */
export function readPerson(typed: Subject, countries: readonly string[]): { person: Person; unreadable: IdentifierKind[] } {
  const read = (kind: IdentifierKind, country: string) => (typed[kind] === undefined ? undefined : subjectForm(kind, typed[kind], country));
  const person = {
    email: read('email', ''),
    phones: [...new Set(countries.flatMap((country) => read('phone', country) ?? []))],
    document: read('document', ''),
    externalId: read('external_id', ''),
  };
  const known = new Set(personForms(person).map(({ kind }) => kind));
  return { person, unreadable: identifierKinds.filter((kind) => typed[kind] !== undefined && !known.has(kind)) };
}

/** The hashes of the person's identifiers in the subjects of events, each once. */
export function hashPerson(person: Person, hashKey: Uint8Array): { kind: IdentifierKind; hash: string }[] {
  return personForms(person).map(({ kind, form }) => ({ kind, hash: hashIdentifier(hashKey, kind, form) }));
}

/** The identifiers in the forms that are compared and hashed. */
export function personForms({ email, phones, document, externalId }: Person): { kind: IdentifierKind; form: string }[] {
  const forms: [IdentifierKind, string | undefined][] = [
    ['email', email],
    ['document', document],
    ...phones.map((phone): [IdentifierKind, string] => ['phone', phone]),
    ['external_id', externalId],
  ];
  return forms.flatMap(([kind, form]) => (form === undefined ? [] : [{ kind, form }]));
}

export interface PersonContext {
  /** Undefined for a type that this version does not know; then the texts of the delivery are compared, and no record is read. */
  source: Source | undefined;
  /** The config, parsed by the source's schema; undefined where it is not valid. */
  config: unknown;
  /** The country (two letters) that is assumed for digits without a country code. */
  country: string;
  receivedAtMs: number;
}

export interface Found {
  /** Whether the delivery names the person anywhere. */
  named: boolean;
  /** The positions of the records that name the person: all of them where the URL, a header or what the records share does. */
  records: readonly number[];
}

/** Characters that are searched between two yields. */
const sliceChars = 65_536;
/** What may stand at the end of one slice of a raw body and the beginning of the next. */
const overlapChars = 2_048;

/** Whether a delivery names the person: see {@link findPerson}. */
export function namesPerson(person: Person, delivery: Delivery, body: Body | undefined, context: PersonContext): boolean {
  return findPerson(person, delivery, body, context).named;
}

/** Where a delivery names the person, searched at once: see searchDelivery below. */
export function findPerson(person: Person, delivery: Delivery, body: Body | undefined, context: PersonContext): Found {
  const search = searchDelivery(person, delivery, body, context);
  for (;;) {
    const { done, value } = search.next();
    if (done) return value;
  }
}

/**
 * Where a delivery names the person: as the subject of one of its records, as the pipeline reads them now, or anywhere in the body, the URL
 * and the headers, in every form that {@link personMatcher} finds. Records and bodies that cannot be read are searched as well. Yields
 * between pieces of the work, so that the caller can let other work run: a body has up to eight megabytes.
 */
function* searchDelivery(person: Person, delivery: Delivery, body: Body | undefined, context: PersonContext): Generator<void, Found, void> {
  const isNamed = personMatcher(personForms(person), [context.country]);
  const records = [...recordsIn(delivery, body, context)];
  const all = records.map((_, index) => index);
  const head = [delivery.url, ...Object.entries(delivery.headers).flatMap(([name, value]) => [name, value ?? ''])];
  if (head.some(isNamed)) return { named: true, records: all };
  const found: number[] = [];
  for (const [index, record] of records.entries()) {
    if (record.envelope !== undefined && (yield* someText(record.envelope, isNamed))) return { named: true, records: all };
    if (isSubject(person, subjectOf(delivery, record, context), context.country) || (yield* someText(record.value, isNamed)))
      found.push(index);
  }
  if (found.length > 0) return { named: true, records: found };
  // What no record has: keys that a parser drops, what stands beside the records, and bodies that cannot be read.
  const named =
    (body !== undefined && body.kind !== 'empty' && (yield* someText(body.value, isNamed))) ||
    (yield* someSlice(rawText(delivery.raw), isNamed));
  return { named, records: named ? all : [] };
}

function isSubject(person: Person, subject: Subject, country: string): boolean {
  return personForms(person).some(({ kind, form }) => subject[kind] !== undefined && subjectForm(kind, subject[kind], country) === form);
}

function* recordsIn(delivery: Delivery, body: Body | undefined, { source, config }: PersonContext): Generator<RawRecord, void, void> {
  if (body === undefined || source === undefined) return;
  try {
    yield* recordsOf(source, delivery, body, config);
  } catch {
    // A body that the source cannot split has no more records.
  }
}

function subjectOf(delivery: Delivery, record: RawRecord, { source, config, receivedAtMs }: PersonContext): Subject {
  try {
    return source?.read(record, { config, headers: delivery.headers, receivedAtMs }).subject ?? {};
  } catch {
    return {};
  }
}

/** Whether `isNamed` holds for any text, number or key in the value. */
export function* someText(value: Json, isNamed: (text: string) => boolean): Generator<void, boolean, void> {
  let chars = 0;
  const waiting: Json[] = [value];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const texts = isObject(next) ? Object.keys(next) : typeof next === 'string' || typeof next === 'number' ? [String(next)] : [];
    for (const text of texts) {
      if (text.length > sliceChars ? yield* someSlice(text, isNamed) : isNamed(text)) return true;
      chars += text.length + 16;
    }
    if (Array.isArray(next)) for (const item of next) waiting.push(item);
    else if (isObject(next)) for (const item of Object.values(next)) waiting.push(item);
    if (chars > sliceChars) {
      chars = 0;
      yield;
    }
  }
  return false;
}

function* someSlice(text: string, isNamed: (text: string) => boolean): Generator<void, boolean, void> {
  for (let at = 0; at < text.length; at += sliceChars) {
    if (isNamed(text.slice(at, at + sliceChars + overlapChars))) return true;
    yield;
  }
  return false;
}

function rawText(raw: Uint8Array): string {
  try {
    return decodeText(raw);
  } catch {
    return new TextDecoder('latin1').decode(raw);
  }
}
