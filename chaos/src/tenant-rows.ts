import { setTimeout as sleep } from 'node:timers/promises';
import type { Ids } from './requests.ts';
import type { ProofConnections, ProofOrg } from './seed.ts';
import type { ProofStack } from './stack.ts';

/** An org with connections, and the token of its owner. */
export interface Tenant {
  org: ProofOrg;
  connections: ProofConnections;
  token: string;
}

/** Ids of the tenant to fill requests with: the ids that requests know by name, and one id of each table that carries the org's id. */
export async function idsOf(stack: ProofStack, tenant: Tenant, cursors: readonly string[]): Promise<Ids> {
  const byName: Record<string, string> = {
    orgId: tenant.org.id,
    projectId: tenant.org.projectId,
    connectionId: tenant.connections.webhook.id,
    type: 'webhook',
  };
  const anything = new Set<string>([tenant.org.id, tenant.connections.webhook.id]);
  for (const table of await tablesOf(stack)) {
    if (!table.has_id || !table.has_org) continue;
    const [row] = await stack.query<{ id: string }>(`select id::text from ${table.name} where org_id = $1 order by 1 limit 1`, [
      tenant.org.id,
    ]);
    if (row) anything.add(row.id);
  }
  return { byName, anything: [...anything], cursors };
}

/** Every id in the tenant's rows except those in `sent`. A caller that only knows `sent` must never see one of them. */
export async function unsentIdsOf(stack: ProofStack, tenant: Tenant, sent: Ids): Promise<string[]> {
  const found = new Set<string>();
  for (const { name, has_org } of await tablesOf(stack)) {
    if (!has_org) continue;
    const rows = await stack.query<{ id: string }>(
      `select distinct m[1] as id from ${name} t, regexp_matches(t::text, '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}', 'g') m where t.org_id = $1`,
      [tenant.org.id],
    );
    for (const { id } of rows) found.add(id);
  }
  for (const id of [...sent.anything, ...Object.values(sent.byName)]) found.delete(id);
  return [...found];
}

const tablesOf = (stack: ProofStack) =>
  stack.query<{ name: string; has_id: boolean; has_org: boolean }>(
    `select c.oid::regclass::text as name,
       exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'id' and a.atttypid = 'uuid'::regtype) as has_id,
       exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'org_id') as has_org
     from pg_class c where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace) and c.relkind in ('r', 'p') and not c.relispartition`,
  );

/** One digest per table over the tenant's rows. */
export async function digestsOf(stack: ProofStack, { org, connections }: Tenant): Promise<Map<string, string>> {
  const digests = new Map<string, string>();
  const mine = [org.id, org.projectId, ...Object.values(connections).map((connection) => connection.id)].join('|');
  for (const { name, has_org } of await tablesOf(stack)) {
    const [row] = await stack.query<{ digest: string }>(
      `select md5(coalesce(string_agg(t::text, e'\\n' order by t::text), '')) as digest from ${name} t where ${has_org ? 't.org_id::text = $1' : 't::text ~ $1'}`,
      [has_org ? org.id : mine],
    );
    digests.set(name, row?.digest ?? '');
  }
  return digests;
}

/** Tables that no timed job changes. */
const untimedTables =
  /dlq_events|canonical_events|event_journal|journal_payloads|event_keys|legal_holds|org_members|org_invites|connection_secrets/;
export const untimed = (digests: ReadonlyMap<string, string>) => new Map([...digests].filter(([table]) => untimedTables.test(table)));

/** Waits until no untimed table has changed for two seconds, so that started jobs have run, and returns the digests. */
export async function waitUntilUnchanged(stack: ProofStack, tenant: Tenant): Promise<Map<string, string>> {
  for (let tries = 0; tries < 15; tries++) {
    const before = await digestsOf(stack, tenant);
    await sleep(2_000);
    const after = await digestsOf(stack, tenant);
    if ([...untimed(before)].every(([table, digest]) => after.get(table) === digest)) return after;
  }
  throw new Error('the rows of the victim kept changing for half a minute');
}
