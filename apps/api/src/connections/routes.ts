import type { MasterKeys } from '@tributary/pipeline/master-keys.ts';
import type { Source } from '@tributary/pipeline/source.ts';
import { sources } from '@tributary/pipeline/sources.ts';
import {
  type Connection,
  ConnectionQuery,
  CreateConnection,
  type CreatedConnection,
  type RotatedSecret,
  RotateSecret,
  TestConnection,
  type TestedConnection,
  UpdateConnection,
} from '@tributary/shared/api.ts';
import { Hono } from 'hono';
import type { Logger } from 'pino';
import { findSecrets, sealSecret } from '../deliveries/secrets.ts';
import { type AuthVariables, requireUser, type VerifyToken } from '../platform/auth.ts';
import type { Db } from '../platform/db.ts';
import { Problem } from '../platform/errors.ts';
import { invalidRequest, jsonBody, validBody, validId, validQuery } from '../platform/requests.ts';
import { loadOrgKeys } from '../tenancy/org-keys.ts';
import { describe } from './openapi.ts';
import { maskHeaders, maskSecrets, signSample } from './sample.ts';
import { createSecret, givenSecrets, missingSecrets, requireUsable, unknownSecret } from './secrets.ts';
import {
  type ConnectionRow,
  createConnection,
  deleteConnection,
  findConnection,
  findProject,
  listConnections,
  rotateSecret,
  type SecretRow,
  updateConnection,
} from './store.ts';

export interface ConnectionDeps {
  db: Db;
  verifyToken: VerifyToken;
  masterKeys: MasterKeys;
  /** Where platforms reach us, without a slash at its end. */
  publicUrl: string;
  /** Runs a request through the whole app in this process; only here can a delivery be marked as a test. */
  dispatch(request: Request, options: { isTest: true }): Promise<Response>;
  log: Logger;
  now(): number;
}

/** Mounted at /api/connections. */
export function connectionRoutes({ db, verifyToken, masterKeys, publicUrl, dispatch, log, now }: ConnectionDeps) {
  const app = new Hono<{ Variables: AuthVariables }>();
  app.use(requireUser(verifyToken), jsonBody);

  const webhookUrl = (row: { type: string; id: string }) => `${publicUrl}/api/webhooks/${row.type}/${row.id}`;

  app.post('/', describe.createConnection, validBody(CreateConnection), async (c) => {
    const body = c.req.valid('json');
    const source = sources.get(body.type);
    if (!source) {
      throw invalidRequest([{ path: ['type'], message: `no source is called so; there are ${[...sources.keys()].sort().join(', ')}` }]);
    }
    const config = parseConfig(source, body.config ?? {});
    const given = givenSecrets(source, body.secret, body.secrets ?? {});
    const generated = source.secrets
      .filter((field) => field.issuedBy === 'tributary' && !given.some((secret) => secret.name === field.name))
      .map((field) => ({ name: field.name, value: createSecret(source, config) }));
    const secrets = [...given, ...generated];
    const missing = missingSecrets(
      source,
      secrets.map((secret) => secret.name),
    );
    if (missing.length === 0) requireUsable(source, config, secrets, now());

    const project = await db.as(c.var.claims, (sql) => findProject(sql, body.projectId));
    if (!project) throw new Problem('not_found', 'there is no such project');
    if (!project.may_write) throw new Problem('forbidden');
    // Outside the transaction below, which holds a lock that an org's first keys wait for.
    const keys = await loadOrgKeys(db, masterKeys, project.org_id, log);
    const id = await db.as(c.var.claims, async (sql) => {
      const created = await createConnection(sql, {
        orgId: project.org_id,
        projectId: body.projectId,
        type: source.type,
        name: body.name,
        config: body.config ?? {},
      });
      for (const secret of secrets) {
        await rotateSecret(sql, created, secret.name, sealSecret(keys, project.org_id, created, secret), 0);
      }
      return created;
    });

    const answer: CreatedConnection = {
      id,
      webhookUrl: webhookUrl({ type: source.type, id }),
      missingSecrets: missing.map((field) => field.name),
    };
    const primary = generated.find((secret) => secret.name === source.secrets[0]?.name);
    if (primary) answer.secret = primary.value;
    if (generated.length > 0) answer.secrets = Object.fromEntries(generated.map(({ name, value }) => [name, value]));
    c.header('cache-control', 'no-store');
    return c.json(answer, 201);
  });

  app.get('/', describe.listConnections, validQuery(ConnectionQuery), async (c) => {
    const { projectId } = c.req.valid('query');
    const rows = await db.as(c.var.claims, async (sql) => {
      if (projectId && !(await findProject(sql, projectId))) throw new Problem('not_found', 'there is no such project');
      return listConnections(sql, projectId);
    });
    return c.json(rows.map((row) => toConnection(row, webhookUrl(row))));
  });

  app.get('/:id', describe.getConnection, validId(), async (c) => {
    const { id } = c.req.valid('param');
    const row = await db.as(c.var.claims, (sql) => findConnection(sql, id));
    if (!row) throw new Problem('not_found', 'there is no such connection');
    return c.json(toConnection(row, webhookUrl(row)));
  });

  app.patch('/:id', describe.updateConnection, validId(), validBody(UpdateConnection), async (c) => {
    const { id } = c.req.valid('param');
    const changes = c.req.valid('json');
    const row = await db.as(c.var.claims, async (sql) => {
      const before = requireWritable(await findConnection(sql, id));
      if (changes.config) parseConfig(requireSource(before), changes.config);
      await updateConnection(sql, id, changes);
      return findConnection(sql, id);
    });
    if (!row) throw new Problem('not_found', 'there is no such connection');
    return c.json(toConnection(row, webhookUrl(row)));
  });

  app.delete('/:id', describe.deleteConnection, validId(), async (c) => {
    const { id } = c.req.valid('param');
    const deleted = await db.as(c.var.claims, (sql) => deleteConnection(sql, id));
    if (!deleted) throw new Problem('not_found', 'there is no such connection');
    return c.body(null, 204);
  });

  app.post('/:id/secret', describe.rotateSecret, validId(), validBody(RotateSecret), async (c) => {
    const { id } = c.req.valid('param');
    const { name, secret, graceSeconds } = c.req.valid('json');
    const before = requireWritable(await db.as(c.var.claims, (sql) => findConnection(sql, id)));
    const source = requireSource(before);
    const field = name === undefined ? source.secrets[0] : source.secrets.find((known) => known.name === name);
    if (!field) throw invalidRequest([{ path: ['name'], message: unknownSecret(source) }]);
    if (secret === undefined && field.issuedBy === 'platform') {
      throw invalidRequest([{ path: ['secret'], message: `${source.label} issues the ${field.label}: send the new one` }]);
    }
    const config = parseConfig(source, before.config_json);
    const value = secret ?? createSecret(source, config);
    const keys = await loadOrgKeys(db, masterKeys, before.org_id, log);
    if (source.secrets.length === 1) requireUsable(source, config, [{ name: field.name, value }], now());

    const after = await db.as(c.var.claims, async (sql) => {
      await rotateSecret(sql, id, field.name, sealSecret(keys, before.org_id, id, { name: field.name, value }), graceSeconds);
      return findConnection(sql, id);
    });
    const answer: RotatedSecret = { name: field.name, secrets: (after?.secrets ?? []).map(toSecretState) };
    if (secret === undefined) answer.secret = value;
    c.header('cache-control', 'no-store');
    return c.json(answer);
  });

  app.post('/:id/test', describe.testConnection, validId(), validBody(TestConnection), async (c) => {
    const { id } = c.req.valid('param');
    const { sample: wanted } = c.req.valid('json');
    const connection = requireWritable(await db.as(c.var.claims, (sql) => findConnection(sql, id)));
    const source = requireSource(connection);
    const sample = wanted === undefined ? source.samples[0] : source.samples.find((known) => known.name === wanted);
    if (!sample) {
      throw invalidRequest([
        { path: ['sample'], message: `no sample is called so; there are ${source.samples.map((s) => s.name).join(', ')}` },
      ]);
    }
    const secrets = await findSecrets(db, id, await loadOrgKeys(db, masterKeys, connection.org_id, log), log);
    const [missing] = missingSecrets(
      source,
      secrets.map((secret) => secret.name),
    );
    if (missing) {
      throw new Problem(
        'conflict',
        `the connection has no usable ${missing.label} (${missing.name}) yet, so no sample can be signed: set it first`,
      );
    }
    let request: Request;
    try {
      request = signSample(source, sample, secrets, parseConfig(source, connection.config_json), webhookUrl(connection), now());
    } catch {
      throw new Problem('conflict', 'the connection\u2019s secrets and config cannot sign a sample: check them');
    }

    const sent = maskSecrets(await request.clone().text(), secrets);
    const startedAt = performance.now();
    const response = await dispatch(request, { isTest: true });
    const text = await response.text();
    const durationMs = Math.round((performance.now() - startedAt) * 10) / 10;
    const answer: TestedConnection = {
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
    return c.json(answer);
  });

  return app;
}

function requireWritable(row: ConnectionRow | undefined): ConnectionRow {
  if (!row) throw new Problem('not_found', 'there is no such connection');
  if (!row.may_write) throw new Problem('forbidden');
  return row;
}

function requireSource(row: ConnectionRow): Source {
  const source = sources.get(row.type);
  if (!source) throw new Problem('conflict', `this version knows no source called ${row.type}`);
  return source;
}

/** The config with its defaults. Sources refuse keys they do not know, so no secret can hide there. */
function parseConfig(source: Source, config: unknown): unknown {
  const parsed = source.config.safeParse(config);
  if (!parsed.success) throw invalidRequest(parsed.error.issues, 'config');
  return parsed.data;
}

function toSecretState(row: SecretRow) {
  return { name: row.name, createdAt: row.created_at, expiresAt: row.expires_at };
}

function toConnection(row: ConnectionRow, webhookUrl: string): Connection {
  const source = sources.get(row.type);
  return {
    id: row.id,
    orgId: row.org_id,
    projectId: row.project_id,
    type: row.type,
    name: row.name,
    isActive: row.is_active,
    rateLimitPerSecond: row.rate_limit_per_second,
    priority: row.priority,
    config: row.config_json,
    webhookUrl,
    secrets: row.secrets.map(toSecretState),
    missingSecrets: source
      ? missingSecrets(
          source,
          row.secrets.map((secret) => secret.name),
        ).map((field) => field.name)
      : [],
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    lastEventAt: row.last_event_at,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
