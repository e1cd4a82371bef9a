import type { MasterKeys } from '@tributary/pipeline/master-keys.ts';
import { hashPerson, readPerson } from '@tributary/pipeline/person.ts';
import {
  type EventDelivery,
  type EventExport,
  ExportEvents,
  type HashedSubject,
  HashSubject,
  subjectHashesMax,
} from '@tributary/shared/events.ts';
import { Hono } from 'hono';
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import { toEntry } from '../deliveries/journal-rows.ts';
import { type AuthVariables, requireUser, type VerifyToken } from '../platform/auth.ts';
import type { Db } from '../platform/db.ts';
import { Refusal } from '../platform/refusal.ts';
import { jsonBody, validBody, validId } from '../platform/requests.ts';
import { createTokenBucket, type Rate, type TokenBucket, takeTokens } from '../platform/token-bucket.ts';
import { findCountries, resolveOrg } from '../tenancy/callers-org.ts';
import { loadOrgKeys } from '../tenancy/org-keys.ts';
import { createDownloads } from './downloads.ts';
import { contentTypes, exportEvents } from './export.ts';
import { describe } from './openapi.ts';
import { auditExport, findAttempts, findEventHead, findHold, findRecords, isBodyKept, isDeleted, type RecordRow } from './store.ts';
import { makeTicket, openTicket } from './ticket.ts';

export interface EventDeps {
  db: Db;
  verifyToken: VerifyToken;
  masterKeys: MasterKeys;
  log: Logger;
  now(): number;
}

const ticketMs = 60_000;
/** Of one person: as many as somebody types, and too few to try out whole lists of people against the hashes. */
const lookUpRate: Rate = { perSecond: 1, burst: 30 };

/** Mounted at /api/events. Reading itself is the Data API's; here is what it cannot do: keys, files and the journal's bodies. */
export function eventRoutes({ db, verifyToken, masterKeys, log, now }: EventDeps) {
  const app = new Hono<{ Variables: AuthVariables }>();
  const user = requireUser(verifyToken);
  const downloads = createDownloads(db);
  const lookUps = new LRUCache<string, TokenBucket>({ max: 10_000 });

  function requireSlow(userId: string): void {
    const bucket = lookUps.get(userId) ?? createTokenBucket(lookUpRate, now());
    lookUps.set(userId, bucket);
    const dueInMs = takeTokens(bucket, lookUpRate, now());
    if (dueInMs > 0)
      throw new Refusal('rate_limited', 'you have looked up many people: go on more slowly', {
        retryAfterSeconds: Math.ceil(dueInMs / 1_000),
      });
  }

  app.post('/subject-hash', describe.hashSubject, user, jsonBody, validBody(HashSubject), async (c) => {
    const { orgId, value } = c.req.valid('json');
    requireSlow(c.var.claims.sub);
    const { org, countries } = await db.as(c.var.claims, async (sql) => {
      const found = await resolveOrg(sql, orgId);
      return { org: found, countries: await findCountries(sql, found.id) };
    });
    const keys = await loadOrgKeys(db, masterKeys, org.id, log);
    if (!keys.hashKey) throw new Refusal('conflict', 'the org has no usable hash key');
    const { person } = readPerson({ email: value, phone: value, document: value, external_id: value }, countries);
    const hashes = [...keys.hash].flatMap(([keyVersion, key]) => hashPerson(person, key).map((hashed) => ({ ...hashed, keyVersion })));
    c.header('cache-control', 'no-store');
    return c.json({ hashes: hashes.slice(0, subjectHashesMax) } satisfies HashedSubject);
  });

  app.post('/export', describe.exportEvents, user, jsonBody, validBody(ExportEvents), async (c) => {
    const { orgId, filter, format } = c.req.valid('json');
    downloads.requireRoom(c.var.claims.sub);
    const expiresAtMs = now() + ticketMs;
    const ticket = await db.as(c.var.claims, async (sql) => {
      const org = await resolveOrg(sql, orgId);
      const made = makeTicket(masterKeys, { userId: c.var.claims.sub, orgId: org.id, filter, format, expiresAtMs });
      await auditExport(sql, org.id, filter, format);
      return made;
    });
    c.header('cache-control', 'no-store');
    return c.json({ url: `/api/events/export/${ticket}`, expiresAt: new Date(expiresAtMs).toISOString() } satisfies EventExport, 201);
  });

  // The ticket is what lets somebody in; whether they are still a member is asked of the database with every page.
  app.get('/export/:ticket', describe.downloadEvents, async (c) => {
    const { userId, orgId, filter, format } = openTicket(masterKeys, c.req.param('ticket'), now());
    const claims = { sub: userId, role: 'authenticated' } as const;
    const day = new Date(now()).toISOString().slice(0, 10);
    c.header('content-type', contentTypes[format]);
    c.header('content-disposition', `attachment; filename="events-${day}.${format}"`);
    c.header('cache-control', 'no-store');
    // Nobody would read the body, nor end it.
    if (c.req.method === 'HEAD') return c.body(null);
    const onEnd = downloads.begin(userId);
    return c.body(await exportEvents({ db: downloads.db, claims, onEnd }, { orgId, filter, format }));
  });

  app.get('/:id/delivery', describe.eventDelivery, user, validId(), async (c) => {
    const { id } = c.req.valid('param');
    const found = await db.as(c.var.claims, async (sql) => {
      const head = await findEventHead(sql, id);
      if (!head) return undefined;
      const attempts = await findAttempts(sql, head);
      const journal = attempts.find((entry) => entry.id === head.journal_id);
      const records = await findRecords(sql, head);
      const hold = journal ? await findHold(sql, head.org_id, journal.source_connection_id) : null;
      const deleted = journal ? await isDeleted(sql, head.org_id, journal.source_connection_id) : false;
      return { head, attempts, journal, records, hold, deleted };
    });
    if (!found) throw new Refusal('not_found', 'there is no such event');
    const { head, attempts, journal, records, hold, deleted } = found;
    const kept = journal !== undefined && (await db.worker((sql) => isBodyKept(sql, head.journal_id)));
    const reason = !kept
      ? 'body_gone'
      : journal.outcome === 'rejected'
        ? 'rejected'
        : deleted
          ? 'connection_deleted'
          : hold
            ? 'legal_hold'
            : null;
    return c.json({
      journal: journal ? toEntry(journal) : null,
      records: records.map(toRecord),
      attempts: attempts.map(toEntry),
      replayable: { ok: reason === null, reason, holdReason: reason === 'legal_hold' ? hold : null },
    } satisfies EventDelivery);
  });

  return app;
}

function toRecord(row: RecordRow): EventDelivery['records'][number] {
  return row.kind === 'event'
    ? { kind: 'event', id: row.id, type: row.type, eventTime: row.event_time, revision: row.revision }
    : {
        kind: 'dead_letter',
        id: row.id,
        recordIndex: row.record_index,
        errorClass: row.error_class,
        status: row.status,
        createdAt: row.created_at,
      };
}
