import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { measure } from '../process.ts';
import { readBases } from './bases.ts';
import { compareTables } from './compare-tables.ts';
import { differencesOf } from './differences.ts';
import type { RowsRequest, RowsResult } from './rows.ts';

const usage = `Usage: npm run bench:same-rows -- <checkout> [--bodies <number>] [--seed <number>] [--captured <folder>] [--body <number>] [--database <batches>]
Makes the rows of every sample and of mutated bodies with the code of another checkout, whose packages are installed, and with the code here, and
compares them byte for byte. Ids are compared by their places, and sealed bodies after they are opened. Exit code 1 when there is a difference.
--bodies    how many mutated bodies (20000)
--seed      another seed makes other bodies (1)
--captured  a folder with captured deliveries, in a folder for each platform
--body      only the delivery of this number, and prints its rows
--database  writes this many batches (new records, repeated ones, conflicts, dead letters, parts, replays) with the statement of each checkout into a
            database with its migrations, and compares the contents of all tables
--that      the checkout to compare with, in place of the one here`;

const here = join(import.meta.dirname, '..', '..', '..');

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        bodies: { type: 'string', default: '20000' },
        seed: { type: 'string', default: '1' },
        captured: { type: 'string' },
        body: { type: 'string' },
        database: { type: 'string' },
        that: { type: 'string', default: here },
        help: { type: 'boolean' },
      },
    });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    const [before] = positionals;
    if (before === undefined) throw new Error('Name the folder of the checkout to compare with.');
    const body = values.body === undefined ? undefined : Number(values.body);
    return {
      before: resolve(before),
      after: resolve(values.that),
      bodies: Number(values.bodies),
      seed: Number(values.seed),
      captured: values.captured,
      body,
      database: values.database === undefined ? undefined : Number(values.database),
    };
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`);
    process.exit(2);
  }
}

/** Differences that are shown with their paths; more are only counted. */
const shownMax = 15;
const perRun = 10_000;

const { before, after, bodies, seed, captured, body, database } = readArguments();
const directory = mkdtempSync(join(tmpdir(), 'tributary-same-rows-'));
try {
  const basesFile = join(directory, 'bases.json');
  writeFileSync(basesFile, JSON.stringify(readBases(captured)));
  const onBoth = (range: Omit<RowsRequest, 'checkout' | 'basesFile' | 'seed'>) =>
    Promise.all(
      [before, after].map((checkout) => measure<RowsResult>('same-rows/rows', { checkout, basesFile, seed, ...range })),
    ) as Promise<[RowsResult, RowsResult]>;
  if (database !== undefined) process.exitCode = await compareTables({ before, after, basesFile, seed, batches: database });
  else process.exitCode = body === undefined ? await compareAll(onBoth) : await showOne(onBoth, body);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

type OnBoth = (range: Omit<RowsRequest, 'checkout' | 'basesFile' | 'seed'>) => Promise<[RowsResult, RowsResult]>;

async function compareAll(onBoth: OnBoth): Promise<number> {
  const [{ unchanged }] = await onBoth({ from: 0, to: 0 });
  const total = unchanged + bodies;
  const different: number[] = [];
  const kinds: Record<string, number> = {};
  const cpu = [0, 0];
  for (let from = 0; from < total; from += perRun) {
    const to = Math.min(total, from + perRun);
    const both = await onBoth({ from, to });
    const [old, current] = both.map(({ digests }) => Buffer.from(digests, 'base64')) as [Buffer, Buffer];
    for (let n = from; n < to; n++) {
      const at = (n - from) * 8;
      if (old.compare(current, at, at + 8, at, at + 8) !== 0) different.push(n);
    }
    for (const [kind, count] of Object.entries(both[1].kinds)) kinds[kind] = (kinds[kind] ?? 0) + count;
    for (const side of [0, 1] as const) cpu[side] = (cpu[side] ?? 0) + both[side].cpuSeconds;
    console.log(`${to} of ${total} deliveries (${unchanged} as they are), ${different.length} different`);
  }
  console.log(
    Object.entries(kinds)
      .sort(([, a], [, b]) => b - a)
      .map(([kind, count]) => `${String(count).padStart(8)} ${kind}`)
      .join('\n'),
  );
  console.log(`processor time: ${cpu.map((seconds) => `${Math.round(seconds)} s`).join(' and ')}`);
  if (different.length === 0) {
    console.log('The rows are the same, byte for byte.');
    return 0;
  }
  const shown = different.slice(0, shownMax);
  const [old, current] = await onBoth({ from: 0, to: 0, details: shown });
  for (const [index, n] of shown.entries()) {
    console.log(`\ndelivery ${n} (--seed ${seed} --body ${n} shows its rows)`);
    for (const line of differencesOf(old.details[index] ?? '', current.details[index] ?? '')) console.log(`  ${line}`);
  }
  console.log(`\n${different.length} of ${total} deliveries have other rows.`);
  return 1;
}

async function showOne(onBoth: OnBoth, n: number): Promise<number> {
  const [old, current] = await onBoth({ from: 0, to: 0, details: [n] });
  console.log(`before: ${old.details[0]}\n\nafter: ${current.details[0]}`);
  return old.details[0] === current.details[0] ? 0 : 1;
}
