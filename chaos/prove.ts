import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Case } from './src/case.ts';
import { type CaseGroup, caseGroups } from './src/cases.ts';

/** Defines one test for each case of the group, in its short form. */
export function prove(group: CaseGroup): void {
  const cases: readonly Case[] = caseGroups[group];
  for (const { name, promise, needs, run } of cases) {
    const isMissing = needs !== undefined && spawnSync(needs, ['--version']).status !== 0;
    const options = { meta: { skipReason: `${needs} is not on PATH (docs/backup.md says how to install it)` }, timeout: 180_000 };
    test.skipIf(isMissing && !process.env.CI)(`${name}: ${promise}`, options, async () => {
      const seed = Number(process.env.CHAOS_SEED ?? randomInt(1e9));
      console.log(`${name}: repeat with CHAOS_SEED=${seed}`);
      const { figures, oracle, violations } = await run({ seed, long: false, say: (line) => console.log(line) });
      console.log([...oracle, ...Object.entries(figures).map(([figure, value]) => `${figure}: ${value}`)].join('\n'));
      expect(oracle.length).toBeGreaterThan(0);
      expect(violations).toEqual([]);
    });
  }
}
