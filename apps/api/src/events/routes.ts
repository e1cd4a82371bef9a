import type { MasterKeys } from '@tributary/pipeline/crypto/master-keys.ts';
import { hashPerson, readPerson } from '@tributary/pipeline/privacy/person.ts';
import { type EventsImported, ImportEvents, importBytesMax } from '@tributary/shared/event-import.ts';
import {
  type EventDelivery,
  type EventExport,
  EventExportFormat,
  EventFilter,
  ExportEvents,
  type HashedSubject,
  HashSubject,
  subjectHashesMax,
} from '@tributary/shared/events.ts';
import { Hono } from 'hono';
import type { Logger } from 'pino';
import { z } from 'zod';
import { type JournalRow, toEntry } from '../deliveries/journal-rows.ts';
import type { Allowances } from '../platform/allowances.ts';
import { type AuthVariables, requireUser, type VerifyToken } from '../platform/auth.ts';
import type { Db, Sql } from '../platform/db.ts';
import type { Downloads } from '../platform/downloads.ts';
import { Refusal } from '../platform/refusal.ts';
import { jsonBody, jsonBodyUpTo, validBody, validId } from '../platform/requests.ts';
import { createTickets, ticketFields } from '../platform/ticket.ts';
import type { Rate } from '../platform/token-bucket.ts';
import { recordLookUp } from '../tenancy/audit.ts';
import { findCountries, resolveOrg } from '../tenancy/callers-org.ts';
import { loadOrgKeys } from '../tenancy/org-keys.ts';
import { contentTypes, exportEvents } from './export.ts';
import { storeImported } from './import.ts';
import { describe } from './openapi.ts';
import {
  auditExport,
  findAttempts,
  findEventHead,
  findHold,
  findImportTarget,
  findRecords,
  isBodyKept,
  isDeleted,
  knownSubjects,
  type RecordRow,
} from './store.ts';

export interface EventDeps {
  db: Db;
  verifyToken: VerifyToken;
  masterKeys: MasterKeys;
  log: Logger;
  now(): number;
  downloads: Downloads;
  allowances: Allowances;
}

const Ticket = z.strictObject({ ...ticketFields, filter: EventFilter, format: EventExportFormat });
const ticketMs = 60_000;
/** Look-ups of one user: enough for somebody who types, and too few to try whole lists of people against the hashes. */
const lookUpRate: Rate = { perSecond: 1, burst: 30 };

/**
 * Mounted at /api/events. The dashboard reads events through the Data API; these routes need keys, produce files or read the journal's
 * bodies.
 */
export function eventRoutes({ db, verifyToken, masterKeys, log, now, downloads, allowances }: EventDeps) {
  const app = new Hono<{ Variables: AuthVariables }>();
  const user = requireUser(verifyToken);
  const tickets = createTickets(masterKeys, 'event export', Ticket);

  async function requireLookUpToken(userId: string): Promise<void> {
    const dueInMs = await allowances.take([{ name: `look-ups of ${userId}`, rate: lookUpRate }]);
    if (dueInMs <= 0) return;
    const retryAfterSeconds = Math.ceil(dueInMs / 1_000);
    throw new Refusal('rate_limited', 'you have looked up many people in a short time: try again later', { retryAfterSeconds });
  }

  app.post('/subject-hash', describe.hashSubject, user, jsonBody, validBody(HashSubject), async (c) => {
    const { orgId, value } = c.req.valid('json');
    await requireLookUpToken(c.var.claims.sub);
    const { org, countries } = await db.as(c.var.claims, async (sql) => {
      const found = await resolveOrg(sql, orgId);
      return { org: found, countries: await findCountries(sql, found.id) };
    });
    const keys = await loadOrgKeys(db.onBehalfOf(c.var.claims), masterKeys, org.id, log);
    if (keys.hash.size === 0) throw new Refusal('conflict', 'the org has no usable hash key');
    const { person } = readPerson({ email: value, phone: value, document: value, external_id: value }, countries);
    const hashes = [...keys.hash].flatMap(([keyVersion, key]) => hashPerson(person, key).map((hashed) => ({ ...hashed, keyVersion })));
    const looked = hashes.map(({ hash }) => hash);
    await db.as(c.var.claims, (sql) => recordLookUp(sql, org.id, 'people.look_up', looked));
    c.header('cache-control', 'no-store');
    if (hashes.length <= subjectHashesMax) return c.json({ hashes } satisfies HashedSubject);
    // A filter holds a limited number of hashes: those with which the org has events, and those that new events will have.
    const known = new Set(await db.as(c.var.claims, (sql) => knownSubjects(sql, org.id, looked)));
    const newest = Math.max(...keys.hash.keys());
    const found = hashes.filter(({ hash, keyVersion }) => known.has(hash) || keyVersion === newest);
    return c.json({ hashes: found.slice(0, subjectHashesMax) } satisfies HashedSubject);
  });

  app.post('/export', describe.exportEvents, user, jsonBody, validBody(ExportEvents), async (c) => {
    const { orgId, filter, format } = c.req.valid('json');
    const expiresAtMs = now() + ticketMs;
    const ticket = await db.as(c.var.claims, async (sql) => {
      const org = await resolveOrg(sql, orgId);
      downloads.requireRoom(c.var.claims.sub, org.id);
      const made = tickets.make({ userId: c.var.claims.sub, orgId: org.id, role: org.role, filter, format, expiresAtMs });
      await auditExport(sql, org.id, filter, format);
      return made;
    });
    c.header('cache-control', 'no-store');
    return c.json({ url: `/api/events/export/${ticket}`, expiresAt: new Date(expiresAtMs).toISOString() } satisfies EventExport, 201);
  });

  // The ticket authenticates the download. The database checks with every page that the person still has the role.
  app.get('/export/:ticket', describe.downloadEvents, async (c) => {
    const { userId, orgId, role, filter, format } = tickets.open(c.req.param('ticket'), now());
    const claims = { sub: userId, role: 'authenticated' } as const;
    const day = new Date(now()).toISOString().slice(0, 10);
    c.header('content-type', contentTypes[format]);
    c.header('content-disposition', `attachment; filename="events-${day}.${format}"`);
    c.header('cache-control', 'no-store');
    // A HEAD request has no reader for the body, so that the stream would never end.
    if (c.req.method === 'HEAD') return c.body(null);
    const download = downloads.begin(userId, orgId);
    const stream = await exportEvents({ db: downloads.dbFor(orgId), claims, download }, { orgId, role, filter, format });
    // Without this header the server would read ahead, to find out whether the answer is short.
    c.header('transfer-encoding', 'chunked');
    return c.body(stream);
  });

  app.post('/import', describe.importEvents, user, jsonBodyUpTo(importBytesMax), validBody(ImportEvents), async (c) => {
    const { connectionId, events } = c.req.valid('json');
    const target = await db.as(c.var.claims, (sql) => findImportTarget(sql, connectionId));
    if (!target) throw new Refusal('not_found', 'there is no such connection');
    const keys = await loadOrgKeys(db.onBehalfOf(c.var.claims), masterKeys, target.org_id, log);
    const imported = await db.as(c.var.claims, (sql) => storeImported(sql, target, events, keys));
    return c.json(imported satisfies EventsImported);
  });

  app.get('/:id/delivery', describe.eventDelivery, user, validId(), async (c) => {
    const { id } = c.req.valid('param');
    const found = await db.as(c.var.claims, (sql) => findDelivery(sql, id));
    if (!found) throw new Refusal('not_found', 'there is no such event');
    const { journal, records, attempts, hold } = found;
    const isKept = journal !== undefined && (await db.onBehalfOf(c.var.claims).worker((sql) => isBodyKept(sql, journal.id)));
    const reason = isKept ? whyNotReplayable({ ...found, journal }) : 'body_gone';
    return c.json({
      journal: journal ? toEntry(journal) : null,
      records: records.map(toRecord),
      attempts: attempts.map(toEntry),
      replayable: { ok: reason === null, reason, holdReason: reason === 'legal_hold' ? hold : null },
    } satisfies EventDelivery);
  });

  return app;
}

async function findDelivery(sql: Sql, eventId: string) {
  const head = await findEventHead(sql, eventId);
  if (!head) return undefined;
  const attempts = await findAttempts(sql, head);
  const journal = attempts.find((entry) => entry.id === head.journal_id);
  const records = await findRecords(sql, head);
  const hold = journal ? await findHold(sql, head.org_id, journal.source_connection_id) : null;
  const deleted = journal ? await isDeleted(sql, head.org_id, journal.source_connection_id) : false;
  return { attempts, journal, records, hold, deleted };
}

function whyNotReplayable({ journal, deleted, hold }: { journal: JournalRow; deleted: boolean; hold: string | null }) {
  if (journal.outcome === 'rejected') return 'rejected';
  if (deleted) return 'connection_deleted';
  return hold ? 'legal_hold' : null;
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
