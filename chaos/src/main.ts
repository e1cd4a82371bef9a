import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { cases } from './cases.ts';

const usage = `Usage: npm run chaos -- [--list] [--short] [--seed <number>] [case …]
Cases: ${cases.map((one) => one.name).join(', ')}; all of them, in their long form, when none is named.`;

function readArguments(): { seed: number; long: boolean; names: string[] } {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { seed: { type: 'string' }, short: { type: 'boolean' }, list: { type: 'boolean' }, help: { type: 'boolean' } },
    });
    if (values.help || values.list) {
      const lines = cases.map((one) => `${String(one.fault).padStart(5)}  ${one.name.padEnd(18)} ${one.promise}`);
      console.log(values.help ? usage : `fault  case               promise\n${lines.join('\n')}`);
      process.exit(0);
    }
    const unknown = positionals.filter((name) => !cases.some((one) => one.name === name));
    if (unknown.length > 0) throw new Error(`There is no case ${unknown.join(', ')}.`);
    if (values.seed !== undefined && !/^\d{1,9}$/.test(values.seed)) throw new Error('--seed is a whole number below 10^9.');
    return { seed: values.seed === undefined ? randomInt(1e9) : Number(values.seed), long: values.short !== true, names: positionals };
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`);
    process.exit(2);
  }
}

const { seed, long, names } = readArguments();
const notHeld: string[] = [];
for (const one of cases.filter((some) => names.length === 0 || names.includes(some.name))) {
  console.log(`\n${one.name} (fault ${one.fault}, seed ${seed}): ${one.promise}`);
  const started = performance.now();
  try {
    const { figures, oracle, violations } = await one.run({ seed, long, say: (line) => console.log(`  ${line}`) });
    for (const line of oracle) console.log(`  ${violations.includes(line) ? 'BROKEN' : 'held  '}  ${line}`);
    for (const [name, value] of Object.entries(figures)) console.log(`  ${String(value).padStart(9)}  ${name}`);
    if (violations.length > 0) notHeld.push(one.name);
    console.log(`  ${violations.length === 0 ? 'held' : 'not held'}, ${Math.round((performance.now() - started) / 1000)} s`);
  } catch (error) {
    notHeld.push(one.name);
    console.log(`  could not be run: ${(error as Error).stack}`);
  }
}
console.log(notHeld.length === 0 ? '\nEvery promise held.' : `\nNot held: ${notHeld.join(', ')} (seed ${seed}).`);
process.exit(notHeld.length === 0 ? 0 : 1);
