import type { MasterKeys } from '@tributary/pipeline/master-keys.ts';
import {
  type DlqAnalysis,
  DlqAnalysisQuery,
  DlqCommand,
  type DlqEntry,
  type DlqFilter,
  type DlqList,
  DlqListQuery,
  type DlqOperation,
  type DlqOperationKind,
  type DlqOperations,
  DlqOperationsQuery,
  DlqQuery,
  type DlqRetried,
  DlqSampleQuery,
  type DlqSamples,
  type DlqSummary,
} from '@tributary/shared/dlq.ts';
import { type ErrorClass, errorClasses } from '@tributary/shared/errors.ts';
import { Hono } from 'hono';
import type { Logger } from 'pino';
import { type AuthVariables, requireUser, type VerifyToken } from '../platform/auth.ts';
import type { Db } from '../platform/db.ts';
import { Refusal } from '../platform/refusal.ts';
import { invalidRequest, jsonBody, validBody, validId, validQuery } from '../platform/requests.ts';
import { resolveOrg, resolveOrgToWrite } from '../tenancy/callers-org.ts';
import { heldRefusal } from '../tenancy/require-not-held.ts';
import { explain } from './causes.ts';
import { openStatuses, operationFilter } from './filter.ts';
import { describe } from './openapi.ts';
import { cancelOperation, findHold, findOperation, listOperations, type OperationRow, startOperation } from './operations.ts';
import { openPayloads } from './payload.ts';
import {
  auditFullSample,
  type Cursor,
  clusterEntries,
  countEntries,
  type EntryRow,
  findEntry,
  listEntries,
  retryEntry,
  summariseEntries,
} from './store.ts';

export interface DlqDeps {
  db: Db;
  verifyToken: VerifyToken;
  masterKeys: MasterKeys;
  log: Logger;
  now(): number;
}

const clustersMax = 200;
const fullSamplesMax = 20;

/** Mounted at /api/dlq. */
export function dlqRoutes({ db, verifyToken, masterKeys, log, now }: DlqDeps) {
  const app = new Hono<{ Variables: AuthVariables }>();
  app.use(requireUser(verifyToken), jsonBody);

  app.get('/', describe.listDeadLetters, validQuery(DlqListQuery), async (c) => {
    const { limit, cursor, ...query } = c.req.valid('query');
    const filter = toFilter(query);
    const after = cursor === undefined ? undefined : parseCursor(cursor);
    const rows = await db.as(c.var.claims, async (sql) => {
      const org = await resolveOrg(sql, filter.orgId);
      return listEntries(sql, org.id, filter, now(), limit + 1, after);
    });
    const last = rows.length > limit ? rows[limit - 1] : undefined;
    const answer: DlqList = { entries: rows.slice(0, limit).map(toEntry), nextCursor: last ? formatCursor(last) : null };
    return c.json(answer);
  });

  app.get('/summary', describe.summariseDeadLetters, validQuery(DlqQuery), async (c) => {
    const filter = toFilter(c.req.valid('query'));
    const groups = await db.as(c.var.claims, async (sql) => {
      const org = await resolveOrg(sql, filter.orgId);
      return summariseEntries(sql, org.id, { statuses: openStatuses, ...filter }, now());
    });
    const answer: DlqSummary = {
      total: groups.reduce((sum, group) => sum + group.count, 0),
      groups: groups.map((group) => ({
        errorClass: group.error_class,
        sourceType: group.source_type,
        connectionId: group.source_connection_id,
        connectionName: group.connection_name,
        count: group.count,
        pending: group.pending,
        exhausted: group.exhausted,
        firstSeenAt: group.first_seen_at,
        lastSeenAt: group.last_seen_at,
        trend: group.trend,
        retryable: errorClasses[group.error_class as ErrorClass]?.retryable ?? 'no',
      })),
    };
    return c.json(answer);
  });

  app.get('/sample', describe.sampleDeadLetters, validQuery(DlqSampleQuery), async (c) => {
    const { limit, full = false, ...query } = c.req.valid('query');
    if (full && limit > fullSamplesMax) throw invalidRequest([{ path: ['limit'], message: `at most ${fullSamplesMax} with full` }]);
    const filter = toFilter(query);
    const rows = await db.as(c.var.claims, async (sql) => {
      const org = full ? await resolveOrgToWrite(sql, filter.orgId) : await resolveOrg(sql, filter.orgId);
      const found = await listEntries(sql, org.id, { statuses: openStatuses, ...filter }, now(), limit);
      // Written before anything is shown.
      if (full && found.length > 0) {
        await auditFullSample(
          sql,
          org.id,
          found.map((row) => row.id),
        );
      }
      return found;
    });
    const payloads = full ? await openPayloads({ db, masterKeys, log }, rows) : undefined;
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
    const clusters = await db.as(c.var.claims, async (sql) => {
      const org = await resolveOrg(sql, filter.orgId);
      return clusterEntries(sql, org.id, { statuses: openStatuses, ...filter }, now(), clustersMax);
    });
    const answer: DlqAnalysis = {
      clusters: clusters.map((row) => {
        const cluster = {
          errorClass: row.error_class,
          fieldPath: row.field_path,
          sourceEventType: row.source_event_type,
          sourceType: row.source_type,
        };
        return {
          ...cluster,
          connectionId: row.source_connection_id,
          connectionName: row.connection_name,
          count: row.count,
          firstSeenAt: row.first_seen_at,
          lastSeenAt: row.last_seen_at,
          exampleId: row.example_id,
          ...explain(cluster, language),
        };
      }),
    };
    return c.json(answer);
  });

  for (const kind of ['redrive', 'discard', 'purge', 'reverify'] as const) {
    app.post(`/${kind}`, describe[kind], validBody(DlqCommand), async (c) => {
      const { dryRun, ...wanted } = c.req.valid('json');
      const filter = operationFilter(kind, wanted);
      if (filter.statuses.length === 0) throw invalidRequest([{ path: ['statuses'], message: untouchable(kind, wanted) }]);
      const started = await db.as(c.var.claims, async (sql) => {
        const org = await resolveOrgToWrite(sql, wanted.orgId);
        const nowMs = now();
        const hold = kind === 'purge' ? await findHold(sql, org.id, filter, nowMs) : null;
        if (hold !== null) throw heldRefusal(hold);
        const count = await countEntries(sql, org.id, filter, nowMs);
        return dryRun ? count : startOperation(sql, org.id, kind, filter, count);
      });
      if (typeof started === 'number') return c.json({ dryRun: true, count: started });
      return c.json({ operation: toOperation(started) }, 202);
    });
  }

  app.get('/operations', describe.listDlqOperations, validQuery(DlqOperationsQuery), async (c) => {
    const { orgId } = c.req.valid('query');
    const rows = await db.as(c.var.claims, async (sql) => listOperations(sql, (await resolveOrg(sql, orgId)).id));
    const answer: DlqOperations = { operations: rows.map(toOperation) };
    return c.json(answer);
  });

  app.get('/operations/:id', describe.getDlqOperation, validId(), async (c) => {
    const { id } = c.req.valid('param');
    const row = await db.as(c.var.claims, (sql) => findOperation(sql, id));
    if (!row) throw new Refusal('not_found', 'there is no such operation');
    return c.json(toOperation(row));
  });

  app.post('/operations/:id/cancel', describe.cancelDlqOperation, validId(), async (c) => {
    const { id } = c.req.valid('param');
    const row = await db.as(c.var.claims, async (sql) => {
      const before = await findOperation(sql, id);
      if (!before) throw new Refusal('not_found', 'there is no such operation');
      if (!before.may_write) throw new Refusal('forbidden', 'only an owner or admin of the org may do this');
      await cancelOperation(sql, id);
      return (await findOperation(sql, id)) ?? before;
    });
    return c.json(toOperation(row));
  });

  app.get('/:id', describe.getDeadLetter, validId(), async (c) => {
    const { id } = c.req.valid('param');
    const row = await db.as(c.var.claims, (sql) => findEntry(sql, id));
    if (!row) throw new Refusal('not_found', 'there is no such dead letter');
    return c.json(toEntry(row));
  });

  app.post('/:id/retry', describe.retryDeadLetter, validId(), async (c) => {
    const { id } = c.req.valid('param');
    const status = await db.as(c.var.claims, async (sql) => {
      const before = await findEntry(sql, id);
      if (!before) throw new Refusal('not_found', 'there is no such dead letter');
      if (!before.may_write) throw new Refusal('forbidden', 'only an owner or admin of the org may do this');
      if (before.status === 'resolved') throw new Refusal('conflict', 'it is resolved already');
      return (await retryEntry(sql, id)) ?? 'retrying';
    });
    const answer: DlqRetried = { id, status };
    return c.json(answer, 202);
  });

  return app;
}

/** What a query says, in the form a body has. */
function toFilter({ class: one, ...rest }: DlqFilter & { class?: ErrorClass | undefined }): DlqFilter {
  return one === undefined ? rest : { ...rest, classes: [...new Set([...(rest.classes ?? []), one])] };
}

function untouchable(kind: DlqOperationKind, { statuses = [] }: DlqFilter): string {
  return `${kind} touches no entry that is ${statuses.join(' or ')}`;
}

function formatCursor(row: EntryRow): string {
  return Buffer.from(`${row.created_us}.${row.id}`).toString('base64url');
}

function parseCursor(cursor: string): Cursor {
  const [, createdUs, id] =
    /^(\d{1,17})\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (createdUs === undefined || id === undefined) throw invalidRequest([{ path: ['cursor'], message: 'is not a cursor of this list' }]);
  return { createdUs, id };
}

/** As the database ends its message where the key was taken: private.ingest_batch, private.replay_batch. */
const storedEvent = / as event ([0-9a-f]{8}-[0-9a-f-]{27})$/;

function toEntry(row: EntryRow): DlqEntry {
  return {
    id: row.id,
    orgId: row.org_id,
    projectId: row.project_id,
    connectionId: row.source_connection_id,
    connectionName: row.connection_name,
    sourceType: row.source_type,
    journalId: row.journal_id,
    recordIndex: row.record_index,
    errorClass: row.error_class,
    message: row.last_error_message,
    fieldPath: row.field_path,
    sourceEventType: row.source_event_type,
    idempotencyKey: row.idempotency_key,
    storedEventId: storedEvent.exec(row.last_error_message)?.[1] ?? null,
    status: row.status,
    attempts: row.attempts,
    nextRetryAt: row.next_retry_at,
    isQuarantine: row.is_quarantine,
    sample: row.sample,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    resolvedAt: row.resolved_at,
  };
}

function toOperation(row: OperationRow): DlqOperation {
  return {
    id: row.id,
    orgId: row.org_id,
    kind: row.kind,
    filter: row.filter,
    status: row.status,
    total: row.total,
    done: row.done,
    succeeded: row.succeeded,
    failed: row.failed,
    error: row.error,
    createdBy: row.created_by,
    createdAt: row.created_at,
    finishedAt: row.finished_at,
  };
}
