import { Badge, Group, Progress, Stack, Text } from '@mantine/core';
import type { ReplayPlan, ReplayStatus } from '@tributary/shared/replays.ts';
import { formatDateTime, formatDuration, formatNumber } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useSession } from '../../lib/session.ts';
import { Id } from '../../ui/values.tsx';
import { replayTexts } from './texts.ts';

const colors: Record<ReplayStatus, string> = {
  pending_approval: 'yellow',
  approved: 'cyan',
  running: 'teal',
  paused: 'orange',
  completed: 'green',
  canceled: 'gray',
  failed: 'red',
};

export const isOpen = ({ status }: ReplayPlan) => status !== 'completed' && status !== 'canceled';

/** The name of a plan, or its creation time where it has no name. */
export function usePlanName() {
  const t = useTexts(replayTexts);
  const language = useLanguage();
  return (plan: ReplayPlan) => plan.name ?? t('untitled', { when: formatDateTime(plan.createdAt, language) });
}

export function StatusBadge({ status }: { status: ReplayStatus }) {
  const t = useTexts(replayTexts);
  return (
    <Badge variant="dot" color={colors[status]} style={{ flexShrink: 0 }}>
      {t(status)}
    </Badge>
  );
}

/** The progress, rate and remaining time of a plan. The height does not depend on what is known. */
export function PlanProgress({ plan, name }: { plan: ReplayPlan; name: string }) {
  const t = useTexts(replayTexts);
  const language = useLanguage();
  const number = (value: number) => formatNumber(value, language);
  // The last deliveries of a filter may have been erased since they were counted.
  const share = plan.status === 'completed' ? 100 : plan.matchedCount === 0 ? 0 : Math.min(100, (100 * plan.processed) / plan.matchedCount);
  const isRunning = plan.status === 'running';
  // Failures are never drawn as success: a part of the bar as large as their part of the records.
  const failures = plan.deadLettered + plan.failed;
  const failedShare = failures === 0 ? 0 : failures / (plan.accepted + plan.duplicates + failures);
  const pace = !isRunning
    ? isOpen(plan) &&
      t('estimate', { time: formatDuration(Math.ceil((plan.matchedCount - plan.processed) / plan.throttlePerSecond), language) })
    : plan.ratePerSecond === null
      ? t('starting')
      : [
          t('rate', { rate: number(plan.ratePerSecond) }),
          ...(plan.etaSeconds === null ? [] : [t('eta', { eta: formatDuration(plan.etaSeconds, language) })]),
        ].join(' · ');
  return (
    <Stack gap={4}>
      <Progress.Root size="md" transitionDuration={300}>
        <Progress.Section
          value={share * (1 - failedShare)}
          color={colors[plan.status]}
          animated={isRunning}
          aria-label={t('progressLabel', { name })}
        />
        {failures > 0 && <Progress.Section value={share * failedShare} color="red.7" aria-label={t('failures', { count: failures })} />}
      </Progress.Root>
      <Group justify="space-between" gap="xs" mih={20}>
        <Text size="xs" className="tabular">
          {t('progressOf', { done: number(plan.processed), all: number(plan.matchedCount) })}
          {failures > 0 && (
            <Text span inherit c="red">
              {` · ${t('failures', { count: failures })}`}
            </Text>
          )}
        </Text>
        <Text size="xs" c="dimmed" className="tabular">
          {pace || ''}
        </Text>
      </Group>
    </Stack>
  );
}

/** A person by id; null: done by the system. */
export function Person({ id }: { id: string | null }) {
  const t = useTexts(replayTexts);
  const me = useSession()?.user;
  if (id === null) return t('system');
  return id === me?.id ? t('you') : <Id value={id} />;
}
