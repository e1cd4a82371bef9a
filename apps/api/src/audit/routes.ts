import type { MasterKeys } from '@tributary/pipeline/crypto/master-keys.ts';
import {
  type AuditExport,
  AuditExportFormat,
  type AuditPage,
  AuditQuery,
  type AuditVerdict,
  ExportAudit,
  VerifyAuditQuery,
} from '@tributary/shared/audit.ts';
import { Hono } from 'hono';
import { z } from 'zod';
import { type AuthVariables, requireUser, type VerifyToken } from '../platform/auth.ts';
import type { Db, Sql } from '../platform/db.ts';
import type { Downloads } from '../platform/downloads.ts';
import { Refusal } from '../platform/refusal.ts';
import { invalidRequest, jsonBody, validBody, validQuery } from '../platform/requests.ts';
import { createTickets, ticketFields } from '../platform/ticket.ts';
import { type CallersOrg, resolveOrg } from '../tenancy/callers-org.ts';
import { contentTypes, exportAudit } from './export.ts';
import { describe } from './openapi.ts';
import { listAudit, recordAuditExport, verifyAudit } from './store.ts';
import { toRecord } from './wire.ts';

export interface AuditDeps {
  db: Db;
  verifyToken: VerifyToken;
  masterKeys: MasterKeys;
  now(): number;
  downloads: Downloads;
}

const Ticket = z.strictObject({ ...ticketFields, format: AuditExportFormat });
const ticketMs = 60_000;
/** Entries that one request verifies, which takes about a tenth of a second. */
const perRequest = 10_000;

/** Mounted at /api/audit. */
export function auditRoutes({ db, verifyToken, masterKeys, now, downloads }: AuditDeps) {
  const app = new Hono<{ Variables: AuthVariables }>();
  const user = requireUser(verifyToken);
  const tickets = createTickets(masterKeys, 'audit export', Ticket);

  app.get('/', describe.listAudit, user, validQuery(AuditQuery), async (c) => {
    const { orgId, limit, cursor } = c.req.valid('query');
    const page = await db.as(c.var.claims, async (sql) => listAudit(sql, (await resolveReader(sql, orgId)).id, limit, cursor));
    c.header('cache-control', 'no-store');
    return c.json({ entries: page.rows.map(toRecord), next: page.next } satisfies AuditPage);
  });

  app.get('/verify', describe.verifyAudit, user, validQuery(VerifyAuditQuery), async (c) => {
    const { orgId, after, hash } = c.req.valid('query');
    if ((after === undefined) !== (hash === undefined))
      throw invalidRequest([{ path: ['hash'], message: 'give `after` and `hash` together' }]);
    const known = after !== undefined && hash !== undefined ? { after, hash } : undefined;
    const verdict = await db.as(c.var.claims, async (sql) => verifyAudit(sql, (await resolveReader(sql, orgId)).id, known, perRequest));
    c.header('cache-control', 'no-store');
    return c.json(verdict satisfies AuditVerdict);
  });

  app.post('/export', describe.exportAudit, user, jsonBody, validBody(ExportAudit), async (c) => {
    const { orgId, format } = c.req.valid('json');
    const expiresAtMs = now() + ticketMs;
    const ticket = await db.as(c.var.claims, async (sql) => {
      const org = await resolveReader(sql, orgId);
      downloads.requireRoom(c.var.claims.sub, org.id);
      await recordAuditExport(sql, org.id, format);
      return tickets.make({ userId: c.var.claims.sub, orgId: org.id, role: org.role, format, expiresAtMs });
    });
    c.header('cache-control', 'no-store');
    return c.json({ url: `/api/audit/export/${ticket}`, expiresAt: new Date(expiresAtMs).toISOString() } satisfies AuditExport, 201);
  });

  // The ticket authenticates the download. The database checks with every page that the person still has the role.
  app.get('/export/:ticket', describe.downloadAudit, async (c) => {
    const { userId, orgId, role, format } = tickets.open(c.req.param('ticket'), now());
    const day = new Date(now()).toISOString().slice(0, 10);
    c.header('content-type', contentTypes[format]);
    c.header('content-disposition', `attachment; filename="audit-${day}.${format}"`);
    c.header('cache-control', 'no-store');
    // A HEAD request has no reader for the body, so that the stream would never end.
    if (c.req.method === 'HEAD') return c.body(null);
    const download = downloads.begin(userId, orgId);
    const claims = { sub: userId, role: 'authenticated' } as const;
    const stream = await exportAudit({ db: downloads.dbFor(orgId), claims, download }, { orgId, role, format });
    // Without this header the server would read ahead, to find out whether the answer is short.
    c.header('transfer-encoding', 'chunked');
    return c.body(stream);
  });

  return app;
}

/** The org whose audit log the caller may read. */
async function resolveReader(sql: Sql, orgId: string | undefined): Promise<CallersOrg> {
  const org = await resolveOrg(sql, orgId);
  if (org.role === 'analyst') throw new Refusal('forbidden', 'only an owner or admin of the org may read the audit log');
  return org;
}
