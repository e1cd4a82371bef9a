import { Badge, Button, Group, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { AlertChannel } from '@tributary/shared/alerts.ts';
import { useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { Time } from '../../ui/values.tsx';
import { channelTexts } from './channel-texts.ts';
import { askRecipients, invalidateAlertChannels } from './queries.ts';

/** The recipients of an e-mail channel, and whether the owner of each address wants the alerts. */
export function ChannelRecipients({ channel }: { channel: AlertChannel }) {
  const t = useTexts(channelTexts);
  const { canWrite, id: orgId } = useOrg();
  const queryClient = useQueryClient();
  const ask = useMutation({ mutationFn: () => askRecipients(channel.id), onSettled: () => invalidateAlertChannels(queryClient, orgId) });
  const waiting = channel.recipients.filter(({ status }) => status === 'waiting');
  const hints = (['waiting', 'stopped'] as const).filter((status) => channel.recipients.some((one) => one.status === status));
  return (
    <Stack gap={4}>
      <Stack component="ul" aria-label={t('recipients')} gap={4} m={0} p={0} style={{ listStyle: 'none' }}>
        {channel.recipients.map(({ address, status, askedAt }) => (
          <Group component="li" key={address} gap={6}>
            <Text span size="sm" className="mono break" style={{ unicodeBidi: 'isolate' }}>
              {address}
            </Text>
            <Badge variant="default" tt="none">
              {t(`recipient_${status}`)}
            </Badge>
            {status === 'waiting' && askedAt && (
              <Text span size="xs" c="dimmed">
                {t('asked')} <Time at={askedAt} />
              </Text>
            )}
          </Group>
        ))}
      </Stack>
      {hints.map((status) => (
        <Text key={status} size="xs" c="dimmed">
          {t(`hint_${status}`)}
        </Text>
      ))}
      {canWrite && waiting.length > 0 && (
        <Group gap="xs">
          <Button size="xs" variant="default" loading={ask.isPending} disabled={ask.isSuccess} onClick={() => ask.mutate()}>
            {t(ask.isSuccess ? 'askedAgain' : 'askAgain')}
          </Button>
        </Group>
      )}
      {ask.error && (
        <Text size="sm" c="red" role="alert">
          {ask.error.message}
        </Text>
      )}
    </Stack>
  );
}
