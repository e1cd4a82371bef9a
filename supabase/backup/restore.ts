import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Check, checkRestored } from './check.ts';
import { readManifest, restore } from './dump.ts';
import { withEmptyProject } from './empty-project.ts';

// Restores a backup and checks what came of it: the rows, the keys, the newest bodies, and that the API starts. Without a database to restore into it does
// so in a Postgres that exists only for the check. docs/backup.md has the steps around it.

const usage =
  'Usage: npm run restore -- <directory of a backup>, or --check-only for a database that was restored by other means, with MASTER_KEY, and the connection string of the role postgres in POSTGRES_URL unless ' +
  'the restore is only tried';
const apiEntry = join(import.meta.dirname, '..', '..', 'apps', 'api', 'main.mjs');
const { positionals, values } = parseArgs({ allowPositionals: true, options: { 'check-only': { type: 'boolean', default: false } } });
const [directory, ...rest] = positionals;
const { POSTGRES_URL: url, MASTER_KEY: masterKey } = process.env;

async function run(source: string | undefined, into: string, key: string): Promise<Check> {
  const logs = mkdtempSync(join(tmpdir(), 'tributary-restore-'));
  try {
    if (source !== undefined && !values['check-only']) await restore(source, into);
    return await checkRestored(into, source === undefined ? undefined : readManifest(source), key, apiEntry, logs);
  } finally {
    rmSync(logs, { recursive: true, force: true });
  }
}

try {
  const isComplete = values['check-only'] ? url !== undefined : directory !== undefined;
  if (!isComplete || rest.length > 0 || !masterKey) throw new Error(usage);
  const { problems, rows, tables, keys, opened } = url
    ? await run(directory, url, masterKey)
    : await withEmptyProject((into) => run(directory, into, masterKey));
  console.log(`Compared ${rows} rows in ${tables} tables, opened ${keys} keys of orgs and ${opened} bodies, and started the API.`);
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
  else if (url)
    console.log('The database can be used. Give tributary_api a password before you start the API: the check has set a random one.');
  else console.log('The backup can be restored. Nothing of the trial is left.');
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
