import { expect } from 'vitest';
import { fold, formsOfText } from '../privacy/text-forms.ts';
import type { ProcessedRecord } from '../process.ts';
import { decodeBody } from '../reading/body.ts';
import { isObject } from '../reading/fields.ts';
import type { Body, Json, JsonObject, RawRecord, Source } from '../source.ts';
import { type Case, type Given, nowMs, outcomesOf, type Promised } from './proof-cases.ts';

/** An invented person in the spellings in which a record may name one. */
const values: Readonly<Record<string, readonly string[]>> = {
  name: ['Zulmira Qorvath Ávila', 'Zulmira Qorvath Avila'],
  email: ['zulmira.qorvath@example.com', 'Zulmira.Qorvath@Example.com', '<zulmira.qorvath@example.com>'],
  phone: ['+55 11 98765-4321', '(11) 98765-4321', '11 98765-4321', '11987654321', '5511987654321', '+5511987654321', '98765-4321'],
  document: ['529.982.247-25', '52998224725', '529982247-25'],
  card: ['4111 1111 1111 1111', '4111111111111111', '4111-1111-1111-1111'],
  ip: ['203.0.113.77', '2001:db8::8a2e:370:7334'],
  address: ['Rua das Palmeiras, 123', 'Avenida das Palmeiras 1500'],
  birth: ['1987-04-23', '23/04/1987'],
};
/** What of the person is looked for, in folded text and in its digits. */
const traces = /zulmira[^a-z]+qorvath|@example\.com|203\.0\.113\.77|8a2e:370:7334|das palmeiras/;
const digitTraces = /987654321|52998224725|4111111111111111|19870423|23041987/;

/** The person as a record names one in fields of her own, so that the text of other fields can be searched for her. */
const customer: JsonObject = {
  name: 'Zulmira Qorvath Ávila',
  email: 'zulmira.qorvath@example.com',
  phone: '+55 (11) 98765-4321',
  document: '529.982.247-25',
  birth_date: '1987-04-23',
};

const escaped = (text: string, one: (code: number) => string) => [...text].map((character) => one(character.charCodeAt(0))).join('');
const hex = (code: number) => code.toString(16).padStart(4, '0');
const form = (text: string) => new URLSearchParams({ plan: 'gold', note: text }).toString();

const encodings: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => text.toUpperCase(),
  (text) => `Plano de ${text} anual`,
  (text) => encodeURIComponent(text),
  (text) => encodeURIComponent(encodeURIComponent(text)),
  (text) => escaped(text, (code) => (code > 0x20 && code < 0x7f ? String.fromCharCode(code + 0xfee0) : String.fromCharCode(code))),
  (text) => Buffer.from(text).toString('base64'),
  (text) => Buffer.from(text).toString('base64url'),
  (text) => `x-${Buffer.from(text).toString('base64')}`,
  (text) => Buffer.from(text).toString('hex'),
  (text) => escaped(text, (code) => `&#${code};`),
  (text) => text.replaceAll('@', '&commat;').replaceAll('@', '&#x40;'),
  (text) => escaped(text, (code) => `\\u${hex(code)}`),
  form,
  (text) => encodeURIComponent(form(text)),
  (text) => `https://shop.example/?utm_source=fb&q=${encodeURIComponent(text)}`,
  (text) => JSON.stringify({ note: text }),
];

/** The promises about people. */
export function promisesOfPrivacy(source: Source, { people }: Given, cases: readonly Case[]): Promised[] {
  return [
    {
      title: 'shows a person who is planted in any field of any sample, in any encoding, in no row and in no dead letter',
      check() {
        const places = cases.map((one) => leafPaths(recordsOf(source, one, decodeBody(one.deliver('a')))));
        const times = Math.max(timesMin, Math.ceil(plantedMin / places.flat().length));
        let planted = 0;
        for (const [index, one] of cases.entries()) {
          const delivery = one.deliver('a');
          const body = decodeBody(delivery);
          for (const path of places[index] ?? []) {
            for (const [kind, text] of plantings(planted, times)) {
              planted += 1;
              const hasCustomer = kind === 'name' || kind === 'birth' || kind === 'phone' || planted % 2 === 0;
              const planting = withRecords(source, (record) => plant(record, path, text, hasCustomer));
              // A day earlier, the event lies in the future, and the record is a dead letter.
              const receivedAtMs = planted % 3 === 0 ? nowMs - 86_400_000 : nowMs;
              const found = outcomesOf(planting, one, delivery, { body, receivedAtMs }).flatMap(tracesIn);
              if (found.length > 0) expect(found, `${one.name}: ${text} at ${path.join('.')}`).toEqual([]);
            }
          }
        }
        expect(planted).toBeGreaterThanOrEqual(plantedMin);
      },
    },
    {
      title: 'gives two people who differ in their names only events that differ in hashes only',
      check() {
        const names = people.filter((person) => /^\p{L}+ \p{L}+$/u.test(person));
        for (const one of cases) {
          const body = decodeBody(one.deliver('a'));
          const of = (name: string) => outcomesOf(source, one, one.deliver('a'), { body: renamed(body, names, name) }).map(withoutHashes);
          const expected = of('Xisto Yvanov');
          for (const name of otherNames) expect(of(name), `${one.name}: ${name}`).toEqual(expected);
        }
      },
    },
    {
      title: 'returns the same table of kept fields again, since tables are compiled once',
      check() {
        for (const one of cases)
          for (const { value } of recordsOf(source, one, decodeBody(one.deliver('a'))))
            expect(tableOf(source, one, structuredClone(value)), one.name).toBe(tableOf(source, one, value));
      },
    },
  ];
}

/** Names whose words are also words of products, campaigns, types, states and ids. */
const otherNames = [
  ...['Katie Price', 'Express Account', 'Ana Torno', 'Igor Newsletter', 'Paid Status', 'HP Active', 'A B', 'Approved Curso'],
  ...['Event Purchase', 'Card Visa', 'Order Message', 'Plano Data', 'Type Object'],
];

const tableOf = (source: Source, { config }: Case, record: JsonObject) => source.keptFor(config, record);

function recordsOf(source: Source, { config }: Case, body: Body): RawRecord[] {
  return [...source.split(body, config)];
}

/** The source, with each of its records changed after it was cut. */
function withRecords(source: Source, change: (record: JsonObject) => JsonObject): Source {
  return {
    ...source,
    *split(body, config): Iterable<RawRecord> {
      for (const record of source.split(body, config)) yield { ...record, value: change(structuredClone(record.value)) };
    },
  };
}

/** How often each place is planted, and all places together. */
const timesMin = 4;
const plantedMin = 600;

/** Some of the values in an encoding, other ones for each place: together the places have all values in all encodings. */
function* plantings(turn: number, times: number): Generator<[kind: string, text: string]> {
  const all = Object.entries(values).flatMap(([kind, texts]) => texts.map((text) => [kind, text] as const));
  for (let more = 0; more < times; more++) {
    const [kind, text] = all[(turn + more * 5) % all.length] as readonly [string, string];
    const encode = encodings[(turn * 3 + more * 7 + Math.floor(turn / all.length)) % encodings.length] as (text: string) => string;
    // A birth date is a time of its own, which only its usual spellings make one of the person.
    yield [kind, kind === 'birth' ? text : encode(text)];
  }
}

/** The places of all texts and numbers of the records. */
function leafPaths(records: readonly RawRecord[]): string[][] {
  const paths = new Map<string, string[]>();
  const walk = (node: Json, path: string[]): void => {
    if (typeof node === 'object' && node !== null) for (const [key, item] of Object.entries(node)) walk(item, [...path, key]);
    else if (node !== null && typeof node !== 'boolean') paths.set(path.join('.'), path);
  };
  for (const { value } of records) walk(value, []);
  return [...paths.values()];
}

/** The record with the text at the path, and beside it as a name of a field. */
function plant(record: JsonObject, path: readonly string[], text: string, hasCustomer: boolean): JsonObject {
  let node: Json = record;
  for (const key of path.slice(0, -1)) node = (node as JsonObject)[key] ?? null;
  if (typeof node !== 'object' || node === null) return record;
  (node as JsonObject)[path.at(-1) ?? ''] = text;
  if (isObject(node)) node[text] = 1;
  return hasCustomer ? { ...record, customer } : record;
}

/** Most texts of an outcome stand in the next one too, and decoding a text takes longer than processing a record. */
const decoded = new Map<string, boolean>();

function isTrace(text: string): boolean {
  let known = decoded.get(text);
  if (known === undefined) {
    const forms = formsOfText(text).map(fold);
    known = forms.some((form) => traces.test(form) || digitTraces.test(form.replace(/\D+/g, '')));
    decoded.set(text, known);
  }
  return known;
}

/** What of the person can be read in an outcome, also behind encodings. */
function tracesIn(outcome: ProcessedRecord): string[] {
  const found: string[] = [];
  const walk = (node: unknown): void => {
    if (typeof node === 'string' || typeof node === 'number') {
      if (isTrace(String(node))) found.push(String(node));
    } else if (typeof node === 'object' && node !== null)
      for (const [key, item] of Object.entries(node)) {
        walk(key);
        walk(item);
      }
  };
  // The event's time and amount are what the platform sent as its time and amount.
  walk(outcome.ok ? { ...outcome.event, event_time: '', amount_minor: '' } : outcome);
  return found;
}

/** The body with each of the names, and each of their words where it stands alone, replaced by the other name and its words. */
function renamed(body: Body, names: readonly string[], other: string): Body {
  const [first = '', last = ''] = other.split(' ');
  const byText = new Map<string, string>();
  for (const name of names) {
    const [oldFirst = '', oldLast = ''] = name.split(' ');
    byText.set(name, other).set(oldFirst, first).set(oldLast, last);
  }
  const walk = (node: Json): Json => {
    if (typeof node === 'string') return byText.get(node) ?? node;
    if (Array.isArray(node)) return node.map(walk);
    return isObject(node) ? Object.fromEntries(Object.entries(node).map(([key, item]) => [key, walk(item)])) : node;
  };
  return body.kind === 'empty' ? body : ({ ...body, value: walk(body.value) } as Body);
}

/** The outcome without hashes of contents. */
function withoutHashes(outcome: ProcessedRecord): unknown {
  if (!outcome.ok) return outcome;
  const { event } = outcome;
  const { hash_version, ...kinds } = event.subject;
  return { ...event, idempotency_key: event.idempotency_key.replace(/[0-9a-f]{16,}/g, '#'), subject: [hash_version, Object.keys(kinds)] };
}
