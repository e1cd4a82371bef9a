import { randomBytes, randomUUID } from 'node:crypto';
import type { MasterKeys } from '@tributary/pipeline/crypto/master-keys.ts';
import { formatSecret } from '@tributary/pipeline/proofs/secrets.ts';
import {
  type AlertChannels,
  type AlertChannelType,
  CreateAlertChannel,
  type CreatedAlertChannel,
  OrgQuery,
  type TestedAlertChannel,
  UpdateAlertChannel,
} from '@tributary/shared/alerts.ts';
import type { Hono } from 'hono';
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import type { z } from 'zod';
import type { AuthVariables } from '../platform/auth.ts';
import type { Db } from '../platform/db.ts';
import { type Outbound, OutboundRefused } from '../platform/outbound.ts';
import { Refusal } from '../platform/refusal.ts';
import { invalidRequest, validBody, validId, validQuery } from '../platform/requests.ts';
import { resolveOrg, resolveOrgToWrite } from '../tenancy/callers-org.ts';
import { loadOrgKeys } from '../tenancy/org-keys.ts';
import { type Destination, maskDestination, openDestination, sealDestination } from './destination.ts';
import { type Notifier, testMessage } from './notifier.ts';
import { describe } from './openapi.ts';
import {
  type ChannelRow,
  createChannel,
  deleteChannel,
  findChannel,
  findSealedDestination,
  listChannels,
  noteChannel,
  setChannelTarget,
  updateChannel,
} from './store.ts';
import { toChannel } from './wire.ts';

/** A test makes a foreign server work, so that each channel may be tested only once in this time. */
const testEveryMs = 5_000;

export interface ChannelDeps {
  db: Db;
  masterKeys: MasterKeys;
  notifier: Notifier;
  outbound: Pick<Outbound, 'check'>;
  log: Logger;
  now(): number;
}

export function addChannelRoutes(
  app: Hono<{ Variables: AuthVariables }>,
  { db, masterKeys, notifier, outbound, log, now }: ChannelDeps,
): void {
  const testedLately = new LRUCache<string, true>({ max: 10_000, ttl: testEveryMs });
  const answerOf = (row: ChannelRow) => toChannel(row, notifier.circuitOf(row.id));
  const keysOf = (orgId: string) => loadOrgKeys(db, masterKeys, orgId, log);

  app.get('/channels', describe.listAlertChannels, validQuery(OrgQuery), async (c) => {
    const rows = await db.as(c.var.claims, async (sql) => listChannels(sql, (await resolveOrg(sql, c.req.valid('query').orgId)).id));
    return c.json({ channels: rows.map(answerOf) } satisfies AlertChannels);
  });

  app.post('/channels', describe.createAlertChannel, validBody(CreateAlertChannel), async (c) => {
    const body = c.req.valid('json');
    const generated = body.type === 'webhook' && body.secret === undefined ? formatSecret(randomBytes(32), 'whsec') : undefined;
    const destination = toDestination(body, generated);
    requireReachable(destination);
    const org = await db.as(c.var.claims, (sql) => resolveOrgToWrite(sql, body.orgId));
    const id = randomUUID();
    // Outside the transaction below: the creation of an org's first keys would wait for a lock that this transaction holds.
    const sealed = sealDestination(await keysOf(org.id), org.id, id, destination);
    const row = await db.as(c.var.claims, async (sql) => {
      const { type, name, minLevel } = body;
      const created = await createChannel(sql, { id, orgId: org.id, type, name, target: maskDestination(destination), minLevel, sealed });
      if (!created) throw new Refusal('conflict', 'the org has 50 channels, the maximum: delete one first');
      return findChannel(sql, id);
    });
    if (!row) throw new Error('the new channel is not visible to its creator');
    const answer: CreatedAlertChannel = answerOf(row);
    if (generated !== undefined) answer.secret = generated;
    c.header('cache-control', 'no-store');
    return c.json(answer, 201);
  });

  app.get('/channels/:id', describe.getAlertChannel, validId(), async (c) => {
    const row = await db.as(c.var.claims, (sql) => findChannel(sql, c.req.valid('param').id));
    if (!row) throw new Refusal('not_found', 'there is no such channel');
    return c.json(answerOf(row));
  });

  app.patch('/channels/:id', describe.updateAlertChannel, validId(), validBody(UpdateAlertChannel), async (c) => {
    const { id } = c.req.valid('param');
    const { name, minLevel, enabled, ...fields } = c.req.valid('json');
    const before = requireWritable(await db.as(c.var.claims, (sql) => findChannel(sql, id)));
    let resealed: { target: string; sealed: Buffer } | undefined;
    if (Object.values(fields).some((value) => value !== undefined)) {
      const destination = changeDestination(await openOf(before), before.type, fields);
      requireReachable(destination);
      const sealed = sealDestination(await keysOf(before.org_id), before.org_id, id, destination);
      resealed = { target: maskDestination(destination), sealed };
    }
    const row = await db.as(c.var.claims, async (sql) => {
      await updateChannel(sql, id, { name, minLevel, enabled });
      if (resealed) await setChannelTarget(sql, id, resealed.target, resealed.sealed);
      return findChannel(sql, id);
    });
    if (!row) throw new Refusal('not_found', 'there is no such channel');
    return c.json(answerOf(row));
  });

  app.delete('/channels/:id', describe.deleteAlertChannel, validId(), async (c) => {
    const deleted = await db.as(c.var.claims, (sql) => deleteChannel(sql, c.req.valid('param').id));
    if (!deleted) throw new Refusal('not_found', 'there is no such channel');
    return c.body(null, 204);
  });

  app.post('/channels/:id/test', describe.testAlertChannel, validId(), async (c) => {
    const { id } = c.req.valid('param');
    const channel = requireWritable(await db.as(c.var.claims, (sql) => findChannel(sql, id)));
    const destination = await openOf(channel);
    if (!destination) throw new Refusal('conflict', 'the destination cannot be decrypted: enter it again');
    if (testedLately.has(id)) {
      throw new Refusal('rate_limited', 'a channel can be tested once every five seconds', { retryAfterSeconds: 5 });
    }
    testedLately.set(id, true);
    const startedAt = performance.now();
    const message = testMessage({ id: channel.org_id, name: channel.org_name }, now());
    const { ok, status, answer } = await notifier.deliverTest(destination, message);
    const durationMs = Math.round((performance.now() - startedAt) * 10) / 10;
    await noteChannel(db, id, ok ? undefined : status === null ? answer : `${status} ${answer}`.trim());
    return c.json({ ok, status, answer, durationMs } satisfies TestedAlertChannel);
  });

  async function openOf(channel: ChannelRow): Promise<Destination | undefined> {
    const sealed = await findSealedDestination(db, channel.id);
    return sealed && openDestination(await keysOf(channel.org_id), channel.org_id, channel.id, sealed);
  }

  /**
   * Refuses a destination whose address alone shows that nothing can be sent there, while the person can still correct the address. The
   * host name is resolved, and the resolved address checked, at every send.
   */
  function requireReachable(destination: Destination): void {
    if (destination.type === 'email' && !notifier.sendsMail)
      throw new Refusal('conflict', 'this server sends no e-mail: its operator has not set SMTP_URL');
    if (destination.type !== 'slack' && destination.type !== 'webhook') return;
    try {
      outbound.check(destination.url);
    } catch (error) {
      if (error instanceof OutboundRefused) throw invalidRequest([{ path: ['url'], message: error.message }]);
      throw error;
    }
  }
}

function requireWritable(row: ChannelRow | undefined): ChannelRow {
  if (!row) throw new Refusal('not_found', 'there is no such channel');
  if (!row.may_write) throw new Refusal('forbidden');
  return row;
}

function toDestination(body: z.output<typeof CreateAlertChannel>, generatedSecret: string | undefined): Destination {
  switch (body.type) {
    case 'slack':
      return { type: 'slack', url: body.url };
    case 'pagerduty':
      return { type: 'pagerduty', routingKey: body.routingKey };
    case 'webhook':
      return { type: 'webhook', url: body.url, secret: body.secret ?? generatedSecret ?? '' };
    case 'email':
      return { type: 'email', recipients: body.recipients };
  }
}

const fieldsOf: Record<AlertChannelType, readonly string[]> = {
  slack: ['url'],
  pagerduty: ['routingKey'],
  webhook: ['url', 'secret'],
  email: ['recipients'],
};

type DestinationFields = Pick<z.output<typeof UpdateAlertChannel>, 'url' | 'routingKey' | 'secret' | 'recipients'>;

/** Keeps the fields that the change leaves out. `before` is undefined when it cannot be decrypted: every field must then be given again. */
function changeDestination(before: Destination | undefined, type: AlertChannelType, changes: DestinationFields): Destination {
  const given = Object.entries(changes).filter(([, value]) => value !== undefined);
  const foreign = given.filter(([field]) => !fieldsOf[type].includes(field));
  if (foreign.length > 0)
    throw invalidRequest(foreign.map(([field]) => ({ path: [field], message: `is not a field of a ${type} channel` })));
  const after = { type, ...before, ...Object.fromEntries(given) };
  const missing = fieldsOf[type].filter((field) => !(field in after));
  if (missing.length > 0)
    throw invalidRequest(missing.map((field) => ({ path: [field], message: 'must be given again: the stored value cannot be decrypted' })));
  return after as Destination;
}
