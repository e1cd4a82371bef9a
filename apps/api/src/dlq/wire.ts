import type { Language } from '@tributary/shared/api.ts';
import type { DlqAnalysis, DlqAttempt, DlqEntry, DlqEntryDetail, DlqOperation, DlqSummary } from '@tributary/shared/dlq.ts';
import { type ErrorClass, errorClasses, remedyOf } from '@tributary/shared/errors.ts';
import { explain } from './causes.ts';
import type { OperationRow } from './operations.ts';
import type { AttemptRow, ClusterRow, DetailRow, EntryRow, GroupRow } from './store.ts';

export function toEntry(row: EntryRow): DlqEntry {
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
    storedEventId: row.stored_event_id,
    status: row.status,
    attempts: row.attempts,
    occurrences: row.occurrences,
    nextRetryAt: row.next_retry_at,
    isQuarantine: row.is_quarantine,
    sample: row.sample,
    createdAt: row.created_at,
    lastSeenAt: row.last_seen_at,
    updatedAt: row.updated_at,
    resolvedAt: row.resolved_at,
  };
}

export const toDetail = (row: DetailRow): DlqEntryDetail => ({ ...toEntry(row), history: row.history.map(toAttempt).toReversed() });

const toAttempt = (row: AttemptRow): DlqAttempt => ({
  at: new Date(row.at).toISOString(),
  by: row.by,
  operationId: row.operation ?? null,
  personId: row.person ?? null,
  result: row.result,
  errorClass: row.error_class ?? null,
  message: row.message ?? null,
});

export function toGroup(row: GroupRow): DlqSummary['groups'][number] {
  return {
    errorClass: row.error_class,
    sourceType: row.source_type,
    connectionId: row.source_connection_id,
    connectionName: row.connection_name,
    count: row.count,
    occurrences: row.occurrences,
    pending: row.pending,
    exhausted: row.exhausted,
    firstSeenAt: row.first_seen_at,
    lastSeenAt: row.last_seen_at,
    trend: row.trend,
    retryable: errorClasses[row.error_class as ErrorClass]?.retryable ?? 'no',
    remedy: remedyOf(row.error_class),
  };
}

export function toCluster(row: ClusterRow, language: Language): DlqAnalysis['clusters'][number] {
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
    remedy: remedyOf(row.error_class),
  };
}

export function toOperation(row: OperationRow): DlqOperation {
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
    failures: Object.entries(row.failures)
      .map(([reason, count]) => ({ reason, count }))
      .toSorted((a, b) => b.count - a.count),
    error: row.error,
    createdBy: row.created_by,
    createdAt: row.created_at,
    finishedAt: row.finished_at,
  };
}
