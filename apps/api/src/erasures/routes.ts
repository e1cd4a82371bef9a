import type { MasterKeys } from '@tributary/pipeline/crypto/master-keys.ts';
import { personForms, readPerson } from '@tributary/pipeline/privacy/person.ts';
import { personMatcher } from '@tributary/pipeline/privacy/person-in-text.ts';
import { identifierKinds } from '@tributary/pipeline/privacy/pii.ts';
import { ErasePerson, type Erasure, type ErasureDryRun, type ErasureList, ErasureQuery } from '@tributary/shared/erasures.ts';
import { Hono } from 'hono';
import type { Logger } from 'pino';
import { type AuthVariables, requireUser, type VerifyToken } from '../platform/auth.ts';
import type { Db } from '../platform/db.ts';
import { newId } from '../platform/ids.ts';
import { parseCursor } from '../platform/pages.ts';
import { Refusal } from '../platform/refusal.ts';
import { invalidRequest, jsonBody, validBody, validId, validQuery } from '../platform/requests.ts';
import { type DoAct, requestApproval, takeApprovalSecret } from '../tenancy/approvals.ts';
import { recordLookUp } from '../tenancy/audit.ts';
import { findCountries, resolveOrg, resolveOrgToWrite } from '../tenancy/callers-org.ts';
import { loadOrgKeys } from '../tenancy/org-keys.ts';
import { requireNotHeld } from '../tenancy/require-not-held.ts';
import { describe } from './openapi.ts';
import { digestsOf, missingHashKeys, probesOf, sealPerson } from './person.ts';
import { countEvents, type ErasureRow, findErasure, findErasuresOfPerson, listErasures, startErasure } from './store.ts';

export interface ErasureRouteDeps {
  db: Db;
  verifyToken: VerifyToken;
  masterKeys: MasterKeys;
  log: Logger;
  now(): number;
}

const fieldOf = { email: 'email', phone: 'phone', document: 'document', external_id: 'externalId' } as const;

/**
 * Mounted at /api/erasures. The person's identifiers are neither logged nor returned, and are stored sealed until the erasure is
 * completed.
 */
export function erasureRoutes({ db, verifyToken, masterKeys, log, now }: ErasureRouteDeps) {
  const app = new Hono<{ Variables: AuthVariables }>();
  app.use(requireUser(verifyToken), jsonBody);

  app.get('/', describe.listErasures, validQuery(ErasureQuery), async (c) => {
    const { orgId, limit, cursor } = c.req.valid('query');
    const page = await db.as(c.var.claims, async (sql) => listErasures(sql, (await resolveOrg(sql, orgId)).id, limit, parseCursor(cursor)));
    return c.json({ erasures: page.rows.map(toErasure), next: page.next } satisfies ErasureList);
  });

  app.get('/:id', describe.getErasure, validId(), async (c) => {
    const row = await db.as(c.var.claims, (sql) => findErasure(sql, c.req.valid('param').id));
    if (!row) throw new Refusal('not_found', 'there is no such erasure');
    return c.json(toErasure(row));
  });

  app.post('/', describe.erasePerson, validBody(ErasePerson), async (c) => {
    const { orgId, email, phone, document, externalId, reference, dryRun } = c.req.valid('json');
    const { org, countries } = await db.as(c.var.claims, async (sql) => {
      const found = await resolveOrgToWrite(sql, orgId);
      return { org: found, countries: await findCountries(sql, found.id) };
    });
    const typed = { email, phone, document, external_id: externalId };
    const { person, unreadable } = readPerson(typed, countries);
    if (unreadable.length > 0)
      throw invalidRequest(unreadable.map((kind) => ({ path: [fieldOf[kind]], message: 'is not in a form that can be read' })));
    // The reference is kept when the person is gone.
    if (reference !== undefined && personMatcher(personForms(person), countries).names([reference]))
      throw invalidRequest([{ path: ['reference'], message: 'must not name the person' }]);
    const keys = await loadOrgKeys(db.onBehalfOf(c.var.claims), masterKeys, org.id, log);
    c.header('cache-control', 'no-store');
    if (dryRun) {
      const missing = missingHashKeys(keys);
      if (missing !== undefined) throw new Refusal('conflict', missing);
      const probes = probesOf(keys, person);
      const found = await db.as(c.var.claims, async (sql) => {
        await recordLookUp(sql, org.id, 'people.count', probes.flatMap(Object.values));
        return {
          events: await countEvents(sql, org.id, probes),
          erasedBefore: await findErasuresOfPerson(sql, org.id, digestsOf(keys, person)),
        };
      });
      return c.json({ dryRun: true, ...found } satisfies ErasureDryRun);
    }
    const id = newId(now());
    const kinds = identifierKinds.filter((kind) => typed[kind] !== undefined);
    const sealed = sealPerson(keys, org.id, id, person);
    const answer = await db.as(c.var.claims, async (sql) => {
      await requireNotHeld(sql, org.id);
      const params = { erasureId: id, kinds, reference };
      const asked = await requestApproval(sql, { orgId: org.id, kind: 'erase_person', params, secret: sealed });
      return asked ?? toErasure(await startErasure(sql, { id, orgId: org.id, kinds, reference, ...sealed }));
    });
    return c.json(answer, 202);
  });

  return app;
}

/** The identifiers were sealed when the erasure was requested, and open only as this erasure. */
export const startApprovedErasure: DoAct = async (sql, { id, orgId, params }) => {
  const { erasureId, kinds, reference } = params as { erasureId: string; kinds: string[]; reference?: string };
  await requireNotHeld(sql, orgId);
  await startErasure(sql, { id: erasureId, orgId, kinds, reference, ...(await takeApprovalSecret(sql, id)) });
};

function toErasure(row: ErasureRow): Erasure {
  return {
    id: row.id,
    orgId: row.org_id,
    kinds: row.kinds,
    reference: row.reference,
    status: row.status,
    waitsFor: row.waits_for,
    scanned: row.scanned,
    scannedTo: row.cursor_at,
    events: row.events,
    deliveries: row.deliveries,
    deadLetters: row.dead_letters,
    otherRows: row.other_rows,
    unreadable: row.unreadable,
    createdBy: row.created_by,
    createdAt: row.created_at,
    completedAt: row.completed_at,
  };
}
