import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeWorld, type World } from '../test/make.ts';
import { arraysOf, type Column, encodeArrays } from './binary-arrays.ts';

interface Row {
  value: unknown;
}
type ElementType = Exclude<Column<Row>[1], 'lists'>;

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});
afterAll(() => world?.close());

const columnOf = (type: ElementType): Column<Row>[] => [['value', type, ({ value }) => value]];

/** The text of a value that Postgres reads by itself. */
const textOf: Partial<Record<ElementType, (value: unknown) => string>> = {
  bytea: (value) => `\\x${Buffer.from(value as Uint8Array).toString('hex')}`,
  hex: (value) => `\\x${value}`,
  json: (value) => JSON.stringify(value),
};

/** The values as Postgres has them, each as its text: those that are encoded, and those that Postgres reads from text by itself. */
async function bothReadings(type: ElementType, values: readonly unknown[]) {
  const [array] = encodeArrays(
    columnOf(type),
    values.map((value) => ({ value })),
  );
  const [{ type: sqlType } = { type: '' }] = arraysOf(columnOf(type));
  const texts = values.map((value) => (value === null || value === undefined ? null : (textOf[type] ?? String)(value)));
  const rows = await world.admin<{ encoded: string[] | null; read: string[] }>(
    `select $1::${sqlType}::text[] as encoded, $2::text[]::${sqlType}::text[] as read`,
    [array, texts],
  );
  return { encoded: rows[0]?.encoded ?? values.map(() => null), read: rows[0]?.read };
}

/** The SQLSTATE with which a value is refused, by the encoder or by Postgres; undefined when it is stored. */
const refusalOf = (type: ElementType, value: unknown): Promise<string | undefined> =>
  Promise.resolve()
    .then(() => bothReadings(type, [value]))
    .then(
      () => undefined,
      (error: { code?: string }) => error.code,
    );

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.string({ unit: 'grapheme', maxLength: 300 }),
  fc.constantFrom('', 'NULL', 'null', '{}', '{a,b}', '"', '\\', 'é'.repeat(48), `${'a'.repeat(47)}€`, '😀'.repeat(20)),
);
const storable = text.filter((value) => !value.includes('\0') && value.isWellFormed());

const arbitraries: Record<ElementType, fc.Arbitrary<unknown>> = {
  uuid: fc.uuid().chain((id) => fc.constantFrom(id, id.toUpperCase())),
  text: storable,
  integer: fc.oneof(fc.integer(), fc.constantFrom(0, -0, 1, -1, 2 ** 31 - 1, -(2 ** 31))),
  bigint: fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.maxSafeInteger(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
    fc.constantFrom('0', '-0', '007', String(2 ** 53), String(-(2 ** 53)), '9223372036854775807', '-9223372036854775808', 4294967296),
  ),
  boolean: fc.boolean(),
  timestamptz: fc
    .date({ min: new Date('0001-01-01T00:00:00.000Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
    .map((date) => date.toISOString()),
  bytea: fc.uint8Array({ maxLength: 400 }),
  hex: fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes).toString('hex')),
  json: fc.jsonValue(),
};

describe('an array of a batch', () => {
  it.each(Object.entries(arbitraries) as [ElementType, fc.Arbitrary<unknown>][])(
    'of %s has the values that Postgres reads from their texts',
    async (type, value) => {
      const values = fc.array(fc.oneof({ weight: 6, arbitrary: value }, fc.constantFrom(null, undefined)), { minLength: 1, maxLength: 30 });
      await fc.assert(
        fc.asyncProperty(values, async (some) => {
          const { encoded, read } = await bothReadings(type, some);
          expect(encoded).toEqual(read);
        }),
        { numRuns: 150 },
      );
    },
  );

  it('of times has the first and the last moment that a text can have, and leap days', async () => {
    const times = ['0001-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z', '1969-12-31T23:59:59.999Z', '2000-02-29T12:00:00.001Z'];
    const { encoded, read } = await bothReadings('timestamptz', times);
    expect(encoded).toEqual(read);
  });

  it.each<[type: ElementType, value: unknown, code: string]>([
    ['timestamptz', 'infinity', '22007'],
    ['timestamptz', '-infinity', '22007'],
    ['timestamptz', '0000-12-31T23:59:59.999Z', '22007'],
    ['timestamptz', '-000001-01-01T00:00:00.000Z', '22007'],
    ['timestamptz', '+010000-01-01T00:00:00.000Z', '22007'],
    ['timestamptz', '2026-13-01T00:00:00.000Z', '22007'],
    ['timestamptz', '2026-01-01T00:00:00', '22007'],
    ['timestamptz', '', '22007'],
    ['text', 'half \ud83d', '22021'],
    ['text', `${'a'.repeat(100)}\udc00`, '22021'],
    ['text', 'a\0b', '22021'],
    ['integer', 2 ** 31, '22003'],
    ['integer', 1.5, '22003'],
    ['integer', Number.NaN, '22003'],
    ['bigint', '9223372036854775808', '22003'],
    ['bigint', '9'.repeat(30), '22003'],
    ['bigint', 1e21, '22P02'],
    ['bigint', '', '22P02'],
    ['bigint', '1e3', '22P02'],
    ['bigint', '1.0', '22P02'],
    ['bigint', Number.POSITIVE_INFINITY, '22P02'],
    ['boolean', 'true', '22P02'],
    ['uuid', '00000000-0000-0000-0000-00000000000g', '22P02'],
    ['uuid', '00000000x0000-0000-0000-000000000000', '22P02'],
    ['uuid', '', '22P02'],
    ['hex', 'abc', '22P02'],
    ['hex', 'zz', '22P02'],
  ])('of %s refuses %j as the database would refuse a row', async (type, value, code) => {
    expect(await refusalOf(type, value)).toBe(code);
  });

  it('is null when there is no row, or no row has a value', () => {
    expect(encodeArrays(columnOf('text'), [])).toEqual([null]);
    expect(encodeArrays(columnOf('text'), [{ value: null }, { value: undefined }])).toEqual([null]);
  });

  it('is as it was made while later arrays are made', () => {
    const [first] = encodeArrays(columnOf('text'), [{ value: 'first' }]);
    encodeArrays(columnOf('text'), [{ value: 'x'.repeat(1_000_000) }]);
    encodeArrays(columnOf('text'), [{ value: 'other' }]);
    expect(first?.toString('latin1')).toContain('first');
  });
});

describe('lists', () => {
  it('of different lengths come back as they were, also empty and missing ones', async () => {
    const columns: Column<Row>[] = [['value', 'lists', ({ value }) => value]];
    const lists = fc.array(fc.option(fc.array(storable, { maxLength: 4 })), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(lists, async (some) => {
        const arrays = encodeArrays(
          columns,
          some.map((value) => ({ value })),
        );
        const rows = await world.admin<{ list: string[] | null }>(
          `select ($1::text[])[f : t] as list from unnest($2::integer[], $3::integer[]) with ordinality u (f, t, place) order by place`,
          arrays,
        );
        const expected = some.map((list) => list ?? []);
        // Without any text, all three arrays are null.
        if (expected.flat().length === 0) expect(arrays).toEqual([null, null, null]);
        else expect(rows.map(({ list }) => list ?? [])).toEqual(expected);
      }),
      { numRuns: 150 },
    );
  });
});
