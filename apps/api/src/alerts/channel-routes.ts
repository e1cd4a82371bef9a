import { type AlertChannels, CreateAlertChannel, OrgQuery, UpdateAlertChannel } from '@tributary/shared/alerts.ts';
import type { Hono } from 'hono';
import { LRUCache } from 'lru-cache';
import type { AuthVariables } from '../platform/auth.ts';
import { Refusal } from '../platform/refusal.ts';
import { validBody, validId, validQuery } from '../platform/requests.ts';
import { resolveOrg } from '../tenancy/callers-org.ts';
import { addChannel, answerOf, askAgain, type ChannelDeps, changeChannel, sendTest } from './channel-commands.ts';
import { describe } from './openapi.ts';
import { deleteChannel, findChannel, listChannels } from './store.ts';

/** A test makes a foreign server work, so that each channel may be tested only once in this time. */
const testEveryMs = 5_000;

export function addChannelRoutes(app: Hono<{ Variables: AuthVariables }>, deps: ChannelDeps): void {
  const { db } = deps;
  const testedLately = new LRUCache<string, true>({ max: 10_000, ttl: testEveryMs });

  app.get('/channels', describe.listAlertChannels, validQuery(OrgQuery), async (c) => {
    const rows = await db.as(c.var.claims, async (sql) => listChannels(sql, (await resolveOrg(sql, c.req.valid('query').orgId)).id));
    return c.json({ channels: rows.map((row) => answerOf(deps, row)) } satisfies AlertChannels);
  });

  app.post('/channels', describe.createAlertChannel, validBody(CreateAlertChannel), async (c) => {
    const answer = await addChannel(deps, c.var.claims, c.req.valid('json'));
    c.header('cache-control', 'no-store');
    return c.json(answer, 201);
  });

  app.get('/channels/:id', describe.getAlertChannel, validId(), async (c) => {
    const row = await db.as(c.var.claims, (sql) => findChannel(sql, c.req.valid('param').id));
    if (!row) throw new Refusal('not_found', 'there is no such channel');
    return c.json(answerOf(deps, row));
  });

  app.patch('/channels/:id', describe.updateAlertChannel, validId(), validBody(UpdateAlertChannel), async (c) =>
    c.json(await changeChannel(deps, c.var.claims, c.req.valid('param').id, c.req.valid('json'))),
  );

  app.delete('/channels/:id', describe.deleteAlertChannel, validId(), async (c) => {
    const deleted = await db.as(c.var.claims, (sql) => deleteChannel(sql, c.req.valid('param').id));
    if (!deleted) throw new Refusal('not_found', 'there is no such channel');
    return c.body(null, 204);
  });

  app.post('/channels/:id/confirmations', describe.askAlertRecipients, validId(), async (c) =>
    c.json(await askAgain(deps, c.var.claims, c.req.valid('param').id), 202),
  );

  app.post('/channels/:id/test', describe.testAlertChannel, validId(), async (c) => {
    const { id } = c.req.valid('param');
    const answer = await sendTest(deps, c.var.claims, id, () => {
      if (testedLately.has(id)) {
        throw new Refusal('rate_limited', 'a channel can be tested once every five seconds', { retryAfterSeconds: 5 });
      }
      testedLately.set(id, true);
    });
    return c.json(answer);
  });
}
