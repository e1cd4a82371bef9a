import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { withClient } from '@tributary/supabase/local/database.ts';
import type { StackInfo } from '@tributary/supabase/local/stack.ts';
import { localDirectory } from '@tributary/supabase/local/stack-config.ts';

// Runs one SQL statement on the local stack, for people without psql. The transaction is read-only, because the role sees every org.

function fail(sentence: string): never {
  console.error(sentence);
  process.exit(1);
}

const [statement, ...rest] = process.argv.slice(2);
if (statement === undefined || rest.length > 0) fail(`Usage: npm run sql -- 'select …', with the statement as one argument in quotes.`);
const file = join(localDirectory(process.env, join(import.meta.dirname, '..')), 'stack.json');
if (!existsSync(file)) fail('The stack is not running: start it with `npm start` in another terminal.');
const { databaseUrl } = JSON.parse(readFileSync(file, 'utf8')) as StackInfo;
try {
  const rows = await withClient(databaseUrl, async (client) => {
    await client.query('begin transaction read only');
    return (await client.query<Record<string, unknown>>(statement)).rows;
  });
  console.log(rows.map(renderRow).join('\n\n') || 'No rows.');
} catch (error) {
  fail(`The statement failed: ${(error as Error).message}.`);
}

/** Renders a row with one line for each column, as `psql -x` does. */
function renderRow(row: Record<string, unknown>): string {
  const width = Math.max(...Object.keys(row).map((name) => name.length));
  return Object.entries(row)
    .map(([name, value]) => `${name.padEnd(width)}  ${renderValue(value)}`)
    .join('\n');
}

function renderValue(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
