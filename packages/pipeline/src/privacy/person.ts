import { subjectForm } from '../columns.ts';
import { recordsOf } from '../reading/records.ts';
import type { Body, Delivery, Json, Source, Subject } from '../source.ts';
import { looseTexts } from './loose-texts.ts';
import { hashIdentifier, type IdentifierKind, identifierKinds, normaliseDocument, normalisePhone } from './pii.ts';
import { readings } from './repeats.ts';

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
  const known = new Set(formsOf(person).map(({ kind }) => kind));
  return { person, unreadable: identifierKinds.filter((kind) => typed[kind] !== undefined && !known.has(kind)) };
}

/** The hashes of the person's identifiers in the subjects of events, each once. */
export function hashPerson(person: Person, hashKey: Uint8Array): { kind: IdentifierKind; hash: string }[] {
  return formsOf(person).map(({ kind, form }) => ({ kind, hash: hashIdentifier(hashKey, kind, form) }));
}

function formsOf({ email, phones, document, externalId }: Person): { kind: IdentifierKind; form: string }[] {
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

/**
 * Whether a delivery names the person: as the subject of one of its records, as the pipeline reads them now, or anywhere in the body or
 * URL. E-mail addresses are also found within longer texts, phones and documents only as whole values, and an external id, which may be any
 * short number, only as a subject. Records and bodies that cannot be read are searched as well.
 */
export function namesPerson(person: Person, delivery: Delivery, body: Body | undefined, context: PersonContext): boolean {
  const isNamed = matcher(person, context.country);
  return (
    isNamed(delivery.url) ||
    (body === undefined ? someOf(looseTexts(delivery.raw), isNamed) : body.kind !== 'empty' && someValue(body.value, isNamed)) ||
    subjectsOf(delivery, body, context).some((subject) => isSubject(person, subject, context.country))
  );
}

function isSubject(person: Person, subject: Subject, country: string): boolean {
  return formsOf(person).some(({ kind, form }) => subject[kind] !== undefined && subjectForm(kind, subject[kind], country) === form);
}

function subjectsOf(delivery: Delivery, body: Body | undefined, { source, config, receivedAtMs }: PersonContext): Subject[] {
  if (body === undefined || source === undefined) return [];
  const subjects: Subject[] = [];
  // A body or record that the source cannot read has no subject.
  const tried = (read: () => void) => {
    try {
      read();
    } catch {}
  };
  tried(() => {
    for (const record of recordsOf(source, delivery, body, config)) {
      tried(() => subjects.push(source.read(record, { config, headers: delivery.headers, receivedAtMs }).subject ?? {}));
    }
  });
  return subjects;
}

const documentCharsMax = 60;

function matcher({ email, phones, document }: Person, country: string): (text: string) => boolean {
  // The address is found within a text, but not as the end of a longer address or the beginning of a longer domain.
  const address = email && new RegExp(`(?<![\\p{L}\\p{N}._%+-])${literally(email)}(?![\\p{L}\\p{N}-]|\\.[\\p{L}\\p{N}])`, 'u');
  const endings = new Set(phones.map((phone) => phone.slice(-8)));
  return (text) => {
    if (address && text.length >= email.length && address.test(readings(text).normalize('NFC').toLowerCase())) return true;
    if (document !== undefined && text.length <= documentCharsMax && normaliseDocument(text) === document) return true;
    if (endings.size === 0 || text.length < 8 || text.length > 40) return false;
    // Parsing a number takes long, so only a number with the same last eight digits is parsed.
    if (!endings.has(text.replace(/\D+/g, '').slice(-8))) return false;
    const phone = normalisePhone(text, country);
    return phone !== undefined && phones.includes(phone);
  };
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

/** Whether `isNamed` holds for any text, number or key in the value. */
function someValue(value: Json, isNamed: (text: string) => boolean): boolean {
  if (typeof value === 'string') return isNamed(value);
  if (typeof value === 'number') return isNamed(String(value));
  if (Array.isArray(value)) return value.some((item) => someValue(item, isNamed));
  if (value === null || typeof value === 'boolean') return false;
  return Object.entries(value).some(([key, item]) => isNamed(key) || someValue(item, isNamed));
}

function someOf(texts: Iterable<string>, isNamed: (text: string) => boolean): boolean {
  for (const text of texts) if (isNamed(text)) return true;
  return false;
}
