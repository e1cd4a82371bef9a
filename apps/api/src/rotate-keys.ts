import { randomBytes } from 'node:crypto';
import { type MasterKeys, rewrap, wrapKey } from '@tributary/pipeline/crypto/master-keys.ts';
import { keyAad, SealError } from '@tributary/pipeline/crypto/seal.ts';
import { readConfig } from './platform/config.ts';
import { createDb, type Db } from './platform/db.ts';
import { createLog } from './platform/log.ts';

const batchRows = 200;

/** The reason why a rotation cannot start. The message is for the operator. */
export class RotationError extends Error {
  override readonly name = 'RotationError';
}

/** A key that could not be unwrapped with the master key version it names, for example because it is damaged. */
export interface UnopenedKey {
  org_id: string;
  kind: string;
  version: number;
}

/**
 * Wraps every org's keys with the current master key. The keys themselves do not change, so every ciphertext can still be opened. Each
 * batch is one transaction: an interrupted run can simply be started again. A key that cannot be unwrapped is left as it is, and the others are
 * still wrapped. Throws RotationError, and changes nothing, when MASTER_KEY lacks a version that some key is wrapped with. Every API
 * process must know the current version beforehand, or it could no longer unwrap the keys.
 */
export async function rewrapOrgKeys(
  db: Pick<Db, 'maintenance'>,
  masterKeys: MasterKeys,
): Promise<{ rewrapped: number; unopened: UnopenedKey[] }> {
  const used = await db.maintenance((sql) =>
    sql<{ master_version: number; keys: number }>(
      'select master_version, count(*)::integer as keys from private.org_keys group by master_version order by master_version',
    ),
  );
  const missing = used.filter((row) => !masterKeys.keys.has(row.master_version));
  if (missing.length > 0) {
    const list = missing.map((row) => `v${row.master_version} (${row.keys} keys)`).join(', ');
    throw new RotationError(`MASTER_KEY lacks ${list}: add the old versions behind the new one, as v2:<new>,v1:<old>.`);
  }
  let rewrapped = 0;
  const unopened: UnopenedKey[] = [];
  for (let last: UnopenedKey = { org_id: '00000000-0000-0000-0000-000000000000', kind: '', version: 0 }; ; ) {
    const rows = await db.maintenance(async (sql) => {
      const batch = await sql<UnopenedKey & { wrapped: Buffer; master_version: number }>(
        `select org_id, kind, version, wrapped, master_version from private.org_keys
         where master_version <> $1 and (org_id, kind, version) > ($2, $3, $4)
         order by org_id, kind, version limit ${batchRows} for update`,
        [masterKeys.current, last.org_id, last.kind, last.version],
      );
      const wrappedAnew = batch.flatMap((row) => {
        try {
          return [{ row, ...rewrap(masterKeys, row.master_version, row.wrapped, keyAad(row.org_id, row.kind, row.version)) }];
        } catch (error) {
          if (!(error instanceof SealError)) throw error;
          unopened.push({ org_id: row.org_id, kind: row.kind, version: row.version });
          return [];
        }
      });
      for (const { row, wrapped, version } of wrappedAnew) {
        await sql('update private.org_keys set wrapped = $4, master_version = $5 where org_id = $1 and kind = $2 and version = $3', [
          row.org_id,
          row.kind,
          row.version,
          Buffer.from(wrapped),
          version,
        ]);
      }
      rewrapped += wrappedAnew.length;
      return batch;
    });
    const end = rows.at(-1);
    if (!end) return { rewrapped, unopened };
    last = end;
  }
}

/**
 * Gives every org one more data key: new data is sealed with it, and older data still opens with the older keys. Hash keys do not change,
 * because new hashes would not match the old ones. Returns how many orgs got a key. An interrupted run may be started again; some orgs then
 * get two keys.
 */
export async function addDataKeys(db: Pick<Db, 'maintenance'>, masterKeys: MasterKeys): Promise<number> {
  let total = 0;
  let last = '00000000-0000-0000-0000-000000000000';
  for (;;) {
    const rows = await db.maintenance(async (sql) => {
      const orgs = await sql<{ org_id: string; version: number }>(
        `select org_id, max(version) as version from private.org_keys where kind = 'data' and org_id > $1
         group by org_id order by org_id limit ${batchRows}`,
        [last],
      );
      for (const { org_id, version } of orgs) {
        const next = wrapKey(masterKeys, randomBytes(32), keyAad(org_id, 'data', version + 1));
        await sql(
          `insert into private.org_keys (org_id, kind, version, wrapped, master_version) values ($1, 'data', $2, $3, $4) on conflict do nothing`,
          [org_id, version + 1, Buffer.from(next.wrapped), next.version],
        );
      }
      return orgs;
    });
    total += rows.length;
    const end = rows.at(-1);
    if (!end) return total;
    last = end.org_id;
  }
}

async function main(args: readonly string[]): Promise<number> {
  const unknown = args.find((arg) => arg !== '--data');
  if (unknown !== undefined) {
    console.error(`${unknown} is not an option. Usage: npm run keys:rotate [-- --data]`);
    return 2;
  }
  let config: ReturnType<typeof readConfig>;
  try {
    config = readConfig(process.env);
  } catch (error) {
    console.error(`The configuration is not complete (see .env.example):\n${(error as Error).message}`);
    return 2;
  }
  const { masterKeys } = config;
  const db = createDb({ ...config.database, ingestConnections: 1, jobConnections: 1 }, createLog('silent'));
  try {
    const { rewrapped, unopened } = await rewrapOrgKeys(db, masterKeys);
    const obsolete = [...masterKeys.keys.keys()].filter((version) => version !== masterKeys.current).map((version) => `v${version}`);
    const rest =
      unopened.length === 0
        ? 'every org key is now wrapped with it'
        : `${unopened.length} org keys could not be unwrapped and were not changed`;
    console.log(`Wrapped ${rewrapped} org keys with master key v${masterKeys.current}; ${rest}.`);
    for (const { org_id, kind, version } of unopened) {
      console.error(
        `The ${kind} key v${version} of org ${org_id} cannot be unwrapped with the master key version it names: the key is damaged, or was wrapped with another master key.`,
      );
    }
    if (obsolete.length > 0 && unopened.length === 0) {
      console.log(
        `When every API process runs with v${masterKeys.current} as its first version, ${obsolete.join(', ')} can be removed from MASTER_KEY.`,
      );
    }
    if (args.includes('--data')) console.log(`Gave ${await addDataKeys(db, masterKeys)} orgs a new data key.`);
    return unopened.length === 0 ? 0 : 1;
  } catch (error) {
    if (error instanceof RotationError) console.error(error.message);
    else console.error(`The rotation was interrupted; it can be started again. ${(error as Error).message}`);
    return 1;
  } finally {
    await db.close();
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
