import {
  DlqAnalysis,
  type DlqAttempt,
  DlqDryRun,
  type DlqEntry,
  DlqEntryDetail,
  DlqList,
  DlqOperation,
  DlqOperations,
  DlqRetried,
  DlqSamples,
  DlqStarted,
  DlqSummary,
} from '@tributary/shared/dlq.ts';
import { remedyOf } from '@tributary/shared/errors.ts';
import { http } from 'msw';
import { answer, problem } from './answers.ts';
import { ago, idOf, ids, type Row, user, type World } from './world.ts';

const pageSize = 50;

const entries = (world: World): DlqEntry[] => {
  if (!world.filled) return [];
  const common = {
    orgId: ids.org,
    projectId: ids.project,
    connectionId: ids.connection,
    connectionName: world.connectionName,
    sourceType: 'hotmart',
    attempts: 2,
    occurrences: 1,
    sample: { id: '…', event: 'PURCHASE_APPROVED', data: { buyer: { email: '…' } } },
    resolvedAt: null,
  };
  const failed = Array.from({ length: world.rows }, (_, index): DlqEntry => {
    const exhausted = index % 4 === 3;
    return {
      ...common,
      id: idOf('6', index + 1),
      journalId: idOf('5', index + 1),
      recordIndex: 0,
      errorClass: index % 3 === 2 ? 'CONNECTION_ERROR' : 'MISSING_FIELD',
      message: 'data.purchase.transaction is missing',
      fieldPath: 'data.purchase.transaction',
      sourceEventType: 'PURCHASE_APPROVED',
      idempotencyKey: null,
      storedEventId: null,
      status: exhausted ? 'exhausted' : 'pending',
      nextRetryAt: exhausted ? null : ago(-5),
      isQuarantine: false,
      createdAt: ago(10 + index * 9),
      lastSeenAt: ago(10 + index * 9),
      updatedAt: ago(4 + index),
    };
  });
  const rejected = Array.from({ length: 3 }, (_, index): DlqEntry => {
    return {
      ...common,
      id: idOf('6', 0x1001 + index),
      journalId: idOf('5', 0x1001 + index),
      recordIndex: null,
      errorClass: 'INVALID_HOTTOK',
      message: 'the hottok is not the one of this connection',
      fieldPath: null,
      sourceEventType: null,
      idempotencyKey: null,
      storedEventId: null,
      status: 'pending',
      attempts: 0,
      nextRetryAt: null,
      isQuarantine: true,
      createdAt: ago(20 + index),
      lastSeenAt: ago(20 + index),
      updatedAt: ago(20 + index),
    };
  });
  return [...failed, ...rejected];
};

export const deadLetterRows = (world: World): Row<'dlq_events'>[] =>
  entries(world).map((entry) => ({
    id: entry.id,
    org_id: entry.orgId,
    project_id: entry.projectId,
    source_connection_id: entry.connectionId,
    journal_id: entry.journalId,
    record_index: entry.recordIndex,
    error_class: entry.errorClass,
    last_error_message: entry.message,
    field_path: entry.fieldPath,
    source_event_type: entry.sourceEventType,
    idempotency_key: entry.idempotencyKey,
    stored_event_id: entry.storedEventId,
    status: entry.status,
    attempts: entry.attempts,
    next_retry_at: entry.nextRetryAt,
    is_quarantine: entry.isQuarantine,
    sample: { id: '…' },
    lease_owner: null,
    occurrences: entry.occurrences,
    last_seen_at: entry.lastSeenAt,
    record_key: null,
    record_digest: null,
    history: [],
    retried_by: null,
    created_at: entry.createdAt,
    updated_at: entry.updatedAt,
    resolved_at: entry.resolvedAt,
  }));

const operationsOf = ({ filled, running }: World): DlqOperation[] => {
  const statuses = [...(filled ? (['done', 'canceled', 'failed'] as const) : []), ...(running ? (['running'] as const) : [])];
  return statuses.map((status, index) => ({
    id: idOf('a', index + 1),
    orgId: ids.org,
    kind: (['redrive', 'reverify', 'purge'] as const)[index] ?? 'redrive',
    filter: { classes: ['MISSING_FIELD'] },
    status,
    total: 40,
    done: status === 'canceled' || status === 'running' ? 12 : 40,
    succeeded: status === 'failed' ? 0 : 11,
    failed: 1,
    failures: [{ reason: 'MISSING_FIELD', count: 1 }],
    error: status === 'failed' ? 'a legal hold forbids it' : null,
    createdBy: user.id,
    createdAt: ago(60 + index),
    finishedAt: status === 'running' ? null : ago(50),
  }));
};

/** The entries that a query selects by quarantine, classes and statuses. */
function selectedBy(all: readonly DlqEntry[], query: URLSearchParams): DlqEntry[] {
  const list = (name: string) => query.get(name)?.split(',');
  const [classes, statuses] = [list('classes'), list('statuses')];
  const quarantine = query.get('quarantine');
  return all.filter(
    (one) =>
      (quarantine === null || one.isQuarantine === (quarantine === 'true')) &&
      (!classes || classes.includes(one.errorClass)) &&
      (!statuses || statuses.includes(one.status)) &&
      (!query.has('sourceEventType') || one.sourceEventType === query.get('sourceEventType')) &&
      (!query.has('sourceEventTypes') || one.sourceEventType === query.get('sourceEventTypes')),
  );
}

function groupsOf(found: readonly DlqEntry[]): DlqSummary {
  const groups = [...Map.groupBy(found, (one) => one.errorClass)].map(([errorClass, members]) => ({
    errorClass,
    sourceType: 'hotmart',
    connectionId: ids.connection,
    connectionName: members[0]?.connectionName ?? '',
    count: members.length,
    occurrences: members.reduce((sum, one) => sum + one.occurrences, 0),
    pending: members.filter((one) => one.status === 'pending').length,
    exhausted: members.filter((one) => one.status === 'exhausted').length,
    firstSeenAt: members.at(-1)?.createdAt ?? ago(0),
    lastSeenAt: members[0]?.createdAt ?? ago(0),
    trend: Array.from({ length: 24 }, (_, hour) => hour % 5),
    retryable: 'after_fix' as const,
    remedy: remedyOf(errorClass),
  }));
  return { total: found.length, groupCount: groups.length, groups };
}

const attempts = ({ errorClass, message }: DlqEntry): DlqAttempt[] => [
  { at: ago(4), by: 'person', operationId: null, personId: user.id, result: 'failed', errorClass, message },
  { at: ago(30), by: 'schedule', operationId: null, personId: null, result: 'interrupted', errorClass: null, message: null },
];

const advice = {
  en: { cause: 'The platform left the field out.', fix: 'Map the field in the settings of the connection.' },
  'pt-BR': { cause: 'A plataforma deixou o campo de fora.', fix: 'Mapeie o campo nas configurações da conexão.' },
};

export function deadLetterHandlers(world: World) {
  const all = entries(world);
  const operations = operationsOf(world);
  const find = (id: unknown) => all.find((one) => one.id === id);
  const query = (request: Request) => new URL(request.url).searchParams;
  const command = async (request: Request, kind: DlqOperation['kind']) => {
    const { dryRun } = (await request.json()) as { dryRun?: boolean };
    const failures = [{ reason: 'MISSING_FIELD', count: 15, message: 'data.purchase.transaction is missing' }];
    const trial = kind === 'redrive' || kind === 'reverify' ? { trial: { tried: 20, succeeded: 5, failures } } : {};
    if (dryRun) return answer(DlqDryRun, { dryRun: true, count: all.length, ...trial });
    return answer(DlqStarted, { operation: { ...(operations[0] as DlqOperation), kind } });
  };
  return [
    http.get('*/api/dlq/summary', ({ request }) => answer(DlqSummary, groupsOf(selectedBy(all, query(request))))),
    http.get('*/api/dlq/analyze', ({ request }) =>
      answer(DlqAnalysis, {
        clusters: groupsOf(selectedBy(all, query(request))).groups.map((group) => ({
          errorClass: group.errorClass,
          fieldPath: 'data.purchase.transaction',
          sourceEventType: 'PURCHASE_APPROVED',
          sourceType: group.sourceType,
          connectionId: group.connectionId,
          connectionName: group.connectionName,
          count: group.count,
          firstSeenAt: group.firstSeenAt,
          lastSeenAt: group.lastSeenAt,
          exampleId: ids.deadLetter,
          remedy: group.remedy,
          ...advice[query(request).get('language') === 'pt-BR' ? 'pt-BR' : 'en'],
        })),
      }),
    ),
    http.get('*/api/dlq/operations', () => answer(DlqOperations, { operations, next: null })),
    http.get('*/api/dlq/sample', ({ request }) =>
      answer(DlqSamples, {
        entries: selectedBy(all, query(request))
          .slice(0, 1)
          .map((entry) => ({ ...entry, payload: { headers: {}, body: '{"order":"A-0"}', byteSize: 15, truncated: false } })),
      }),
    ),
    http.get('*/api/dlq', ({ request }) => {
      const found = selectedBy(all, query(request));
      const start = Number(query(request).get('cursor') ?? 0);
      const end = start + pageSize;
      const next = end < found.length ? String(end) : null;
      return answer(DlqList, { entries: found.slice(start, end), next, nextCursor: next });
    }),
    http.get('*/api/dlq/:id', ({ params }) => {
      const entry = find(params.id);
      return entry
        ? answer(DlqEntryDetail, { ...entry, history: attempts(entry) })
        : problem(404, 'not_found', { detail: 'there is no such entry' });
    }),
    http.post('*/api/dlq/:id/retry', ({ params }) => answer(DlqRetried, { id: String(params.id), status: 'retrying' })),
    http.post('*/api/dlq/:id/discard', ({ params }) => answer(DlqRetried, { id: String(params.id), status: 'discarded' })),
    ...(['redrive', 'discard', 'purge', 'reverify'] as const).map((kind) =>
      http.post(`*/api/dlq/${kind}`, ({ request }) => command(request, kind)),
    ),
    http.post('*/api/dlq/operations/:id/cancel', () => answer(DlqOperation, { ...(operations[1] as DlqOperation), status: 'canceled' })),
  ];
}
