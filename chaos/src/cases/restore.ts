import { chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkRestored } from '@tributary/supabase/backup/check.ts';
import { backUp, readManifest, restore } from '@tributary/supabase/backup/dump.ts';
import { withEmptyProject } from '@tributary/supabase/backup/empty-project.ts';
import { type Manifest, measure } from '@tributary/supabase/backup/manifest.ts';
import { runProgram } from '@tributary/supabase/backup/programs.ts';
import { withClient } from '@tributary/supabase/local/database.ts';
import { freePort } from '@tributary/supabase/local/ports.ts';
import { databaseUrl, startPostgres, superuser } from '@tributary/supabase/local/postgres.ts';
import { findPostgresHome, type PostgresHome } from '@tributary/supabase/local/postgres-home.ts';
import type { CaseContext, CaseReport } from '../case.ts';
import type { Entry } from '../journal.ts';
import { type Scene, underLoad } from '../scene.ts';
import { createSender } from '../sender.ts';
import { apiEntry } from '../stack.ts';

/** The number of deliveries that are acknowledged before and after each backup. */
const acked = { long: 5_000, short: 150 };

/**
 * The server and its disk are lost. A dump that was written under load, and a base backup with the archived log up to a moment, are restored into empty
 * servers: each table has the rows that it had, the API starts, and each delivery that is sent again is a duplicate.
 */
export async function restoreBackups(context: CaseContext): Promise<CaseReport> {
  const home = await findPostgresHome();
  const directory = mkdtempSync(join(tmpdir(), 'tributary-backups-'));
  const places = { dump: join(directory, 'dump'), archive: join(directory, 'archive'), base: join(directory, 'base'), directory, home };
  for (const path of [places.archive, directory]) own(path, home);
  const settings = {
    archive_mode: 'on',
    archive_command: `test ! -f ${places.archive}/%f && cp %p ${places.archive}/%f`,
    max_wal_senders: '4',
  };
  try {
    const bodiesAtMs = Date.now();
    return await underLoad(context, { traffic: { loops: 8, bodiesAtMs }, settings }, (scene) =>
      loseEverything(scene, places, context, bodiesAtMs),
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Places {
  dump: string;
  archive: string;
  base: string;
  directory: string;
  home: PostgresHome;
}

async function loseEverything(scene: Scene, places: Places, context: CaseContext, bodiesAtMs: number): Promise<void> {
  const { stack } = scene;
  const more = context.long ? acked.long : acked.short;
  const masterKey = stack.masterKey;
  await scene.ackMore(more);
  context.say('a dump and a base backup under load');
  await backUp(stack.database.adminUrl, places.dump);
  await runProgram('pg_basebackup', [
    `--dbname=${stack.database.superuserUrl}`,
    `--pgdata=${places.base}`,
    '--checkpoint=fast',
    '--wal-method=stream',
  ]);
  await scene.ackMore(more);
  // The rows of one moment are compared, so nothing is written while they are measured.
  await scene.load.finish();
  await scene.api.terminate();
  const wanted = await withClient(stack.database.adminUrl, async (client) => {
    await client.query('begin transaction isolation level repeatable read read only');
    return measure(client);
  });
  const acknowledged = (await scene.journal.read()).filter((entry) => entry.what === 'acked');
  const moment = await archiveUntilNow(scene);

  await restoreBase(scene, places, moment, async (url, apiUrl) => {
    await expectRestored(scene, 'base backup', { url, wanted, masterKey, directory: places.directory });
    await expectDuplicates(scene, apiUrl, acknowledged, bodiesAtMs);
  });
  await withEmptyProject(async (url) => {
    await restore(places.dump, url);
    await expectRestored(scene, 'dump', { url, wanted: readManifest(places.dump), masterKey, directory: places.directory });
  });
}

/** Changes rows that the restored copy must not have, and returns the moment before; everything up to then is in the archive. */
async function archiveUntilNow({ stack }: Scene): Promise<string> {
  const [now] = await stack.query<{ moment: string }>('select clock_timestamp()::text as moment');
  await stack.query(`select pg_sleep(0.05)`);
  await stack.query(`update public.orgs set name = 'changed by mistake'`);
  const [switched] = await stack.query<{ file: string }>('select pg_walfile_name(pg_switch_wal()) as file');
  for (;;) {
    const [archiver] = await stack.query<{ done: boolean }>('select last_archived_wal >= $1 as done from pg_stat_archiver', [
      switched?.file,
    ]);
    if (archiver?.done) break;
    await stack.query('select pg_sleep(0.05)');
  }
  await stack.query(`update public.orgs set name = 'Proof'`);
  return now?.moment ?? '';
}

/** Starts a server on the base backup, which replays the archive until `moment`, and calls `use` with the URLs of the owner and of the API's role. */
async function restoreBase(
  { stack }: Scene,
  { base, archive, directory, home }: Places,
  moment: string,
  use: (url: string, apiUrl: string) => Promise<void>,
): Promise<void> {
  writeFileSync(join(base, 'recovery.signal'), '');
  own(base, home);
  const login = new URL(stack.database.superuserUrl);
  const port = await freePort();
  const postgres = await startPostgres({
    home,
    directory: base,
    port,
    superuserPassword: decodeURIComponent(login.password),
    logFile: join(directory, 'restored.log'),
    settings: {
      restore_command: `cp ${archive}/%f %p`,
      recovery_target_time: moment,
      recovery_target_action: 'promote',
      max_connections: '300',
    },
  });
  try {
    const on = (user: string) =>
      databaseUrl({ port, user, password: decodeURIComponent(login.password), database: login.pathname.slice(1) });
    await withClient(on(superuser), async (client) => {
      for (let recovering = true; recovering; ) {
        const { rows } = await client.query<{ recovering: boolean }>('select pg_is_in_recovery() as recovering, pg_sleep(0.05)');
        recovering = rows[0]?.recovering === true;
      }
    });
    await use(on('postgres'), on('tributary_api'));
  } finally {
    await postgres.stop('immediate');
  }
}

async function expectRestored(
  scene: Scene,
  what: string,
  given: { url: string; wanted: Manifest; masterKey: string; directory: string },
): Promise<void> {
  const from = performance.now();
  const { problems, rows, opened } = await checkRestored(given.url, given.wanted, given.masterKey, apiEntry, given.directory);
  scene.none(`${what}: what differs from the manifest, does not open or does not start`, problems, rows);
  scene.atLeast(`${what}: bodies that were opened`, opened, 10);
  scene.figure(`${what}: milliseconds of the check`, performance.now() - from);
}

/** Sends every acknowledged delivery again: the restored system must know each one under the id that it had. */
async function expectDuplicates(scene: Scene, apiUrl: string, acknowledged: readonly Entry[], bodiesAtMs: number): Promise<void> {
  const { stack, journal, random } = scene;
  // The check has given the role of the API another password.
  await withClient(apiUrl.replace('tributary_api', superuser), (client) =>
    client.query(`alter role tributary_api password '${new URL(apiUrl).password}'`),
  );
  const api = await stack.startApi({ environment: { DATABASE_URL: apiUrl } });
  const sender = createSender({ url: api.url, journal, random, sockets: 8, bodiesAtMs });
  try {
    const connections = Object.values(stack.connections);
    const attempted = new Map(
      (await journal.read()).flatMap((entry) => (entry.what === 'attempted' ? [[entry.key, entry.connectionId]] : [])),
    );
    for (const entry of acknowledged) {
      const connection = connections.find(({ id }) => entry.what === 'acked' && id === attempted.get(entry.key));
      if (entry.what === 'acked' && connection) await sender.deliver(connection, entry.key, { stored: entry.eventId });
    }
    scene.none(
      'sent again to the restored system and not answered as a duplicate of the same event',
      sender.figures.surprises,
      acknowledged.length,
    );
    scene.equal('sent again to the restored system', sender.figures.duplicates, acknowledged.length);
  } finally {
    sender.close();
    await api.terminate();
  }
}

/** Gives files to the account that Postgres runs as, which is another one only for root. */
function own(path: string, { user }: PostgresHome): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if (!user) return;
  chownSync(path, user.uid, user.gid);
  for (const name of readdirSync(path, { recursive: true, encoding: 'utf8' })) chownSync(join(path, name), user.uid, user.gid);
}
