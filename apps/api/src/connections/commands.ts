import type { MasterKeys } from '@tributary/pipeline/crypto/master-keys.ts';
import type { Sample, Secret, SecretField, Source } from '@tributary/pipeline/source.ts';
import { sources } from '@tributary/pipeline/sources.ts';
import type { CreateConnection, CreatedConnection, RotatedSecret, RotateSecret, TestedConnection } from '@tributary/shared/api.ts';
import type { Logger } from 'pino';
import type { z } from 'zod';
import { unknownSource } from '../deliveries/known-sources.ts';
import { findSecrets, sealSecret } from '../deliveries/secrets.ts';
import type { Claims, Db } from '../platform/db.ts';
import { Refusal } from '../platform/refusal.ts';
import { invalidRequest } from '../platform/requests.ts';
import { requireSecondFactor } from '../tenancy/callers-org.ts';
import { loadOrgKeys } from '../tenancy/org-keys.ts';
import { maskHeaders, maskSecrets, signSample } from './sample.ts';
import { createSecret, givenSecrets, missingSecrets, readSecret, requireFit, requireUsable, unknownSecret } from './secrets.ts';
import { type ConnectionRow, createConnection, findConnection, findProject, rotateSecret } from './store.ts';
import { toSecretState } from './wire.ts';

// The three commands that handle secrets: create a connection, rotate a secret, send a test.

export interface CommandDeps {
  db: Db;
  masterKeys: MasterKeys;
  /** The address at which platforms reach this server, without a slash at its end. */
  publicUrl: string;
  /** The bytes of the largest body that this installation takes. */
  bodyBytesMax: number;
  /** Runs a request through the whole app in this process; only here can a delivery be marked as a test. */
  dispatch(request: Request, options: { isTest: true }): Promise<Response>;
  log: Logger;
  now(): number;
}

export function webhookUrlOf(publicUrl: string, connection: { type: string; id: string }): string {
  return `${publicUrl}/api/webhooks/${connection.type}/${connection.id}`;
}

/** Throws where the settings ask for larger bodies than this installation takes: such a delivery would be refused all the same. */
function requireBodyLimit(source: Source, config: unknown, bodyBytesMax: number): void {
  const wanted = source.bodyBytesMax?.(config);
  if (wanted === undefined || wanted <= bodyBytesMax || !Object.hasOwn(Object(config), 'bodyBytesMax')) return;
  const message = `this installation takes bodies of at most ${bodyBytesMax} bytes; its operator can raise BODY_INFLATED_BYTES_MAX`;
  throw invalidRequest([{ path: ['bodyBytesMax'], code: 'too_big', origin: 'number', maximum: bodyBytesMax, message }], 'config');
}

/** Creates the connection with the secrets of the request, and generates those that the platform does not issue. */
export async function createWithSecrets(
  { db, masterKeys, publicUrl, bodyBytesMax, log, now }: CommandDeps,
  claims: Claims,
  body: z.output<typeof CreateConnection>,
): Promise<CreatedConnection> {
  const source = sources.get(body.type);
  if (!source) throw invalidRequest([{ path: ['type'], message: unknownSource(body.type) }]);
  const config = parseConfig(source, body.config ?? {});
  requireBodyLimit(source, config, bodyBytesMax);
  const given = givenSecrets(source, config, body.secret, body.secrets ?? {});
  const generated = generateSecrets(source, config, given);
  const secrets = [...given, ...generated];
  const missing = missingSecrets(source, namesOf(secrets));
  if (missing.length === 0) requireUsable(source, config, secrets, now());

  const project = await db.as(claims, (sql) => findProject(sql, body.projectId));
  if (!project) throw new Refusal('not_found', 'there is no such project');
  if (!project.may_write) throw new Refusal('forbidden');
  // Outside the transaction below: the creation of an org's first keys would wait for a lock that this transaction holds.
  const keys = await loadOrgKeys(db.onBehalfOf(claims), masterKeys, project.org_id, log);
  const row = { orgId: project.org_id, projectId: body.projectId, type: source.type, name: body.name, config: body.config ?? {} };
  const id = await db.as(claims, async (sql) => {
    const created = await createConnection(sql, row);
    for (const secret of secrets) {
      await rotateSecret(sql, created, secret.name, sealSecret(keys, project.org_id, created, secret), 0);
    }
    return created;
  });

  const webhookUrl = webhookUrlOf(publicUrl, { type: source.type, id });
  const answer: CreatedConnection = { id, webhookUrl, missingSecrets: missing.map((field) => field.name) };
  const primary = generated.find((secret) => secret.name === source.secrets[0]?.name);
  if (primary) answer.secret = primary.value;
  if (generated.length > 0) answer.secrets = Object.fromEntries(generated.map(({ name, value }) => [name, value]));
  return answer;
}

/** Stores the secret of the request, or generates one where the platform does not issue it. */
export async function setSecret(
  { db, masterKeys, log, now }: CommandDeps,
  claims: Claims,
  id: string,
  { name, secret, graceSeconds }: z.output<typeof RotateSecret>,
): Promise<RotatedSecret> {
  const before = requireWritable(await db.as(claims, (sql) => findConnection(sql, id)));
  const source = requireSource(before);
  const field = chooseSecretField(source, name);
  if (secret === undefined && field.issuedBy === 'platform') {
    throw invalidRequest([{ path: ['secret'], message: `${source.label} issues the ${field.label}: send the new one` }]);
  }
  const config = parseConfig(source, before.config_json);
  const value =
    secret === undefined ? createSecret(source, config) : readSecret(source, config, { name: field.name, value: secret }, ['secret']).value;
  const keys = await loadOrgKeys(db.onBehalfOf(claims), masterKeys, before.org_id, log);
  if (source.secrets.length === 1) requireUsable(source, config, [{ name: field.name, value }], now());

  const after = await db.as(claims, async (sql) => {
    await rotateSecret(sql, id, field.name, sealSecret(keys, before.org_id, id, { name: field.name, value }), graceSeconds);
    return findConnection(sql, id);
  });
  const answer: RotatedSecret = { name: field.name, secrets: (after?.secrets ?? []).map(toSecretState) };
  if (secret === undefined) answer.secret = value;
  return answer;
}

/** Throws where the settings are not those of the source, or would make the connection's current secrets unusable. */
export async function requireUsableConfig(
  { db, masterKeys, bodyBytesMax, log }: CommandDeps,
  claims: Claims,
  row: ConnectionRow,
  config: unknown,
): Promise<void> {
  const source = requireSource(row);
  const parsed = parseConfig(source, config);
  requireBodyLimit(source, parsed, bodyBytesMax);
  if (!source.readSecret || row.secrets.length === 0) return;
  const keys = await loadOrgKeys(db.onBehalfOf(claims), masterKeys, row.org_id, log);
  const secrets = await findSecrets(db.onBehalfOf(claims), row.id, keys, log);
  requireFit(
    source,
    parsed,
    secrets.filter((secret) => secret.expiresAtMs === undefined),
  );
}

/** Signs a sample with the connection's own secrets, sends it through the real endpoint, and returns both sides with the secrets masked. */
export async function sendTest(deps: CommandDeps, claims: Claims, id: string, wanted: string | undefined): Promise<TestedConnection> {
  const { db, masterKeys, publicUrl, dispatch, log, now } = deps;
  const connection = await db.as(claims, async (sql) => {
    const found = requireWritable(await findConnection(sql, id));
    await requireSecondFactor(sql, found.org_id);
    return found;
  });
  const source = requireSource(connection);
  const sample = chooseSample(source, wanted);
  const secrets = await findSecrets(
    db.onBehalfOf(claims),
    id,
    await loadOrgKeys(db.onBehalfOf(claims), masterKeys, connection.org_id, log),
    log,
  );
  requireComplete(source, secrets);
  const request = signOrRefuse(source, sample, secrets, connection, webhookUrlOf(publicUrl, connection), now());

  const sent = maskSecrets(await request.clone().text(), secrets);
  const startedAt = performance.now();
  const response = await dispatch(request, { isTest: true });
  const text = await response.text();
  const durationMs = Math.round((performance.now() - startedAt) * 10) / 10;
  return {
    sample: sample.name,
    request: {
      method: request.method,
      url: maskSecrets(request.url, secrets),
      headers: maskHeaders(request.headers, secrets),
      body: sent,
    },
    response: { status: response.status, body: parseJson(text) },
    durationMs,
  };
}

export function requireWritable(row: ConnectionRow | undefined): ConnectionRow {
  if (!row) throw new Refusal('not_found', 'there is no such connection');
  if (!row.may_write) throw new Refusal('forbidden');
  return row;
}

function requireSource(row: ConnectionRow): Source {
  const source = sources.get(row.type);
  if (!source) throw new Refusal('conflict', `this version of the server does not have the source ${row.type}`);
  return source;
}

/** Returns the config with its defaults. Sources refuse keys that they do not know, so no secret can hide in a config. */
function parseConfig(source: Source, config: unknown): unknown {
  const parsed = source.config.safeParse(config);
  if (!parsed.success) throw invalidRequest(parsed.error.issues, 'config');
  return parsed.data;
}

const namesOf = (secrets: readonly Secret[]) => secrets.map((secret) => secret.name);

function generateSecrets(source: Source, config: unknown, given: readonly Secret[]): Secret[] {
  return source.secrets
    .filter((field) => field.issuedBy === 'tributary' && !namesOf(given).includes(field.name))
    .map((field) => ({ name: field.name, value: createSecret(source, config) }));
}

/** The secret of this name; without a name, the source's first one. */
function chooseSecretField(source: Source, name: string | undefined): SecretField {
  const field = name === undefined ? source.secrets[0] : source.secrets.find((one) => one.name === name);
  if (!field) throw invalidRequest([{ path: ['name'], message: unknownSecret(source) }]);
  return field;
}

function chooseSample(source: Source, name: string | undefined): Sample {
  const sample = name === undefined ? source.samples[0] : source.samples.find((one) => one.name === name);
  if (!sample) {
    const known = source.samples.map((one) => one.name).join(', ');
    throw invalidRequest([{ path: ['sample'], message: `is not a sample of ${source.label}; its samples are ${known}` }]);
  }
  return sample;
}

function requireComplete(source: Source, secrets: readonly Secret[]): void {
  const [missing] = missingSecrets(source, namesOf(secrets));
  if (!missing) return;
  throw new Refusal(
    'conflict',
    `the connection has no usable ${missing.label} (${missing.name}) yet, so no sample can be signed: set it first`,
  );
}

function signOrRefuse(
  source: Source,
  sample: Sample,
  secrets: readonly Secret[],
  connection: ConnectionRow,
  webhookUrl: string,
  nowMs: number,
): Request {
  const config = parseConfig(source, connection.config_json);
  try {
    return signSample(source, sample, secrets, config, webhookUrl, nowMs);
  } catch {
    throw new Refusal('conflict', 'the connection\u2019s secrets and config cannot sign a sample: check them');
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
