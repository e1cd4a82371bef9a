import { ConnectionQuery, CreateConnection, RotateSecret, TestConnection, UpdateConnection } from '@tributary/shared/api.ts';
import { FieldsQuery } from '@tributary/shared/kept.ts';
import { Hono } from 'hono';
import { type AuthVariables, requireUser, type VerifyToken } from '../platform/auth.ts';
import { linkNextPage, parseCursor } from '../platform/pages.ts';
import { Refusal } from '../platform/refusal.ts';
import { jsonBody, validBody, validId, validQuery } from '../platform/requests.ts';
import { resolveOrg } from '../tenancy/callers-org.ts';
import { requireNotHeld } from '../tenancy/require-not-held.ts';
import {
  type CommandDeps,
  createWithSecrets,
  requireUsableConfig,
  requireWritable,
  sendTest,
  setSecret,
  webhookUrlOf,
} from './commands.ts';
import { explainFields, type FieldsDeps } from './fields.ts';
import { describe } from './openapi.ts';
import { type ConnectionRow, deleteConnection, findConnection, findProject, listConnections, updateConnection } from './store.ts';
import { toConnection } from './wire.ts';

export interface ConnectionDeps extends CommandDeps, FieldsDeps {
  verifyToken: VerifyToken;
}

/** Mounted at /api/connections. */
export function connectionRoutes(deps: ConnectionDeps) {
  const { db, verifyToken, publicUrl } = deps;
  const app = new Hono<{ Variables: AuthVariables }>();
  app.use(requireUser(verifyToken), jsonBody);

  const answerOf = (row: ConnectionRow) => toConnection(row, webhookUrlOf(publicUrl, row));

  app.post('/', describe.createConnection, validBody(CreateConnection), async (c) => {
    const answer = await createWithSecrets(deps, c.var.claims, c.req.valid('json'));
    c.header('cache-control', 'no-store');
    return c.json(answer, 201);
  });

  app.get('/', describe.listConnections, validQuery(ConnectionQuery), async (c) => {
    const { limit, cursor, ...filter } = c.req.valid('query');
    const page = await db.as(c.var.claims, async (sql) => {
      if (filter.projectId && !(await findProject(sql, filter.projectId))) throw new Refusal('not_found', 'there is no such project');
      if (filter.orgId) await resolveOrg(sql, filter.orgId);
      return listConnections(sql, filter, limit, parseCursor(cursor));
    });
    linkNextPage(c, page.next);
    return c.json(page.rows.map(answerOf));
  });

  app.get('/:id', describe.getConnection, validId(), async (c) => {
    const { id } = c.req.valid('param');
    const row = await db.as(c.var.claims, (sql) => findConnection(sql, id));
    if (!row) throw new Refusal('not_found', 'there is no such connection');
    return c.json(answerOf(row));
  });

  app.get('/:id/fields', describe.explainFields, validId(), validQuery(FieldsQuery), async (c) =>
    c.json(await explainFields(deps, c.var.claims, c.req.valid('param').id, c.req.valid('query').journalId)),
  );

  app.patch('/:id', describe.updateConnection, validId(), validBody(UpdateConnection), async (c) => {
    const { id } = c.req.valid('param');
    const changes = c.req.valid('json');
    if (changes.config) {
      const before = requireWritable(await db.as(c.var.claims, (sql) => findConnection(sql, id)));
      await requireUsableConfig(deps, c.var.claims, before, changes.config);
    }
    const row = await db.as(c.var.claims, async (sql) => {
      requireWritable(await findConnection(sql, id));
      await updateConnection(sql, id, changes);
      return findConnection(sql, id);
    });
    if (!row) throw new Refusal('not_found', 'there is no such connection');
    return c.json(answerOf(row));
  });

  app.delete('/:id', describe.deleteConnection, validId(), async (c) => {
    const { id } = c.req.valid('param');
    await db.as(c.var.claims, async (sql) => {
      const row = requireWritable(await findConnection(sql, id));
      await requireNotHeld(sql, row.org_id, [id]);
      if (!(await deleteConnection(sql, id))) throw new Refusal('not_found', 'there is no such connection');
    });
    return c.body(null, 204);
  });

  app.post('/:id/secret', describe.rotateSecret, validId(), validBody(RotateSecret), async (c) => {
    const answer = await setSecret(deps, c.var.claims, c.req.valid('param').id, c.req.valid('json'));
    c.header('cache-control', 'no-store');
    return c.json(answer);
  });

  app.post('/:id/test', describe.testConnection, validId(), validBody(TestConnection), async (c) =>
    c.json(await sendTest(deps, c.var.claims, c.req.valid('param').id, c.req.valid('json').sample)),
  );

  return app;
}
