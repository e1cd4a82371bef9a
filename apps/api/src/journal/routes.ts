import { type LatestEntries, LatestQuery, ReplayEntry, type ReplayedEntry } from '@tributary/shared/journal.ts';
import { Hono } from 'hono';
import { toEntry } from '../deliveries/journal-rows.ts';
import type { Replayer } from '../deliveries/rerun.ts';
import { findJournalEntries } from '../deliveries/store.ts';
import { type AuthVariables, requireUser, type VerifyToken } from '../platform/auth.ts';
import type { Db } from '../platform/db.ts';
import { parseCursor } from '../platform/pages.ts';
import { Refusal } from '../platform/refusal.ts';
import { jsonBody, validBody, validId, validQuery } from '../platform/requests.ts';
import { resolveOrg } from '../tenancy/callers-org.ts';
import { requireNotHeld } from '../tenancy/require-not-held.ts';
import { describe } from './openapi.ts';
import { auditReplay, findEntryHead, findLatestEntries, findPlace, hasConnection } from './store.ts';

/** Mounted at /api/events. */
export function latestRoutes({ db, verifyToken }: { db: Db; verifyToken: VerifyToken }) {
  const app = new Hono<{ Variables: AuthVariables }>();
  app.use(requireUser(verifyToken));

  app.get('/latest', describe.latestEntries, validQuery(LatestQuery), async (c) => {
    const { orgId, connectionId, after, cursor, limit } = c.req.valid('query');
    const place = parseCursor(cursor);
    const page = await db.as(c.var.claims, async (sql) => {
      const org = await resolveOrg(sql, orgId);
      if (connectionId && !(await hasConnection(sql, org.id, connectionId))) throw new Refusal('not_found', 'there is no such connection');
      const named = place === undefined && after !== undefined ? await findPlace(sql, org.id, after) : place;
      if (after !== undefined && !named) throw new Refusal('not_found', 'the journal entry in `after` does not exist');
      return findLatestEntries(sql, { orgId: org.id, connectionId, after: named, limit });
    });
    return c.json({ entries: page.rows.map(toEntry), next: page.next } satisfies LatestEntries);
  });

  return app;
}

/** Mounted at /api/replay. */
export function replayRoutes({ db, verifyToken, replayer }: { db: Db; verifyToken: VerifyToken; replayer: Replayer }) {
  const app = new Hono<{ Variables: AuthVariables }>();
  app.use(requireUser(verifyToken), jsonBody);

  app.post('/:id', describe.replayEntry, validId(), validBody(ReplayEntry), async (c) => {
    const { id } = c.req.valid('param');
    const { mode } = c.req.valid('json');
    const head = await db.as(c.var.claims, (sql) => findEntryHead(sql, id));
    if (!head) throw new Refusal('not_found', 'there is no such journal entry');
    if (!head.may_write) throw new Refusal('forbidden');
    const entry = await db.onBehalfOf(c.var.claims).worker(async (sql) => (await findJournalEntries(sql, [id])).get(id));
    if (!entry) throw new Refusal('conflict', 'the body of this delivery is no longer kept');

    const prepared = await replayer.prepare(entry);
    if ('reason' in prepared) throw new Refusal('conflict', prepared.reason);
    const { item } = prepared;
    await db.as(c.var.claims, (sql) => auditReplay(sql, id, mode));
    const [records = []] = await db.inTurn(c.var.claims, () =>
      replayer.write([item], mode, { before: (sql) => requireNotHeld(sql, entry.org_id, [entry.source_connection_id]) }),
    );
    const statuses = new Set(records.map((record) => record.status));
    const [status = 'accepted'] = statuses;
    return c.json({
      journalId: item.delivery.id,
      replayOf: id,
      mode,
      status: statuses.size > 1 ? 'mixed' : status,
      records,
    } satisfies ReplayedEntry);
  });

  return app;
}
