import { measure } from '../process.ts';
import type { DatabaseRequest, DatabaseResult } from './database.ts';
import type { Tables } from './tables.ts';

export interface CompareTables {
  before: string;
  after: string;
  basesFile: string;
  seed: number;
  batches: number;
}

/** Writes the same batches into two databases and compares all their tables. Returns the exit code. */
export async function compareTables({ before, after, basesFile, seed, batches }: CompareTables): Promise<number> {
  // Two hours ago, on the hour: both runs then count in the same hour, and no time of a delivery is near a time of a commit.
  const nowMs = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 7_200_000;
  const request = { basesFile, seed, batches, nowMs };
  const [old, current] = (await Promise.all(
    [before, after].map((checkout) => measure<DatabaseResult>('same-rows/database', { ...request, checkout } satisfies DatabaseRequest)),
  )) as [DatabaseResult, DatabaseResult];
  const otherAnswers = old.answers.flatMap((answer, n) => (answer === current.answers[n] ? [] : [n]));
  for (const n of otherAnswers.slice(0, 5)) console.log(`statement ${n} answered\n  ${old.answers[n]}\n  ${current.answers[n]}`);
  const tables = [...new Set([...Object.keys(old.tables), ...Object.keys(current.tables)])].sort();
  const different = tables.filter((table) => !compareTable(table, old.tables, current.tables));
  const refused = old.answers.filter((answer) => answer.startsWith('error')).length;
  console.log(`${old.answers.length} statements, of which the database refused ${refused}; ${otherAnswers.length} answered differently`);
  console.log(
    different.length === 0 ? `The rows of all ${tables.length} tables are the same.` : `These tables differ: ${different.join(', ')}`,
  );
  return otherAnswers.length === 0 && different.length === 0 ? 0 : 1;
}

function compareTable(table: string, old: Tables, current: Tables): boolean {
  const [rows, others] = [old[table] ?? [], current[table] ?? []];
  const [missing, added] = [without(rows, others), without(others, rows)];
  console.log(
    `${table}: ${rows.length} rows${missing.length + added.length === 0 ? '' : `, ${missing.length} of them are missing, ${added.length} others are there`}`,
  );
  for (const row of missing.slice(0, 3)) console.log(`  - ${row.slice(0, 1_500)}`);
  for (const row of added.slice(0, 3)) console.log(`  + ${row.slice(0, 1_500)}`);
  return missing.length + added.length === 0;
}

function without(rows: readonly string[], others: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const row of others) left.set(row, (left.get(row) ?? 0) + 1);
  return rows.filter((row) => {
    const count = left.get(row) ?? 0;
    left.set(row, count - 1);
    return count <= 0;
  });
}
