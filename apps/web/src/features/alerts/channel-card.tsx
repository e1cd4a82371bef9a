import { Alert, Badge, Button, Card, Code, Group, Modal, Stack, Switch, Text, Title } from '@mantine/core';
import { IconAlertOctagon, IconBrandSlack, IconCircleCheck, IconMail, IconPhoneCall, IconWebhook } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { AlertChannel, TestedAlertChannel } from '@tributary/shared/alerts.ts';
import { useState } from 'react';
import { formatDuration } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { LevelBadge } from '../../ui/level.tsx';
import { Refused } from '../../ui/refused.tsx';
import { uiTexts } from '../../ui/texts.ts';
import { Time } from '../../ui/values.tsx';
import { ChannelRecipients } from './channel-recipients.tsx';
import { channelTexts } from './channel-texts.ts';
import { deleteChannel, invalidateAlertChannels, testChannel, updateChannel } from './queries.ts';

const icons = { slack: IconBrandSlack, pagerduty: IconPhoneCall, webhook: IconWebhook, email: IconMail };

export function ChannelCard({ channel, onEdit }: { channel: AlertChannel; onEdit: () => void }) {
  const t = useTexts(channelTexts);
  const { canWrite, id: orgId } = useOrg();
  const queryClient = useQueryClient();
  const renew = () => invalidateAlertChannels(queryClient, orgId);
  const toggle = useMutation({ mutationFn: (enabled: boolean) => updateChannel(channel.id, { enabled }), onSettled: renew });
  const test = useMutation({ mutationFn: () => testChannel(channel.id), onSettled: renew });
  const [deleting, setDeleting] = useState(false);
  const Icon = icons[channel.type];
  const trouble = toggle.error ?? test.error;
  return (
    <Card withBorder component="li" padding="md">
      <Stack gap="xs">
        <Group justify="space-between" wrap="nowrap" align="flex-start">
          <Group gap={8} wrap="nowrap" style={{ minWidth: 0 }}>
            <Icon size={20} stroke={1.6} style={{ flexShrink: 0 }} aria-hidden />
            <Title order={3} size="h6" className="break">
              {channel.name}
            </Title>
          </Group>
          {canWrite ? (
            <Switch
              checked={toggle.isPending ? toggle.variables : channel.enabled}
              onChange={(event) => toggle.mutate(event.currentTarget.checked)}
              aria-label={`${channel.name}: ${t('enabled')}`}
            />
          ) : (
            <Badge variant="default" tt="none">
              {channel.enabled ? t('enabled') : t('disabled')}
            </Badge>
          )}
        </Group>
        <Text size="sm" component="div">
          {t(channel.type)}{' '}
          {channel.type !== 'email' && (
            <Text span className="mono break" style={{ unicodeBidi: 'isolate' }}>
              {channel.target}
            </Text>
          )}
        </Text>
        {channel.type === 'email' && <ChannelRecipients channel={channel} />}
        <Group gap={6}>
          <LevelBadge level={channel.minLevel} />
          <Text size="xs" c="dimmed">
            {t('andAbove')}
          </Text>
        </Group>
        <Last channel={channel} />
        {trouble && (
          <Text size="sm" c="red" role="alert">
            {trouble.message}
          </Text>
        )}
        {canWrite && (
          <Group gap="xs">
            <Button size="xs" variant="light" loading={test.isPending} onClick={() => test.mutate()}>
              {t('sendTest')}
            </Button>
            <Button size="xs" variant="default" onClick={onEdit}>
              {t('edit')}
            </Button>
            <Button size="xs" variant="subtle" color="red" onClick={() => setDeleting(true)}>
              {t('delete')}
            </Button>
          </Group>
        )}
        {!canWrite && <AdminOnly>{null}</AdminOnly>}
        {test.data && <Tested result={test.data} />}
      </Stack>
      {deleting && <DeleteChannel channel={channel} onClose={() => setDeleting(false)} onDeleted={renew} />}
    </Card>
  );
}

function Last({ channel }: { channel: AlertChannel }) {
  const t = useTexts(channelTexts);
  return (
    <Text size="xs" c="dimmed" component="div">
      {t('lastSent')} <Time at={channel.lastSentAt} />
      {channel.lastFailedAt && (
        <>
          {` · ${t('lastFailed')} `}
          <Time at={channel.lastFailedAt} />
        </>
      )}
      {channel.lastError && (
        <Text size="xs" c="red" className="break" style={{ unicodeBidi: 'isolate' }}>
          {channel.lastError}
        </Text>
      )}
      {channel.circuit === 'open' && <div>{t('circuit')}</div>}
    </Text>
  );
}

/** The receiver's answer to a test, as plain text. */
function Tested({ result }: { result: TestedAlertChannel }) {
  const t = useTexts(channelTexts);
  const language = useLanguage();
  const duration = formatDuration(result.durationMs / 1_000, language);
  return (
    <Alert
      variant="default"
      role="status"
      icon={result.ok ? <IconCircleCheck color="var(--mantine-color-teal-6)" /> : <IconAlertOctagon color="var(--mantine-color-error)" />}
      title={result.ok ? t('testArrived') : t('testFailed')}
      p="xs"
    >
      <Text size="sm">{result.status === null ? t('noStatus', { duration }) : t('answered', { status: result.status, duration })}</Text>
      {result.answer !== '' && (
        <Code block mt={4} dir="ltr" style={{ unicodeBidi: 'isolate', whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
          {result.answer}
        </Code>
      )}
    </Alert>
  );
}

function DeleteChannel({ channel, onClose, onDeleted }: { channel: AlertChannel; onClose: () => void; onDeleted: () => Promise<void> }) {
  const t = useTexts(channelTexts);
  const ui = useTexts(uiTexts);
  const remove = useMutation({ mutationFn: () => deleteChannel(channel.id), onSuccess: onDeleted });
  return (
    <Modal opened onClose={onClose} title={t('deleteTitle', { name: channel.name })} closeButtonProps={{ 'aria-label': ui('close') }}>
      <Stack>
        <Text size="sm">{t('deleteBody')}</Text>
        <Refused error={remove.error} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {ui('cancel')}
          </Button>
          <Button color="red" loading={remove.isPending} onClick={() => remove.mutate()}>
            {t('delete')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
