import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { subjectForm } from '../columns.ts';
import { type IdentifierKind, identifierKinds } from '../privacy/pii.ts';
import type { Reading, Subject } from '../source.ts';

/** The event that one record of a delivery has to become, by the delivery and the platform's documentation. */
export interface Expected {
  type: string;
  sourceEventType: string;
  /** Absent: the platform gives the event no id. */
  sourceEventId?: string;
  /** Anything Date takes; `arrival` where the source gives no time. */
  time: number | string | 'arrival';
  amount?: readonly [minor: string, currency: string];
  orderRef?: string;
  isTest?: true;
  /** The source's idempotency key. Absent: the record's fingerprint is the key. */
  key?: string | RegExp;
  /** Kinds of identifiers that are hashed, in alphabetical order. */
  subject?: readonly IdentifierKind[];
  /** The person's identifiers in plaintext. Only the given ones are compared. */
  person?: Subject;
}

type Expectations = Readonly<Record<string, Expected | readonly Expected[]>>;
type Bytes = Buffer<ArrayBuffer>;

/** The deliveries of one platform, and what each of them has to become. */
export interface DeliverySet {
  files: readonly string[];
  /** The exact bytes of a delivery; empty where the set is not available, so that its tests are skipped. */
  bodyOf(file: string): Bytes;
  expectedOf(file: string): readonly Expected[];
}

const sourcesFolder = resolve(import.meta.dirname, '../sources');
const capturedFolder = process.env.TRIBUTARY_FIXTURES ?? resolve(import.meta.dirname, '../../../../../shared/fixtures');

/**
 * Declares a suite for our own synthetic deliveries in `sources/<folder>`, and the same suite for the deliveries that were captured from
 * the platform, which are not part of the repository: where the captured deliveries are not available, their tests are counted as skipped
 * and the console says so.
 */
export function describeDeliveries(
  { folder, captured }: { folder: string; captured: string },
  expectations: { synthetic: Expectations; captured: Expectations },
  suite: (set: DeliverySet) => void,
): void {
  const synthetic = readFolder(join(sourcesFolder, folder));
  describe(`synthetic deliveries in ${folder}`, () => declare(synthetic, expectations.synthetic, suite));
  const files = readFolder(join(capturedFolder, 'samples', captured));
  if (files.size === 0) warnCapturedMissing();
  describe.skipIf(files.size === 0)(`captured deliveries of ${captured}`, capturedOnly, () => declare(files, expectations.captured, suite));
}

function declare(bodies: ReadonlyMap<string, Bytes>, expectations: Expectations, suite: (set: DeliverySet) => void): void {
  it('every delivery has its expected records', () => {
    expect([...bodies.keys()].sort()).toEqual(Object.keys(expectations).sort());
  });
  suite({
    files: Object.keys(expectations),
    bodyOf: (file) => bodies.get(file) ?? Buffer.alloc(0),
    expectedOf: (file) => [expectations[file] ?? []].flat(),
  });
}

function readFolder(folder: string): Map<string, Bytes> {
  if (!existsSync(folder)) return new Map();
  const files = readdirSync(folder).filter((file) => /\.(json|form)$/.test(file));
  return new Map(files.sort().map((file) => [file, readFileSync(join(folder, file))]));
}

/** The captured deliveries of one platform by file; empty, and a line on the console, where they are not available. */
export function capturedDeliveries(platform: string): ReadonlyMap<string, Bytes> {
  const files = readFolder(join(capturedFolder, 'samples', platform));
  if (files.size === 0) warnCapturedMissing();
  return files;
}

/** A signed request that another implementation made, as `test-vectors.json` of the captured fixtures holds them. */
export interface Vector {
  platform: string;
  secret: string;
  body: string;
  timestamp?: number;
  url?: string;
  method?: string;
  signature?: string;
  headers: Record<string, string>;
}

/** The captured vectors; an empty list, and a line on the console, where they are not available. */
export function capturedVectors(): readonly Vector[] {
  const file = join(capturedFolder, 'test-vectors.json');
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Vector[];
  warnCapturedMissing();
  return [];
}

/** The options of tests that need captured deliveries: the summary of `npm test` gives the reason beside each that is skipped. */
export const capturedOnly = { meta: { skipReason: 'no captured deliveries; TRIBUTARY_FIXTURES names their directory' } };

let warnedCapturedMissing = false;

/** One line for each test file. */
function warnCapturedMissing(): void {
  if (!warnedCapturedMissing) {
    console.warn(`SKIPPED: no captured deliveries at ${capturedFolder}; set TRIBUTARY_FIXTURES to test with them as well`);
  }
  warnedCapturedMissing = true;
}

/** Asserts that a reading is the event that its delivery has to become. `country`: how phone numbers without a country code are read. */
export function expectReading(reading: Reading, expected: Expected, country = 'BR'): void {
  const { type, sourceEventType, sourceEventId, eventTimeMs, amountMinor, currency, orderRef, isTest, subject = {} } = reading;
  expect({
    type,
    sourceEventType,
    sourceEventId,
    time: eventTimeMs ?? 'arrival',
    amount: amountMinor === undefined ? undefined : [String(amountMinor), currency],
    currency,
    orderRef,
    isTest: isTest ?? false,
    subject: identifierKinds.filter((kind) => subject[kind] && subjectForm(kind, subject[kind], country) !== undefined).sort(),
  }).toEqual({
    type: expected.type,
    sourceEventType: expected.sourceEventType,
    sourceEventId: expected.sourceEventId,
    time: expected.time === 'arrival' ? 'arrival' : new Date(expected.time).getTime(),
    amount: expected.amount,
    currency: expected.amount?.[1],
    orderRef: expected.orderRef,
    isTest: expected.isTest ?? false,
    subject: expected.subject ?? [],
  });
  if (expected.person) expect(subject).toMatchObject(expected.person);
  if (expected.key instanceof RegExp) expect(reading.idempotencyKey).toMatch(new RegExp(`^(?:${expected.key.source})$`));
  else expect(reading.idempotencyKey).toBe(expected.key);
}
