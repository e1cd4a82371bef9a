import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { cases } from './cases.ts';

const usage = `Usage: npm run chaos -- [--seed <number>] [case …]
Cases: ${cases.map((one) => one.name).join(', ')}; all of them when none is named.`;

function readArguments(): { seed: number; names: string[] } {
  try {
    const { values, positionals } = parseArgs({ allowPositionals: true, options: { seed: { type: 'string' }, help: { type: 'boolean' } } });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    const unknown = positionals.filter((name) => !cases.some((one) => one.name === name));
    if (unknown.length > 0) throw new Error(`There is no case called ${unknown.join(', ')}.`);
    if (values.seed !== undefined && !/^\d{1,9}$/.test(values.seed)) throw new Error('--seed is a whole number below 10^9.');
    return { seed: values.seed === undefined ? randomInt(1e9) : Number(values.seed), names: positionals };
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`);
    process.exit(2);
  }
}

const { seed, names } = readArguments();
let failed = 0;
for (const one of cases.filter((some) => names.length === 0 || names.includes(some.name))) {
  console.log(`\n${one.name} (seed ${seed}): ${one.promise}`);
  try {
    const { figures, violations } = await one.run({ seed, say: (line) => console.log(`  ${line}`) });
    for (const [name, value] of Object.entries(figures)) console.log(`  ${String(value).padStart(9)}  ${name}`);
    for (const violation of violations) console.log(`  BROKEN: ${violation}`);
    console.log(violations.length === 0 ? '  held' : '  not held');
    if (violations.length > 0) failed++;
  } catch (error) {
    failed++;
    console.log(`  could not be run: ${(error as Error).stack}`);
  }
}
process.exit(failed === 0 ? 0 : 1);
