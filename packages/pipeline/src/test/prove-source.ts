import { describe, it } from 'vitest';
import type { Source } from '../source.ts';
import { promisesOfPrivacy } from './promises-of-privacy.ts';
import { promisesOfProof } from './promises-of-proof.ts';
import { promisesOfReading } from './promises-of-reading.ts';
import { promisesOfWords } from './promises-of-words.ts';
import { casesOf, type Given, type Promised } from './proof-cases.ts';

/** Declares a test for everything that source.ts promises of every source. The test of a source calls it once. */
export function proveSource<Config>(source: Source<Config>, given: Given): void {
  describe(`the contract of ${source.type}`, () => {
    for (const { title, check } of promisesOf(source, given)) it(title, check);
  });
}

/** The promises as a list, so that the suite's own test can show that the suite notices when each of them is broken. */
export function promisesOf<Config>(source: Source<Config>, given: Given): Promised[] {
  // The suite treats a source as the registry does: without the type of its config.
  const anySource = source as Source;
  const cases = casesOf(anySource, given);
  return [
    ...promisesOfWords(anySource),
    ...promisesOfProof(anySource, cases),
    ...promisesOfReading(anySource, given, cases),
    ...promisesOfPrivacy(anySource, given, cases),
  ];
}
