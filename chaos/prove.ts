import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { type CaseGroup, caseGroups } from './src/cases.ts';

/** Defines one test for each case of the group, in its short form. */
export function prove(group: CaseGroup): void {
  for (const { name, promise, run } of caseGroups[group]) {
    test(`${name}: ${promise}`, async () => {
      const seed = Number(process.env.CHAOS_SEED ?? randomInt(1e9));
      console.log(`${name}: repeat with CHAOS_SEED=${seed}`);
      const { figures, oracle, violations } = await run({ seed, long: false, say: (line) => console.log(line) });
      console.log([...oracle, ...Object.entries(figures).map(([figure, value]) => `${figure}: ${value}`)].join('\n'));
      expect(oracle.length).toBeGreaterThan(0);
      expect(violations).toEqual([]);
    }, 180_000);
  }
}
