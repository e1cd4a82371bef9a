import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RecordError } from '../source.ts';
import { parseTime, readTime, type TimeUnit, timeUnits } from './time.ts';
import { isZoneName } from './zone.ts';

const noon = Date.UTC(2026, 9, 31, 12, 0, 0);
const read = (value: string | number, unit: TimeUnit = 'auto', zone?: string) => new Date(parseTime(value, unit, 'at', zone)).toISOString();

test.each([
  [noon, 'milliseconds'],
  [String(noon), 'milliseconds'],
  [noon / 1000, 'seconds'],
  [noon * 1000, 'microseconds'],
  [`${noon}000000`, 'nanoseconds'],
  [noon, 'auto'],
  [noon / 1000, 'auto'],
  [noon * 1000, 'auto'],
  [`${noon}000`, 'auto'],
  [`${noon}000000`, 'auto'],
  ['2026-10-31T12:00:00Z', 'iso'],
  ['2026-10-31T09:00:00.000-03:00', 'auto'],
  ['2026-10-31 12:00', 'iso'],
  ['2026-10-31 12:00:00', 'iso'],
] as const)('%s as %s is noon', (value, unit) => {
  expect(parseTime(value, unit, 'at')).toBe(noon);
});

describe('the forms in which platforms and programs write a time', () => {
  test.each([
    // Postgres, with an offset of two digits.
    ['2026-01-15 14:30:00+00', '2026-01-15T14:30:00.000Z'],
    ['2026-01-15 11:30:00.25-03', '2026-01-15T14:30:00.250Z'],
    ['2026-01-15T20:00:00+05:30', '2026-01-15T14:30:00.000Z'],
    ['2026-01-15T11:30:00-0300', '2026-01-15T14:30:00.000Z'],
    // RFC 3339 of Go, Rust and Python: nanoseconds and microseconds.
    ['2026-01-15T14:30:00.123456789Z', '2026-01-15T14:30:00.123Z'],
    ['2026-01-15T14:30:00.053999+00:00', '2026-01-15T14:30:00.053Z'],
    ['2026-01-15T14:30:00,5Z', '2026-01-15T14:30:00.500Z'],
    ['2026-01-15 14:30:00 UTC', '2026-01-15T14:30:00.000Z'],
    ['2026-01-15 14:30:00 +0000 UTC', '2026-01-15T14:30:00.000Z'],
    ['2026-01-15T14:30:00+00:00[Europe/London]', '2026-01-15T14:30:00.000Z'],
    ['2026/01/15 14:30', '2026-01-15T14:30:00.000Z'],
    ['20260115T143000Z', '2026-01-15T14:30:00.000Z'],
    ['20260115143000', '2026-01-15T14:30:00.000Z'],
    ['2026-01-15 02:30 PM', '2026-01-15T14:30:00.000Z'],
    ['2026-01-15 24:00', '2026-01-16T00:00:00.000Z'],
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
    // RFC 2822 and HTTP dates, with and without the weekday.
    ['Thu, 15 Jan 2026 14:30:00 +0000', '2026-01-15T14:30:00.000Z'],
    ['Thu, 15 Jan 2026 11:30:00 -0300', '2026-01-15T14:30:00.000Z'],
    ['15 Jan 2026 14:30 GMT', '2026-01-15T14:30:00.000Z'],
    ['Thu, 15 Jan 2026 09:30:00 EST', '2026-01-15T14:30:00.000Z'],
    ['Thu Jan 15 2026 11:30:00 GMT-0300 (Brasilia Standard Time)', '2026-01-15T14:30:00.000Z'],
    ['Jan 15, 2026 2:30 PM', '2026-01-15T14:30:00.000Z'],
    // Mailgun: seconds with a fraction.
    [1_768_487_400.153125, '2026-01-15T14:30:00.153Z'],
    ['1768487400.25', '2026-01-15T14:30:00.250Z'],
  ])('%s is %s', (value, expected) => {
    expect(read(value)).toBe(expected);
  });
  test('a date with slashes is read in the order that is declared, and not at all without a declaration', () => {
    expect(read('03/04/2026 14:30', 'day-month-year')).toBe('2026-04-03T14:30:00.000Z');
    expect(read('3/4/2026 2:30 PM', 'month-day-year')).toBe('2026-03-04T14:30:00.000Z');
    expect(read('31.12.2026', 'day-month-year')).toBe('2026-12-31T00:00:00.000Z');
    for (const unit of ['auto', 'iso'] as const) expect(() => read('03/04/2026', unit)).toThrow('is not a time');
    expect(() => read('31/12/2026', 'month-day-year')).toThrow('is not a time');
  });
});

describe('a time without a zone', () => {
  test.each([
    ['2026-01-15 11:30', 'America/Sao_Paulo', '2026-01-15T14:30:00.000Z'],
    ['2026-07-01 12:00', 'Europe/Lisbon', '2026-07-01T11:00:00.000Z'],
    ['2026-12-01 12:00', 'Europe/Lisbon', '2026-12-01T12:00:00.000Z'],
    ['2026-07-01 12:00', 'Asia/Kolkata', '2026-07-01T06:30:00.000Z'],
    ['2026-01-15', 'America/Sao_Paulo', '2026-01-15T03:00:00.000Z'],
    ['Thu, 15 Jan 2026 11:30:00', 'America/Sao_Paulo', '2026-01-15T14:30:00.000Z'],
    // New York skips 02:00 to 03:00 on 8 March 2026, and shows 01:00 to 02:00 twice on 1 November.
    ['2026-03-08 02:30', 'America/New_York', '2026-03-08T07:30:00.000Z'],
    ['2026-11-01 01:30', 'America/New_York', '2026-11-01T05:30:00.000Z'],
    // São Paulo skipped midnight when daylight saving began.
    ['2018-11-04 00:30', 'America/Sao_Paulo', '2018-11-04T03:30:00.000Z'],
    ['2018-02-17 23:30', 'America/Sao_Paulo', '2018-02-18T01:30:00.000Z'],
  ])('%s in %s is %s', (value, zone, expected) => {
    expect(read(value, 'auto', zone)).toBe(expected);
  });
  test('with a zone of its own, the time ignores the zone of the setting', () => {
    for (const value of ['2026-01-15T14:30:00Z', '2026-01-15 11:30:00-03', 'Thu, 15 Jan 2026 14:30:00 GMT', 1_768_487_400])
      expect(read(value, 'auto', 'Asia/Tokyo')).toBe('2026-01-15T14:30:00.000Z');
  });
  test('names of zones are those of the IANA database', () => {
    expect(['America/Sao_Paulo', 'UTC', 'Etc/GMT+3', 'America/Argentina/Buenos_Aires'].filter(isZoneName)).toHaveLength(4);
    expect(['', 'Brasília', 'America/Atlantis', '-03:00', '../etc', 'x'.repeat(100)].filter(isZoneName)).toEqual([]);
  });
  test('is a moment at which the clocks of the zone show that time, except where they skip it', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: Date.UTC(2000, 0), max: Date.UTC(2035, 0) }),
        fc.constantFrom('America/Sao_Paulo', 'America/New_York', 'Europe/Lisbon', 'Australia/Lord_Howe', 'Asia/Kathmandu'),
        (ms, zone) => {
          const shown = (at: number) =>
            new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' }).format(at);
          const local = shown(ms);
          const moment = parseTime(local, 'auto', 'at', zone);
          expect(shown(moment)).toBe(local);
          expect(moment).toBeLessThanOrEqual(ms);
        },
      ),
      { numRuns: 200 },
    );
  });
});

test('a date without a time of day is midnight UTC', () => {
  expect(parseTime('2026-10-31', 'iso', 'at')).toBe(Date.UTC(2026, 9, 31));
});
test.each([
  ['soon', 'auto', 'SCHEMA_DRIFT'],
  [noon, 'iso', 'SCHEMA_DRIFT'],
  [noon, 'day-month-year', 'SCHEMA_DRIFT'],
  ['2026-10-31', 'seconds', 'SCHEMA_DRIFT'],
  ['2026-13-45', 'iso', 'SCHEMA_DRIFT'],
  ['2026-02-30', 'iso', 'SCHEMA_DRIFT'],
  ['2026-10-31 25:00', 'iso', 'SCHEMA_DRIFT'],
  ['2026-10-31 12:60', 'iso', 'SCHEMA_DRIFT'],
  ['2026-10-31 13:00 PM', 'iso', 'SCHEMA_DRIFT'],
  ['2026-10-31T12:00:00+99', 'iso', 'SCHEMA_DRIFT'],
  // The zone may be anywhere: BRT is not in RFC 2822, and reading the time without it would be wrong by hours.
  ['2026-10-31 12:00:00 BRT', 'auto', 'SCHEMA_DRIFT'],
  ['31 Oct 2026 12:00:00 BRT', 'auto', 'SCHEMA_DRIFT'],
  ['31 Foo 2026 12:00:00', 'auto', 'SCHEMA_DRIFT'],
  [`2026-10-31 12:00:00.${'0'.repeat(200)}`, 'auto', 'SCHEMA_DRIFT'],
  [null, 'auto', 'SCHEMA_DRIFT'],
  [true, 'auto', 'SCHEMA_DRIFT'],
  [noon, 'seconds', 'VALIDATION_FAIL'],
  [0, 'milliseconds', 'VALIDATION_FAIL'],
] as const)('%s as %s is refused as %3$s', (value, unit, errorClass) => {
  expect(() => parseTime(value, unit, 'at')).toThrowError(expect.objectContaining({ errorClass, path: 'at' }));
});
test('a time in UTC is the same in the form that Date reads and with an offset, which is read part by part, for every day and clock', () => {
  const two = (min: number, max: number) => fc.integer({ min, max }).map((n) => String(n).padStart(2, '0'));
  const written = fc
    .tuple(
      fc.integer({ min: 1960, max: 2110 }),
      two(0, 14),
      two(0, 33),
      two(0, 25),
      two(0, 61),
      two(0, 61),
      fc.constantFrom('', '.000', '.123'),
    )
    .map(([year, month, day, hour, minute, second, fraction]) => `${year}-${month}-${day}T${hour}:${minute}:${second}${fraction}`);
  const read = (text: string) => {
    try {
      return readTime(text, 'auto', 'time');
    } catch (error) {
      return (error as RecordError).errorClass;
    }
  };
  fc.assert(
    fc.property(written, (text) => {
      expect(read(`${text}Z`)).toEqual(read(`${text}+00:00`));
    }),
    { numRuns: 5_000 },
  );
});

test('any text is a plausible time or a RecordError, in a bounded time', () => {
  const texts = fc.oneof(
    fc.string(),
    fc.stringMatching(/^[0-9TZ:+\-. /,A-Za-z]{0,80}$/),
    fc.constantFrom(' '.repeat(100), `1${' '.repeat(98)}1`),
  );
  fc.assert(
    fc.property(texts, fc.constantFrom(...timeUnits), fc.constantFrom('UTC', 'America/Sao_Paulo'), (value, unit, zone) => {
      try {
        expect(parseTime(value, unit, 'at', zone)).toBeGreaterThan(0);
      } catch (error) {
        expect((error as { errorClass?: string }).errorClass).toMatch(/^(SCHEMA_DRIFT|VALIDATION_FAIL)$/);
      }
    }),
    { numRuns: 2000 },
  );
});
