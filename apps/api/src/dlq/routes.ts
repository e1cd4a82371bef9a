import type { MasterKeys } from '@tributary/pipeline/crypto/master-keys.ts';
import {
  type DlqAnalysis,
  DlqAnalysisQuery,
  type DlqFilter,
  type DlqList,
  DlqListQuery,
  DlqQuery,
  type DlqRetried,
  DlqSampleQuery,
  type DlqSamples,
  type DlqSummary,
  dlqClustersMax,
  dlqGroupsMax,
} from '@tributary/shared/dlq.ts';
import type { ErrorClass } from '@tributary/shared/errors.ts';
import { Hono } from 'hono';
import type { Logger } from 'pino';
import { requireKnownSources } from '../deliveries/known-sources.ts';
import { type AuthVariables, requireUser, type VerifyToken } from '../platform/auth.ts';
import type { Db } from '../platform/db.ts';
import { parseCursor } from '../platform/pages.ts';
import { Refusal } from '../platform/refusal.ts';
import { invalidRequest, jsonBody, validId, validQuery } from '../platform/requests.ts';
import { resolveOrg, resolveOrgToWrite } from '../tenancy/callers-org.ts';
import { requireNotHeld } from '../tenancy/require-not-held.ts';
import { openStatuses } from './filter.ts';
import { describe } from './openapi.ts';
import { addOperationRoutes } from './operation-routes.ts';
import { openPayloads } from './payload.ts';
import type { RunDeps } from './retry.ts';
import { auditFullSample, clusterEntries, discardEntry, findEntry, listEntries, retryEntry, summariseEntries } from './store.ts';
import { toCluster, toDetail, toEntry, toGroup } from './wire.ts';

export interface DlqDeps extends Pick<RunDeps, 'connections' | 'threads'> {
  db: Db;
  verifyToken: VerifyToken;
  masterKeys: MasterKeys;
  log: Logger;
  now(): number;
}

const fullSamplesMax = 20;

/** Mounted at /api/dlq. */
export function dlqRoutes({ db, verifyToken, masterKeys, log, now, connections, threads }: DlqDeps) {
  const app = new Hono<{ Variables: AuthVariables }>();
  app.use(requireUser(verifyToken), jsonBody);

  app.get('/', describe.listDeadLetters, validQuery(DlqListQuery), async (c) => {
    const { limit, cursor, ...query } = c.req.valid('query');
    const filter = toFilter(query);
    const { rows, next } = await db.as(c.var.claims, async (sql) => {
      const org = await resolveOrg(sql, filter.orgId);
      return listEntries(sql, org.id, filter, now(), limit, parseCursor(cursor));
    });
    const answer: DlqList = { entries: rows.map(toEntry), next, nextCursor: next };
    return c.json(answer);
  });

  app.get('/summary', describe.summariseDeadLetters, validQuery(DlqQuery), async (c) => {
    const filter = toFilter(c.req.valid('query'));
    const rows = await db.as(c.var.claims, async (sql) => {
      const org = await resolveOrg(sql, filter.orgId);
      return summariseEntries(sql, org.id, { statuses: openStatuses, ...filter }, now(), dlqGroupsMax);
    });
    const [{ total, group_count: groupCount } = { total: 0, group_count: 0 }] = rows;
    const answer: DlqSummary = { total, groupCount, groups: rows.map(toGroup) };
    return c.json(answer);
  });

  app.get('/sample', describe.sampleDeadLetters, validQuery(DlqSampleQuery), async (c) => {
    const { limit, full = false, ...query } = c.req.valid('query');
    if (full && limit > fullSamplesMax) throw invalidRequest([{ path: ['limit'], message: `at most ${fullSamplesMax} with full` }]);
    const filter = toFilter(query);
    const rows = await db.as(c.var.claims, async (sql) => {
      const org = full ? await resolveOrgToWrite(sql, filter.orgId) : await resolveOrg(sql, filter.orgId);
      const { rows: found } = await listEntries(sql, org.id, { statuses: openStatuses, ...filter }, now(), limit);
      const ids = found.map((row) => row.id);
      // The audit entry is committed before any payload is shown.
      if (full && ids.length > 0) await auditFullSample(sql, org.id, ids);
      return found;
    });
    const payloads = full ? await openPayloads({ db: db.onBehalfOf(c.var.claims), masterKeys, log }, rows) : undefined;
    const answer: DlqSamples = {
      entries: rows.map((row) => {
        const payload = payloads?.get(row.id);
        return payload ? { ...toEntry(row), payload } : toEntry(row);
      }),
    };
    c.header('cache-control', 'no-store');
    return c.json(answer);
  });

  app.get('/analyze', describe.analyzeDeadLetters, validQuery(DlqAnalysisQuery), async (c) => {
    const { language, ...query } = c.req.valid('query');
    const filter = toFilter(query);
    const rows = await db.as(c.var.claims, async (sql) => {
      const org = await resolveOrg(sql, filter.orgId);
      return clusterEntries(sql, org.id, { statuses: openStatuses, ...filter }, now(), dlqClustersMax);
    });
    const answer: DlqAnalysis = { clusters: rows.map((row) => toCluster(row, language)) };
    return c.json(answer);
  });

  // Registered before /:id, which would match "operations" as an id.
  addOperationRoutes(app, { db, now, connections, threads, log });

  app.get('/:id', describe.getDeadLetter, validId(), async (c) => {
    const { id } = c.req.valid('param');
    const row = await db.as(c.var.claims, (sql) => findEntry(sql, id));
    if (!row) throw new Refusal('not_found', 'there is no such dead letter');
    return c.json(toDetail(row));
  });

  app.post('/:id/retry', describe.retryDeadLetter, validId(), async (c) => {
    const { id } = c.req.valid('param');
    const status = await db.as(c.var.claims, async (sql) => {
      const before = await findEntry(sql, id);
      if (!before) throw new Refusal('not_found', 'there is no such dead letter');
      if (!before.may_write) throw new Refusal('forbidden', 'only an owner or admin of the org may do this');
      await requireNotHeld(sql, before.org_id, [before.source_connection_id]);
      if (before.status === 'resolved') throw new Refusal('conflict', 'the dead letter is resolved already');
      return (await retryEntry(sql, id)) ?? 'retrying';
    });
    const answer: DlqRetried = { id, status };
    return c.json(answer, 202);
  });

  app.post('/:id/discard', describe.discardDeadLetter, validId(), async (c) => {
    const { id } = c.req.valid('param');
    const status = await db.as(c.var.claims, async (sql) => {
      const before = await findEntry(sql, id);
      if (!before) throw new Refusal('not_found', 'there is no such dead letter');
      if (!before.may_write) throw new Refusal('forbidden', 'only an owner or admin of the org may do this');
      if (before.status === 'resolved') throw new Refusal('conflict', 'the dead letter is resolved already');
      if (before.status === 'discarded') return before.status;
      await requireNotHeld(sql, before.org_id, [before.source_connection_id]);
      const discarded = await discardEntry(sql, id);
      if (!discarded) throw new Refusal('conflict', 'a retry of the dead letter is running: discard it when the retry has ended');
      return discarded;
    });
    const answer: DlqRetried = { id, status };
    return c.json(answer);
  });

  return app;
}

/** Turns a query into the form that the body of a command has. Throws Refusal `invalid_request` for an unknown source. */
function toFilter({ class: one, ...rest }: DlqFilter & { class?: ErrorClass | undefined }): DlqFilter {
  requireKnownSources(rest.sources, 'sources');
  return one === undefined ? rest : { ...rest, classes: [...new Set([...(rest.classes ?? []), one])] };
}
