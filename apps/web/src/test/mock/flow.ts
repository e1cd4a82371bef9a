import { FlowInstance, FlowState, FlowTransition, type Mode, ServiceStatus } from '@tributary/shared/flow.ts';
import { OrgDetailForOperator, OrgsForOperator, SuspendOrg } from '@tributary/shared/operators.ts';
import { HttpResponse, http } from 'msw';
import { answer, problem } from './answers.ts';
import { quotaRows } from './settings.ts';
import { ago, idOf, ids, orgSlug, user } from './world.ts';

export const operatorToken = 'operator-token-of-the-mock';

const instance = (mode: Mode): FlowInstance =>
  FlowInstance.parse({
    id: idOf('a', 0x77),
    startedAt: ago(500),
    seenAt: ago(0),
    mode,
    automaticMode: 'normal',
    cause: 'nothing waits',
    bufferRecords: 4,
    bufferBytes: 9_000,
    oldestAgeSeconds: 0.1,
    inFlight: 2,
  } satisfies FlowInstance);

const transition = FlowTransition.parse({
  id: '17',
  at: ago(40),
  from: 'normal',
  to: 'brownout',
  cause: 'Rehearsal',
  changedBy: 'operator',
  instanceId: idOf('a', 0x77),
} satisfies FlowTransition);

/** The status that every user sees, and the requests that only an operator with the token can make. */
export function flowHandlers() {
  let mode: Mode = 'normal';
  const state = (): FlowState => ({
    mode,
    operatorMode: mode === 'brownout' ? 'brownout' : null,
    automaticMode: 'normal',
    brownoutRate: mode === 'brownout' ? 0.5 : null,
    reason: 'Rehearsal',
    changedBy: 'operator',
    changedAt: ago(40),
    instances: [instance(mode)],
    drained: false,
  });
  let suspendedReason: string | null = null;
  const orgForOperator = (): OrgDetailForOperator => ({
    id: ids.org,
    name: 'Loja Aurora',
    slug: orgSlug,
    createdAt: ago(90_000),
    suspendedAt: suspendedReason === null ? null : ago(1),
    suspendedReason,
    exceeded: null,
    members: 2,
    connections: 3,
    eventsToday: 1_234,
    bytesToday: 2_000_000,
    storedBytes: 812_000_000,
    openWork: 1,
    owners: [user.email],
    quotas: quotaRows,
  });
  const allowed = (request: Request) => request.headers.get('authorization') === `Bearer ${operatorToken}`;
  return [
    http.get('*/health', () => HttpResponse.json({ status: 'ok' })),
    http.get('*/api/status', () =>
      answer(ServiceStatus, {
        mode,
        since: ago(40),
        cause: mode === 'normal' ? null : 'operator',
        brownoutRate: null,
      }),
    ),
    // The shape of this answer is defined in the dashboard (features/pipeline), which parses it.
    http.get('*/health/detailed', ({ request }) =>
      allowed(request)
        ? HttpResponse.json({
            status: 'ok',
            instanceId: idOf('a', 0x77),
            uptimeSeconds: 30_000,
            rssBytes: 180_000_000,
            backpressure: {
              mode,
              operatorMode: state().operatorMode,
              brownoutRate: state().brownoutRate,
              reason: 'Rehearsal',
              changedBy: 'operator',
              changedAt: ago(40),
              drained: false,
              transitions: [transition],
            },
            circuits: [{ name: 'alerts', sink: 'webhook', state: 'closed', lastOpenedAt: null, lastError: null }],
            buffer: {
              records: 4,
              bytes: 9_000,
              recordsMax: 10_000,
              bytesMax: 100_000_000,
              oldestAgeSeconds: 0.1,
              flushAgeSeconds: 0.2,
              batchesInFlight: 1,
            },
            inFlight: 2,
            workers: { concurrency: 4, running: 1 },
            jobs: [{ task: 'retry_dead_letters', waiting: 2, scheduled: 1, running: 1, failed: 0, oldest_due_seconds: 3 }],
            adapters: { 'Hotmart shop': { org: 'atelie', source: 'hotmart', verdict: 'ok', last_event_at: ago(3) } },
            instances: [instance(mode)],
            pools: [{ name: 'api', open: 4, idle: 3, waiting: 0 }],
          })
        : problem(401, 'unauthorized'),
    ),
    http.get('*/api/admin/orgs', ({ request }) =>
      allowed(request) ? answer(OrgsForOperator, { orgs: [orgForOperator()], next: null }) : problem(401, 'unauthorized'),
    ),
    http.get('*/api/admin/orgs/:id', () => answer(OrgDetailForOperator, orgForOperator())),
    http.post('*/api/admin/orgs/:id/:act', async ({ params, request }) => {
      const { reason } = SuspendOrg.partial().parse(await request.json());
      suspendedReason = params.act === 'suspend' ? (reason ?? null) : null;
      return answer(OrgDetailForOperator, orgForOperator());
    }),
    http.post('*/api/admin/:command', ({ params, request }) => {
      if (!allowed(request)) return problem(401, 'unauthorized');
      mode = params.command === 'brownout' ? 'brownout' : 'normal';
      return answer(FlowState, state());
    }),
  ];
}
