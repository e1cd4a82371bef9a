import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { withClient } from '../local/database.ts';
import type { TestDatabase } from '../local/test-cluster.ts';
import { createTestDatabase } from '../local/testing.ts';

it('the job queue has the schema of the installed Graphile Worker: a newer version needs a migration with its further files', async () => {
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

describe('the clock of the tasks', () => {
  let database: TestDatabase;
  let client: pg.Client;
  beforeAll(async () => {
    database = await createTestDatabase();
    client = new pg.Client({ connectionString: database.adminUrl });
    await client.connect();
  });
  beforeEach(() => client.query('delete from private.schedule'));
  afterAll(async () => {
    await client?.end();
    await database?.drop();
  });

  /** A period of decades, so that no turn ends during a test. */
  const decades = 1e9;
  const tick = async (everySeconds: number, on = client) =>
    (await on.query('select private.tick($1) as started', [JSON.stringify([{ task: 'some.task', every_seconds: everySeconds }])])).rows[0]
      .started;

  it('starts a task once in each of its turns', async () => {
    expect([await tick(decades), await tick(decades)]).toEqual([1, 0]);
    await client.query(`update private.schedule set started_at = started_at - make_interval(secs => $1)`, [decades]);
    expect([await tick(decades), await tick(decades)]).toEqual([1, 0]);
  });

  it('starts a task again after a release that makes its period longer or shorter', async () => {
    await tick(decades);
    await client.query(`update private.schedule set started_at = started_at - make_interval(secs => $1)`, [decades]);
    for (const everySeconds of [decades * 1.5, 0.001]) {
      expect(await tick(everySeconds)).toBe(1);
      await client.query(`update private.schedule set started_at = started_at - make_interval(secs => $1)`, [decades]);
    }
  });

  it('starts a task once while two releases with different periods run side by side', async () => {
    const started = [];
    for (let n = 0; n < 5; n++) started.push(await tick(decades), await tick(decades * 1.5));
    expect(started.reduce((sum, one) => sum + one, 0)).toBe(1);
  });

  it('starts a task again when a clock that was ahead has been set right', async () => {
    await tick(decades);
    await client.query(`update private.schedule set started_at = started_at + make_interval(secs => $1)`, [decades]);
    expect([await tick(decades), await tick(decades)]).toEqual([1, 0]);
  });

  it('starts a task once when many instances ask at the same moment', async () => {
    const others = Array.from({ length: 6 }, () => new pg.Client({ connectionString: database.adminUrl }));
    await Promise.all(others.map((other) => other.connect()));
    const started = await Promise.all(others.map((other) => tick(decades, other)));
    expect(started.toSorted()).toEqual([0, 0, 0, 0, 0, 1]);
    await Promise.all(others.map((other) => other.end()));
  });
});
