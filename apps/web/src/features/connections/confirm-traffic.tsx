import { Stack, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type Activity, activityOf } from '../../lib/activity.ts';
import { formatNumber } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { ConfirmCount } from '../../ui/confirm.tsx';
import { connectionTexts } from './texts.ts';

const dayMs = 86_400_000;

/** Records a day since the first one of the last seven days. */
function dailyRecords(points: readonly Activity[], now: number): number {
  const first = points.find((point) => point.received > 0);
  if (!first) return 0;
  const total = points.reduce((sum, point) => sum + point.received, 0);
  return Math.round(total / Math.max(1, (now - Date.parse(first.at)) / dayMs));
}

/**
 * Asks before a change that makes a connection refuse what arrives. It says what the change does, in whole sentences, and how many records a day
 * that concerns, by the last seven days.
 */
export function ConfirmTraffic({
  opened,
  onClose,
  connectionId,
  title,
  effects,
  confirm,
  onConfirm,
}: {
  opened: boolean;
  onClose: () => void;
  connectionId: string;
  title: string;
  effects: readonly string[];
  confirm: string;
  onConfirm: () => Promise<unknown>;
}) {
  const t = useTexts(connectionTexts);
  const language = useLanguage();
  const org = useOrg();
  const queryClient = useQueryClient();
  return (
    <ConfirmCount
      opened={opened}
      onClose={onClose}
      title={title}
      danger
      preview={async () => dailyRecords(await queryClient.fetchQuery(activityOf(org.id, '7d', connectionId)), Date.now())}
      // A connection without traffic can be changed as well.
      count={() => 1}
      confirm={() => confirm}
      onConfirm={onConfirm}
    >
      {(daily) => (
        <Stack gap="xs">
          {effects.map((effect) => (
            <Text key={effect} size="sm">
              {effect}
            </Text>
          ))}
          <Text size="sm" fw={600}>
            {daily === 0 ? t('noTraffic') : t('traffic', { count: daily, number: formatNumber(daily, language) })}
          </Text>
        </Stack>
      )}
    </ConfirmCount>
  );
}
