import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { withProofStack } from '../../chaos/src/stack.ts';
import { measureAll } from './measure-all.ts';
import { printReport, writeDocument } from './report.ts';

const usage = `Usage: npm run bench -- [--quick] [--json <file>] [--docs]
--quick measures 2 s instead of 10 s at a time: for trying the bench, not for figures to quote.
--docs also writes the tables into docs/benchmarks.md.`;

const root = join(import.meta.dirname, '..', '..');

function readArguments(): { quick: boolean; json: string; docs: boolean } {
  try {
    const { values } = parseArgs({
      options: { quick: { type: 'boolean' }, json: { type: 'string' }, docs: { type: 'boolean' }, help: { type: 'boolean' } },
    });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    const json = values.json ? resolve(values.json) : join(resolve(root, process.env.LOCAL_DIR || '.local'), 'bench.json');
    return { quick: values.quick ?? false, json, docs: values.docs ?? false };
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`);
    process.exit(2);
  }
}

const { quick, json, docs } = readArguments();
const say = (line: string) => console.log(`${new Date().toISOString().slice(11, 19)}  ${line}`);

const result = await withProofStack((stack) => measureAll(stack, { quick, say }));
mkdirSync(dirname(json), { recursive: true });
writeFileSync(json, `${JSON.stringify(result, null, 2)}\n`);
printReport(result);
if (docs) writeDocument(result, join(root, 'docs', 'benchmarks.md'));
console.log(`\nEverything measured is in ${json}`);
// A slow machine may miss a target, but no machine may lose an acknowledged event.
process.exit(result.overload.lost === 0 ? 0 : 1);
