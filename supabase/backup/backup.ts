import { parseArgs } from 'node:util';
import { backUp } from './dump.ts';

// Writes a backup of a running system into a new directory. docs/backup.md says when to use it and what else has to be kept.

const usage = 'Usage: npm run backup -- <new directory>, with the connection string of the role postgres in POSTGRES_URL';
const { positionals } = parseArgs({ allowPositionals: true });
const [directory, ...rest] = positionals;
const url = process.env.POSTGRES_URL;
try {
  if (directory === undefined || rest.length > 0 || !url) throw new Error(usage);
  const { tables, takenAt } = await backUp(url, directory);
  const rows = Object.values(tables).reduce((sum, table) => sum + table.rows, 0);
  console.log(
    `The backup in ${directory} has ${rows} rows in ${Object.keys(tables).length} tables as of ${takenAt}. Keep MASTER_KEY elsewhere.`,
  );
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
