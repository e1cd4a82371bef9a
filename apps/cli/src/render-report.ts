import { z } from 'zod';
import { type Cell, details, table } from './output.ts';

/** An answer for operators. Newer servers add fields to it, so the CLI does not know its exact shape. */
export const Report = z.record(z.string(), z.unknown());
export type Report = z.infer<typeof Report>;

/** Renders every figure by its name and every list of objects as a table, including fields that this version of the CLI does not know. */
export function renderReport(report: Report): string {
  const pairs: [string, Cell][] = [];
  const tables: string[] = [];
  const add = (name: string, value: unknown) => {
    if (Array.isArray(value) && value.every(isRecord)) tables.push(`${name}\n${renderList(value)}`);
    else if (isRecord(value)) for (const [key, inner] of Object.entries(value)) add(name === '' ? key : `${name}.${key}`, inner);
    else pairs.push([name, toCell(value)]);
  };
  add('', report);
  return [details(pairs), ...tables].join('\n\n');
}

function renderList(rows: readonly Report[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return table(
    columns,
    rows.map((row) => columns.map((column) => toCell(row[column]))),
    'none',
  );
}

function isRecord(value: unknown): value is Report {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function toCell(value: unknown): Cell {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : (value as Cell);
}
