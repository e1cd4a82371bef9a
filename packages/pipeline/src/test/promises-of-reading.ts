import { CanonicalEvent, isCanonicalType, sourceTypePattern } from '@tributary/shared/canonical.ts';
import { errorClasses } from '@tributary/shared/errors.ts';
import { expect } from 'vitest';
import type { ProcessedRecord } from '../process.ts';
import { decodeBody } from '../reading/body.ts';
import { isObject } from '../reading/fields.ts';
import { recordFingerprint } from '../reading/fingerprint.ts';
import { compilePaths, type PathState, step } from '../reading/paths.ts';
import { type Body, type Delivery, type Json, type JsonObject, type RawRecord, RecordError, type Source } from '../source.ts';
import { type Case, type Given, nowMs, outcomesOf, type Promised } from './proof-cases.ts';

/** The promises about genuine deliveries: their outcomes, keys and personal data. */
export function promisesOfReading(source: Source, { people, deadLetters = {} }: Given, cases: readonly Case[]): Promised[] {
  const accepted = cases.filter(({ sample }) => deadLetters[sample.name] === undefined);

  return [
    {
      title: 'turns every sample into canonical events of the sample’s type, or into the expected dead letter',
      check() {
        expect(Object.keys(deadLetters).filter((name) => !source.samples.some((sample) => sample.name === name))).toEqual([]);
        for (const one of cases) {
          const outcomes = outcomesOf(source, one, one.deliver('a'));
          expect(outcomes.length, one.name).toBeGreaterThan(0);
          for (const outcome of outcomes)
            expect([one.name, outcome.ok ? undefined : outcome.errorClass]).toEqual([one.name, deadLetters[one.sample.name]]);
          for (const outcome of outcomes) {
            requireValidOutcome(outcome);
            if (outcome.ok) expect([one.name, outcome.event.type]).toEqual([one.name, one.sample.becomes]);
          }
        }
      },
    },
    {
      title: 'gives a delivery that is sent again the same key and the same fingerprint, whenever it arrives',
      check() {
        for (const one of accepted) {
          const again = outcomesOf(source, one, one.deliver('a'), { receivedAtMs: nowMs + 3_600_000 });
          expect(again.map(identityOf), one.name).toEqual(outcomesOf(source, one, one.deliver('a')).map(identityOf));
        }
      },
    },
    {
      title: 'gives every record of every event a different key',
      check() {
        for (const one of accepted) {
          const keys = ['a', 'b'].flatMap((id) => outcomesOf(source, one, one.deliver(id)).map((outcome) => identityOf(outcome).key));
          expect(new Set(keys).size, one.name).toBe(keys.length);
        }
      },
    },
    {
      title: 'keeps out of key and fingerprint what changes between two deliveries of one event',
      check() {
        const paths = compilePaths(source.volatile);
        for (const one of accepted) {
          const changed = withRecords(source, (record) => replaceAt(record, paths, () => 'changed on the way').value);
          const fingerprints = (of: Source) =>
            [...of.split(decodeBody(one.deliver('a')), one.config)].map(({ value }) => recordFingerprint(value, paths));
          expect(fingerprints(changed), one.name).toEqual(fingerprints(source));
          const identities = outcomesOf(source, one, one.deliver('a')).map(identityOf);
          // A rendering of the object can change between two deliveries, and this change makes it unreadable.
          for (const [index, outcome] of outcomesOf(changed, one, one.deliver('a')).entries())
            if (outcome.ok) expect(identityOf(outcome), one.name).toEqual(identities[index]);
        }
      },
    },
    {
      title: 'keeps the people of its samples out of rows and of samples of dead letters',
      check() {
        const bodies = cases.map((one) => JSON.stringify(decodeBody(one.deliver('a'))));
        for (const person of people) expect(bodies.some((body) => body.includes(person)) ? '' : person, 'not in any sample').toBe('');
        for (const one of cases)
          for (const outcome of outcomesOf(source, one, one.deliver('a')))
            for (const person of people) expect(textOf(outcome), one.name).not.toContain(person.toLowerCase());
      },
    },
    {
      title: 'throws nothing but RecordError on bodies of any type and size, and every outcome is sound',
      check() {
        for (const [index, one] of cases.entries()) {
          const delivery = one.deliver('a');
          const bodies = index === 0 ? strangeBodies : [];
          for (const body of [...bodies, ...mutations(decodeBody(delivery), index)]) requireReadable(source, one, delivery, body);
        }
      },
    },
  ];
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

/** A copy with every text and number at the paths, or below one of them, replaced. */
function replaceAt(value: JsonObject, paths: PathState | undefined, replace: () => Json): { value: JsonObject; count: number } {
  let count = 0;
  const walk = (node: Json, state: PathState | undefined, inside: boolean): Json => {
    if (Array.isArray(node))
      return node.map((item, index) => {
        const next = step(state, String(index));
        return walk(item, next, inside || next?.end === true);
      });
    if (isObject(node))
      return Object.fromEntries(
        Object.entries(node).map(([key, item]) => {
          const next = step(state, key);
          return [key, walk(item, next, inside || next?.end === true)];
        }),
      );
    if (!inside || node === null || typeof node === 'boolean' || node === '') return node;
    count += 1;
    return replace();
  };
  return { value: walk(value, paths, false) as JsonObject, count };
}

function identityOf(outcome: ProcessedRecord): { key: string; fingerprint: string } {
  if (!outcome.ok) throw new Error(`A sample became a dead letter: ${outcome.message}`);
  return { key: outcome.event.idempotency_key, fingerprint: outcome.bodySha256 };
}

function textOf(outcome: ProcessedRecord): string {
  return JSON.stringify(outcome.ok ? outcome.event : outcome).toLowerCase();
}

/**
 * A row that the database takes, or a dead letter of a known class. `expect` is not used, because it would take longer than the work that
 * is checked.
 */
function requireValidOutcome(outcome: ProcessedRecord): void {
  if (outcome.ok) CanonicalEvent.parse({ ...outcome.event, ingested_at: outcome.event.received_at });
  else if (!(outcome.errorClass in errorClasses)) throw new Error(`There is no error class ${outcome.errorClass}`);
  else if (JSON.stringify(outcome.sample).length > 5_000) throw new Error('The sample of a dead letter is too large');
}

/** The source answers with records and readings, or with RecordError; what it reads has a type and a key that fit their columns. */
function requireReadable(source: Source, one: Case, delivery: Delivery, body: Body): void {
  const attempt = (run: () => void) => {
    try {
      run();
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
    }
  };
  attempt(() => {
    for (const record of source.split(body, one.config))
      attempt(() => {
        const context = { config: one.config, headers: delivery.headers, receivedAtMs: nowMs };
        const { type, sourceEventType, idempotencyKey = '' } = source.read(record, context);
        if (!isCanonicalType(type) && !sourceTypePattern.test(type)) throw new Error(`${type} is not a type`);
        if (sourceEventType === '') throw new Error('The event has no name');
        if (idempotencyKey.length > 255) throw new Error('The key does not fit its column');
      });
  });
  for (const outcome of outcomesOf(source, one, delivery, { body })) requireValidOutcome(outcome);
}

const nested = (depth: number): Json => (depth === 0 ? 'deep' : { a: nested(depth - 1) });

const long = 'x'.repeat(300);

const strangeValues: readonly Json[] = [
  ...[null, true, 0, -1, 1e300, '', 'text', '9'.repeat(400), 'x'.repeat(200_000)],
  ...[
    [],
    {},
    [[]],
    [null],
    [{}],
    Array<Json>(5_000).fill({ id: 1 }),
    nested(90),
    { id: {}, event: [], type: 1, data: 'x', entry: {}, object: 'page' },
    { id: long, type: long, event: long, data: {} },
  ],
];
const strangeBodies: readonly Body[] = [
  { kind: 'empty' },
  ...strangeValues.flatMap((value): Body[] => [
    { kind: 'json', value },
    { kind: 'ndjson', value: [value] },
    ...(isObject(value) ? [{ kind: 'form', value } as const] : []),
  ]),
];

const replacements: readonly (Json | undefined)[] = [undefined, null, true, -1, 1e300, '', '9'.repeat(40), [], {}, [null], 'x'.repeat(300)];

/**
 * The body with each of its fields, down to three levels, lost or replaced by values of three other types, which differ from case to case.
 */
function* mutations(body: Body, seed: number): Generator<Body> {
  if (body.kind === 'empty') return;
  for (let turn = 0; turn < 3; turn++) {
    const replacement = replacements[(3 * seed + turn) % replacements.length];
    for (const value of replaced(body.value, replacement, 3)) yield { ...body, value } as Body;
  }
}

function* replaced(value: Json, replacement: Json | undefined, levels: number): Generator<Json> {
  if (levels === 0) return;
  if (Array.isArray(value)) {
    for (const inner of value.slice(0, 1).flatMap((item) => [...replaced(item, replacement, levels)])) yield [inner, ...value.slice(1)];
    if (value.length > 0) yield replacement === undefined ? value.slice(1) : [replacement, ...value.slice(1)];
  } else if (isObject(value)) {
    for (const [key, item] of Object.entries(value)) {
      const { [key]: _, ...rest } = value;
      yield replacement === undefined ? rest : { ...rest, [key]: replacement };
      for (const inner of replaced(item, replacement, levels - 1)) yield { ...rest, [key]: inner };
    }
  }
}
