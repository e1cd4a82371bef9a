import { ReplayList, ReplayPlan, ReplayPreview, type ReplayStatus } from '@tributary/shared/replays.ts';
import { http } from 'msw';
import { answer, problem } from './answers.ts';
import { ago, colleague, idOf, ids, type Row, user, type World } from './world.ts';

const statuses: ReplayStatus[] = ['pending_approval', 'paused', 'completed', 'canceled', 'failed', 'approved'];
/** The states of the plans of a world. A plan is running only in a world with running work. */
const statusesOf = ({ filled, running }: World) => [...(filled ? statuses : []), ...(running ? (['running'] as const) : [])];

const plans = (world: World): ReplayPlan[] =>
  statusesOf(world).map((status, index) => {
    const started = !['pending_approval', 'approved'].includes(status);
    const ended = ['completed', 'canceled', 'failed'].includes(status);
    return {
      id: idOf('7', index + 1),
      orgId: ids.org,
      name: index === 0 ? 'Orders of the last hour, with the corrected mapping' : `Plan ${index + 1}`,
      mode: index % 2 === 0 ? 'reprocess' : 'replay',
      filter: { from: ago(120), to: ago(60), outcomes: ['accepted'] },
      throttlePerSecond: 5,
      status,
      matchedCount: 120,
      estimatedSeconds: 24,
      needsSecondApproval: index === 0,
      reference: started ? 'RFA-1234' : null,
      createdBy: user.id,
      createdAt: ago(50 + index),
      approvedBy: started ? colleague.id : null,
      approvedAt: started ? ago(45) : null,
      startedAt: started ? ago(44) : null,
      finishedAt: ended ? ago(40) : null,
      processed: started ? 60 : 0,
      accepted: started ? 20 : 0,
      duplicates: started ? 38 : 0,
      deadLettered: started ? 2 : 0,
      failed: 0,
      ratePerSecond: status === 'running' ? 5 : null,
      etaSeconds: status === 'running' ? 12 : null,
      error: status === 'failed' ? 'the database was unavailable' : null,
    };
  });

export const planRows = (world: World): Row<'replay_plans'>[] =>
  plans(world).map((plan) => ({
    id: plan.id,
    org_id: plan.orgId,
    name: plan.name,
    mode: plan.mode,
    filter: {},
    throttle_per_second: plan.throttlePerSecond,
    status: plan.status,
    matched_count: plan.matchedCount,
    needs_second_approval: plan.needsSecondApproval,
    reference: plan.reference,
    created_by: user.id,
    created_at: plan.createdAt,
    approved_by: plan.approvedBy,
    approved_at: plan.approvedAt,
    started_at: plan.startedAt,
    finished_at: plan.finishedAt,
    processed: plan.processed,
    accepted: plan.accepted,
    duplicates: plan.duplicates,
    dead_lettered: plan.deadLettered,
    failed: plan.failed,
    failures: 0,
    rate_per_second: plan.ratePerSecond,
    error: plan.error,
    checkpoint_at: null,
    checkpoint_id: null,
    lease_owner: null,
    lease_until: null,
    paced_until: null,
  }));

export function replayHandlers(world: World) {
  const all = plans(world);
  return [
    http.get('*/api/replays', () => answer(ReplayList, { plans: all, next: null })),
    http.get('*/api/replays/:id', ({ params }) => {
      const plan = all.find((one) => one.id === params.id);
      if (!plan) return problem(404, 'not_found', { detail: 'there is no such plan' });
      const audit = [
        { at: plan.createdAt, actorId: user.id, action: 'created', detail: {} },
        ...(plan.approvedAt
          ? [{ at: plan.approvedAt, actorId: colleague.id, action: 'approved', detail: { reference: plan.reference } }]
          : []),
      ];
      return answer(ReplayPlan, world.role === 'analyst' ? plan : { ...plan, audit });
    }),
    http.post('*/api/replays', async ({ request }) => {
      const { dryRun } = (await request.json()) as { dryRun?: boolean };
      if (dryRun) return answer(ReplayPreview, { dryRun: true, count: 120, estimatedSeconds: 24, needsSecondApproval: true });
      return answer(ReplayPlan, all[0] as ReplayPlan);
    }),
  ];
}
