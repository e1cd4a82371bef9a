import { subjectForm } from '../columns.ts';
import { decodeText } from '../reading/json.ts';
import { recordsOf } from '../reading/records.ts';
import type { Body, Delivery, Json, Source, Subject } from '../source.ts';
import { hashIdentifier, type IdentifierKind, identifierKinds, normaliseDocument, normalisePhone } from './pii.ts';
import { readings } from './repeats.ts';

/** One person by their identifiers, in the forms that are compared and hashed. */
export interface Person {
  email?: string | undefined;
  /** E.164, one for every country that digits without a country code may have been read in. */
  phones: readonly string[];
  document?: string | undefined;
  externalId?: string | undefined;
}

/** What somebody typed about a person; `unreadable` are the kinds that were typed and cannot be one. */
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

/** The hashes that stand for the person in the subjects of events, each once. */
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
  /** Undefined: of a type that this version does not know; then only what stands in the delivery is compared, not how it would be read. */
  source: Source | undefined;
  /** Parsed by the source's schema. Undefined where it does not parse. */
  config: unknown;
  /** Two letters: how digits without a country code are read. */
  country: string;
  receivedAtMs: number;
}

/**
 * Whether a delivery names the person: as the subject of one of its records, as the pipeline reads them now, or anywhere in its body or
 * URL. E-mail addresses are found within longer texts too, phones and documents as whole values; an external id, which may be any short
 * number, as a subject only. Records and bodies that cannot be read are looked through all the same.
 */
export function namesPerson(person: Person, delivery: Delivery, body: Body | undefined, context: PersonContext): boolean {
  const isNamed = matcher(person, context.country);
  return (
    isNamed(delivery.url) ||
    (body === undefined ? words(delivery.raw).some(isNamed) : body.kind !== 'empty' && somewhere(body.value, isNamed)) ||
    subjectsOf(delivery, body, context).some((subject) => isSubject(person, subject, context.country))
  );
}

function isSubject(person: Person, subject: Subject, country: string): boolean {
  return formsOf(person).some(({ kind, form }) => subject[kind] !== undefined && subjectForm(kind, subject[kind], country) === form);
}

function subjectsOf(delivery: Delivery, body: Body | undefined, { source, config, receivedAtMs }: PersonContext): Subject[] {
  if (body === undefined || source === undefined) return [];
  const subjects: Subject[] = [];
  // A body or record without a shape that the source knows has no subject.
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
  // Within a text, and not the end of a longer address or the beginning of a longer domain.
  const address = email && new RegExp(`(?<![\\p{L}\\p{N}._%+-])${literally(email)}(?![\\p{L}\\p{N}-]|\\.[\\p{L}\\p{N}])`, 'u');
  const endings = new Set(phones.map((phone) => phone.slice(-8)));
  return (text) => {
    if (address && text.length >= email.length && address.test(readings(text).normalize('NFC').toLowerCase())) return true;
    if (document !== undefined && text.length <= documentCharsMax && normaliseDocument(text) === document) return true;
    if (endings.size === 0 || text.length < 8 || text.length > 40) return false;
    // Reading a number is dear: only one that ends like the person's is read.
    if (!endings.has(text.replace(/\D+/g, '').slice(-8))) return false;
    const phone = normalisePhone(text, country);
    return phone !== undefined && phones.includes(phone);
  };
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

/** Whether any text or number of the value, or any key of it, is named. */
function somewhere(value: Json, isNamed: (text: string) => boolean): boolean {
  if (typeof value === 'string') return isNamed(value);
  if (typeof value === 'number') return isNamed(String(value));
  if (Array.isArray(value)) return value.some((item) => somewhere(item, isNamed));
  if (value === null || typeof value === 'boolean') return false;
  return Object.entries(value).some(([key, item]) => isNamed(key) || somewhere(item, isNamed));
}

/** Of a body that is in no format we read. */
function words(raw: Uint8Array): string[] {
  let text: string;
  try {
    text = decodeText(raw);
  } catch {
    text = new TextDecoder('latin1').decode(raw);
  }
  return text.split(/["'<>&=;,\s]+/);
}
