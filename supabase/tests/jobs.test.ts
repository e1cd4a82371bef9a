import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { withClient } from '../local/database.ts';
import { createTestDatabase } from '../local/testing.ts';

it('the job queue has the schema of the library that runs it: a newer one needs a migration with its further files', async () => {
  const library = dirname(dirname(fileURLToPath(import.meta.resolve('graphile-worker'))));
  const files = readdirSync(join(library, 'sql')).map((file) => Number.parseInt(file, 10));
  const database = await createTestDatabase();
  try {
    const { rows } = await withClient(database.adminUrl, (client) => client.query('select id from graphile_worker.migrations order by id'));
    expect(rows.map((row) => row.id)).toEqual(files.sort((a, b) => a - b));
  } finally {
    await database.drop();
  }
});
