import { subjectForm } from '../columns.ts';
import { isObject } from '../reading/fields.ts';
import { decodeText } from '../reading/json.ts';
import { recordsOf } from '../reading/records.ts';
import type { Body, Delivery, Json, RawRecord, Source, Subject } from '../source.ts';
import { type PersonMatcher, personMatcher, slices } from './person-in-text.ts';
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

/** Whether a delivery names the person: see {@link findPerson}. */
export function namesPerson(person: Person, delivery: Delivery, body: Body | undefined, context: PersonContext): boolean {
  return findPerson(person, delivery, body, context).named;
}

/**
 * Where a delivery names the person: as the subject of one of its records, as the pipeline reads them now, or anywhere in the body, the URL
 * and the headers, in every form that {@link personMatcher} finds. Records and bodies that cannot be read are searched as well.
 */
export function findPerson(person: Person, delivery: Delivery, body: Body | undefined, context: PersonContext): Found {
  const matcher = matcherOf(person, context.country);
  const records = [...recordsIn(delivery, body, context)];
  const all = records.map((_, index) => index);
  const head = [delivery.url, ...Object.entries(delivery.headers).flatMap(([name, value]) => [name, value ?? ''])];
  if (matcher.names(head)) return { named: true, records: all };
  const subjects = all.filter((index) => isSubject(person, subjectOf(delivery, records[index], context), context.country));
  // The raw body has every text of the records, encoded, and also keys that a parser drops. Most bodies do not name the person and are searched once.
  const named =
    slices(rawText(delivery.raw)).some((slice) => matcher.within(slice)) ||
    (body !== undefined && body.kind !== 'empty' && textsOf(body.value).some((text) => matcher.isWhole(text)));
  if (!named) return { named: subjects.length > 0, records: subjects };
  const isNamed = (value: Json | undefined) => value !== undefined && matcher.names(textsOf(value));
  if (records.some((record, index) => records[index - 1]?.envelope !== record.envelope && isNamed(record.envelope)))
    return { named, records: all };
  const found = all.filter((index) => subjects.includes(index) || isNamed(records[index]?.value));
  return { named, records: found.length > 0 ? found : all };
}

const matchers = new WeakMap<Person, Map<string, PersonMatcher>>();

/** Made once for each person and country: it takes longer than the search of a small delivery. */
function matcherOf(person: Person, country: string): PersonMatcher {
  const known = matchers.get(person) ?? new Map<string, PersonMatcher>();
  matchers.set(person, known);
  const matcher = known.get(country) ?? personMatcher(personForms(person), [country]);
  known.set(country, matcher);
  return matcher;
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

function subjectOf(delivery: Delivery, record: RawRecord | undefined, { source, config, receivedAtMs }: PersonContext): Subject {
  try {
    return (record && source?.read(record, { config, headers: delivery.headers, receivedAtMs }).subject) ?? {};
  } catch {
    return {};
  }
}

/** Every text, number and key in the value. */
export function textsOf(value: Json): string[] {
  const texts: string[] = [];
  const waiting: Json[] = [value];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (typeof next === 'string' || typeof next === 'number') texts.push(String(next));
    else if (Array.isArray(next)) for (const item of next) waiting.push(item);
    else if (isObject(next)) {
      for (const [key, item] of Object.entries(next)) {
        texts.push(key);
        waiting.push(item);
      }
    }
  }
  return texts;
}

function rawText(raw: Uint8Array): string {
  try {
    return decodeText(raw);
  } catch {
    return new TextDecoder('latin1').decode(raw);
  }
}
