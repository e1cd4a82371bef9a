import type { ReplayPlan } from '@tributary/shared/replays.ts';
import { details, duration, section, table, time } from './output.ts';
import type { EmailOf } from './people.ts';

/** A plan with the e-mail addresses of its people beside their ids; null where the person is unknown or there is none. */
interface NamedPlan extends Omit<ReplayPlan, 'audit'> {
  createdByEmail: string | null;
  approvedByEmail: string | null;
  audit?: (NonNullable<ReplayPlan['audit']>[number] & { actorEmail: string | null })[] | undefined;
}

export function withPeople({ audit, ...plan }: ReplayPlan, emailOf: EmailOf): NamedPlan {
  return {
    ...plan,
    createdByEmail: emailOf(plan.createdBy),
    approvedByEmail: emailOf(plan.approvedBy),
    ...(audit ? { audit: audit.map((entry) => ({ ...entry, actorEmail: emailOf(entry.actorId) })) } : {}),
  };
}

/** Renders a replay plan as text: its filter, its approval and its progress. */
export function renderPlan(plan: NamedPlan): string {
  const { filter } = plan;
  const isUnderWay = plan.startedAt !== null;
  return details([
    ['plan', plan.id],
    ['name', plan.name ?? undefined],
    ['status', plan.status],
    ['error', plan.error ?? undefined],
    ['mode', plan.mode],
    ['arrived', `${time(filter.from)} to ${time(filter.to)} (UTC)`],
    ['sources', filter.sources?.join(', ')],
    ['event types', filter.eventTypes?.join(', ')],
    ['outcomes', filter.outcomes?.join(', ')],
    ['connections', filter.connectionIds?.join(', ')],
    ['created', `by ${plan.createdByEmail ?? plan.createdBy ?? 'a deleted user'} at ${time(plan.createdAt)}`],
    ['deliveries', plan.matchedCount],
    ['takes about', isUnderWay ? undefined : `${duration(plan.estimatedSeconds)} at ${plan.throttlePerSecond} a second`],
    ['approval', approvalOf(plan)],
    ['progress', isUnderWay ? `${plan.processed} of ${plan.matchedCount} deliveries (${percent(plan)})` : undefined],
    ['rate', plan.ratePerSecond === null ? undefined : `${Math.round(plan.ratePerSecond)} a second`],
    ['left', plan.etaSeconds === null ? undefined : duration(plan.etaSeconds)],
    ['records', isUnderWay ? `${plan.accepted} accepted, ${plan.duplicates} duplicates, ${plan.deadLettered} dead letters` : undefined],
    ['not opened', plan.failed > 0 ? `${plan.failed} deliveries` : undefined],
    ['started', time(plan.startedAt)],
    ['finished', time(plan.finishedAt)],
  ]);
}

export function renderAudit(audit: NonNullable<NamedPlan['audit']>): string {
  return section(
    'Audit log',
    table(
      ['at (UTC)', 'who', 'what', 'detail'],
      audit.map(({ at, actorId, actorEmail, action, detail }) => [
        time(at),
        actorEmail ?? actorId ?? 'the system',
        action,
        detail === null ? undefined : JSON.stringify(detail),
      ]),
    ),
  );
}

function approvalOf({ approvedAt, approvedBy, approvedByEmail, reference, needsSecondApproval }: NamedPlan): string {
  if (approvedAt)
    return `by ${approvedByEmail ?? approvedBy ?? 'a deleted user'} at ${time(approvedAt)}${reference ? ` (${reference})` : ''}`;
  return needsSecondApproval ? 'required, by a second person with a reference' : 'required';
}

function percent({ processed, matchedCount }: ReplayPlan): string {
  return matchedCount === 0 ? '100 %' : `${Math.floor((processed / matchedCount) * 100)} %`;
}
