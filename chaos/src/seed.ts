import { randomBytes, randomUUID } from 'node:crypto';
import { parseMasterKeys, wrapKey } from '@tributary/pipeline/crypto/master-keys.ts';
import { digestKeyAad, keyAad, seal, secretAad } from '@tributary/pipeline/crypto/seal.ts';
import type { Secret, Source } from '@tributary/pipeline/source.ts';
import { exampleConfigs } from '@tributary/pipeline/sources/webhook/samples.ts';
import { sources } from '@tributary/pipeline/sources.ts';
import type pg from 'pg';

/** The org of a proof stack, with its keys unwrapped, so that the oracle can open what the API sealed and make the digests that the API made. */
export interface ProofOrg {
  id: string;
  projectId: string;
  dataKey: Uint8Array;
  digestKey: Uint8Array;
}

export interface ProofConnection {
  id: string;
  /** Path of its webhook URL. */
  path: string;
  source: Source;
  config: unknown;
  secrets: readonly Secret[];
}

/** The oracles find events by the ids that the sender made. */
const webhookConfig = { ...exampleConfigs.hmac, fields: { ...exampleConfigs.hmac.fields, id: 'id' } };

const types = ['hotmart', 'meta', 'stripe', 'webhook'] as const;

/** One connection per source of the catalogue. */
export type ProofConnections = Record<(typeof types)[number], ProofConnection>;

/** Inserts the rows that the control plane would write. They are inserted directly because the cases are about ingestion. */
export async function seedOrg(client: pg.Client, masterKey: string): Promise<{ org: ProofOrg; connections: ProofConnections }> {
  const master = parseMasterKeys(masterKey);
  const newKey = () => new Uint8Array(randomBytes(32));
  const org = { id: randomUUID(), projectId: randomUUID(), dataKey: newKey(), digestKey: newKey() };
  await client.query('insert into public.orgs (id, name, slug) values ($1, $2, $3)', [org.id, 'Proof', `proof-${org.id}`]);
  await client.query('insert into public.projects (id, org_id, name, slug) values ($1, $2, $3, $4)', [
    org.projectId,
    org.id,
    'Proof',
    'proof',
  ]);
  for (const [kind, key] of [
    ['data', org.dataKey],
    ['hash', randomBytes(32)],
  ] as const) {
    const { version, wrapped } = wrapKey(master, key, keyAad(org.id, kind, 1));
    await client.query('insert into private.org_keys (org_id, kind, version, wrapped, master_version) values ($1, $2, 1, $3, $4)', [
      org.id,
      kind,
      wrapped,
      version,
    ]);
  }
  await client.query('insert into private.org_digest_keys (org_id, key_version, sealed) values ($1, 1, $2)', [
    org.id,
    seal(org.dataKey, org.digestKey, digestKeyAad(org.id)),
  ]);
  const connections: Partial<ProofConnections> = {};
  for (const type of types) connections[type] = await seedConnection(client, org, type, type === 'webhook' ? webhookConfig : {});
  return { org, connections: connections as ProofConnections };
}

async function seedConnection(client: pg.Client, org: ProofOrg, type: string, given: object): Promise<ProofConnection> {
  const source = sources.get(type);
  if (!source) throw new Error(`there is no source ${type}`);
  const config = source.config.parse(given);
  const secrets = source.secrets.map(({ name }) => ({ name, value: randomBytes(32).toString('base64url') }));
  const id = randomUUID();
  await client.query(
    'insert into public.source_connections (id, org_id, project_id, name, type, config_json) values ($1, $2, $3, $4, $5, $6)',
    [id, org.id, org.projectId, `Proof ${type}`, type, JSON.stringify(given)],
  );
  for (const secret of secrets) {
    await client.query('insert into private.connection_secrets (org_id, source_connection_id, name, sealed) values ($1, $2, $3, $4)', [
      org.id,
      id,
      secret.name,
      seal(org.dataKey, secret.value, secretAad(org.id, id, secret.name)),
    ]);
  }
  return { id, path: `/api/webhooks/${type}/${id}`, source, config, secrets };
}

/** Headers and body of a delivery, signed with `secrets` (those of the connection by default) at `atMs`. */
export function signed(
  connection: ProofConnection,
  body: string,
  secrets = connection.secrets,
  atMs = Date.now(),
): { headers: Record<string, string>; body: string } {
  const { headers, body: changed } = connection.source.sign(body, secrets, connection.config, atMs);
  return { headers: { 'content-type': 'application/json', ...headers }, body: changed ?? body };
}
