import { Group, Text, Timeline } from '@mantine/core';
import type { ReplayPlan } from '@tributary/shared/replays.ts';
import { useTexts } from '../../lib/i18n.ts';
import { Time } from '../../ui/values.tsx';
import { Person } from './plan-parts.tsx';
import { replayTexts } from './texts.ts';

const known = ['created', 'approved', 'running', 'paused', 'completed', 'canceled', 'failed'] as const;

export function Audit({ plan }: { plan: ReplayPlan }) {
  const t = useTexts(replayTexts);
  if (!plan.audit) {
    return (
      <Text size="sm" c="dimmed">
        {t('auditAdmins')}
      </Text>
    );
  }
  return (
    <Timeline bulletSize={12} lineWidth={2} active={plan.audit.length - 1}>
      {plan.audit.map(({ at, actorId, action, detail }, index) => {
        const name = known.find((one) => one === action);
        const { reference, error, processed } = detail as { reference?: string | null; error?: string | null; processed?: number };
        return (
          // The trail only grows at its end.
          // biome-ignore lint/suspicious/noArrayIndexKey: nothing in it has an id
          <Timeline.Item key={index} title={<Text size="sm">{name ? t(`audit_${name}`) : action}</Text>}>
            <Group gap={4} fz="xs" c="dimmed">
              <Time at={at} exact /> · <Person id={actorId} />
              {typeof processed === 'number' && processed > 0 && <span>· {t('afterCount', { count: processed })}</span>}
            </Group>
            {(reference || error) && (
              <Text size="xs" className="break">
                <bdi>{reference || error}</bdi>
              </Text>
            )}
          </Timeline.Item>
        );
      })}
    </Timeline>
  );
}
