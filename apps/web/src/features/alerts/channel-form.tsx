import { Anchor, Button, Code, Group, Select, Stack, TagsInput, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { AlertChannel, AlertChannelType, AlertLevel, CreateAlertChannel } from '@tributary/shared/alerts.ts';
import { useState } from 'react';
import { ApiError } from '../../lib/api.ts';
import { useTexts } from '../../lib/i18n.ts';
import { levels } from '../../lib/incidents.ts';
import { useOrg } from '../../lib/orgs.ts';
import { incidentTexts } from '../../ui/incident-texts.ts';
import { Refused } from '../../ui/refused.tsx';
import { SecretModal } from '../../ui/secret-modal.tsx';
import { uiTexts } from '../../ui/texts.ts';
import { Copy } from '../../ui/values.tsx';
import { channelTexts } from './channel-texts.ts';
import { createChannel, invalidateAlertChannels, updateChannel } from './queries.ts';

const types = ['slack', 'pagerduty', 'webhook', 'email'] as const satisfies readonly AlertChannelType[];

/** The destination of a channel. A stored value is never shown again; when a channel is changed, an empty field keeps the stored value. */
interface Destination {
  url: string;
  routingKey: string;
  secret: string;
  recipients: string[];
}

const fieldsOf: Record<AlertChannelType, readonly (keyof Destination)[]> = {
  slack: ['url'],
  pagerduty: ['routingKey'],
  webhook: ['url', 'secret'],
  email: ['recipients'],
};

/** Creates a channel or changes one. */
export function ChannelForm({ channel, onClose }: { channel: AlertChannel | undefined; onClose: () => void }) {
  const t = useTexts(channelTexts);
  const ui = useTexts(uiTexts);
  const kinds = useTexts(incidentTexts);
  const { id: orgId } = useOrg();
  const queryClient = useQueryClient();
  const [type, setType] = useState<AlertChannelType>(channel?.type ?? 'slack');
  const [name, setName] = useState(channel?.name ?? '');
  const [minLevel, setMinLevel] = useState<AlertLevel>(channel?.minLevel ?? 'warning');
  const [destination, setDestination] = useState<Destination>({ url: '', routingKey: '', secret: '', recipients: [] });
  const save = useMutation({
    mutationFn: async () => {
      const given = Object.fromEntries(fieldsOf[type].map((field) => [field, destination[field]]).filter(([, value]) => value?.length));
      return channel
        ? updateChannel(channel.id, { name, minLevel, ...given })
        : createChannel({ type, orgId, name, minLevel, ...given } as CreateAlertChannel);
    },
    onSuccess: async (saved) => {
      await invalidateAlertChannels(queryClient, orgId);
      if (!('secret' in saved)) onClose();
    },
  });
  const errors = save.error instanceof ApiError ? save.error.fields : {};
  const errorOf = (field: keyof Destination) =>
    Object.entries(errors).find(([path]) => path === field || path.startsWith(`${field}.`))?.[1];
  const atField = ['name', 'minLevel', ...fieldsOf[type]].some((field) => errors[field] ?? errorOf(field as keyof Destination));
  const title = channel ? t('editTitle', { name: channel.name }) : t('add');
  const made = save.data && 'secret' in save.data ? (save.data.secret as string) : undefined;
  return (
    <SecretModal title={title} isPending={save.isPending} onClose={onClose}>
      {made ? (
        <SecretOnce secret={made} onClose={onClose} />
      ) : (
        <form
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            save.mutate();
          }}
        >
          <Stack gap="sm">
            <Refused error={save.error} atField={atField} />
            {!channel && (
              <Select
                label={t('type')}
                allowDeselect={false}
                value={type}
                data={types.map((value) => ({ value, label: t(value) }))}
                onChange={(next) => {
                  setType(next as AlertChannelType);
                  save.reset();
                }}
              />
            )}
            <TextInput
              label={t('name')}
              placeholder={t(`${type}Name`)}
              maxLength={120}
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
              error={errors.name}
              data-autofocus
            />
            <Fields type={type} value={destination} onChange={setDestination} errorOf={errorOf} isChange={channel !== undefined} />
            <Select
              label={t('minLevel')}
              description={t('minLevelHint')}
              allowDeselect={false}
              value={minLevel}
              data={[...levels].reverse().map((value) => ({ value, label: kinds(value) }))}
              onChange={(next) => setMinLevel(next as AlertLevel)}
              error={errors.minLevel}
            />
            <Group justify="flex-end">
              <Button variant="default" onClick={onClose} disabled={save.isPending}>
                {ui('cancel')}
              </Button>
              <Button type="submit" loading={save.isPending}>
                {ui('save')}
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </SecretModal>
  );
}

function Fields({
  type,
  value,
  onChange,
  errorOf,
  isChange,
}: {
  type: AlertChannelType;
  value: Destination;
  onChange: (value: Destination) => void;
  errorOf: (field: keyof Destination) => string | undefined;
  isChange: boolean;
}) {
  const t = useTexts(channelTexts);
  const kept = isChange ? { placeholder: t('keeps') } : {};
  const text = (field: 'url' | 'routingKey' | 'secret') => ({
    value: value[field],
    onChange: (event: { currentTarget: { value: string } }) => onChange({ ...value, [field]: event.currentTarget.value.trim() }),
    error: errorOf(field),
    autoComplete: 'off',
    spellCheck: false,
    ...kept,
  });
  if (type === 'email') {
    return (
      <TagsInput
        label={t('recipients')}
        description={t('recipientsHint')}
        value={value.recipients}
        onChange={(recipients) => onChange({ ...value, recipients })}
        maxTags={10}
        acceptValueOnBlur
        error={errorOf('recipients')}
        {...kept}
      />
    );
  }
  if (type === 'pagerduty') return <TextInput label={t('routingKey')} description={t('routingKeyHint')} {...text('routingKey')} />;
  return (
    <>
      <TextInput label={t('url')} description={type === 'slack' ? t('slackUrlHint') : t('webhookUrlHint')} type="url" {...text('url')} />
      {type === 'webhook' && (
        <TextInput label={t('secret')} description={isChange ? t('secretChangeHint') : t('secretHint')} {...text('secret')} />
      )}
    </>
  );
}

const verifyCode = `import { Webhook } from 'standardwebhooks';

new Webhook(secret).verify(rawBody, request.headers);`;

/** Shows the generated signing secret once, and how the receiver verifies with it. */
function SecretOnce({ secret, onClose }: { secret: string; onClose: () => void }) {
  const t = useTexts(channelTexts);
  const ui = useTexts(uiTexts);
  return (
    <Stack gap="sm">
      <div role="status">
        <Text fw={500} size="sm">
          {t('signingSecret')}
        </Text>
        <Group gap={6} wrap="nowrap">
          <Code className="break" p={8}>
            {secret}
          </Code>
          <Copy value={secret} />
        </Group>
        <Text size="xs" c="dimmed" mt={4}>
          {t('shownOnce')}
        </Text>
      </div>
      <Text size="sm">
        {t('verify')}{' '}
        <Anchor href="https://www.standardwebhooks.com" target="_blank" rel="noreferrer" inherit underline="always">
          Standard Webhooks
        </Anchor>
        .
      </Text>
      <Code block>{verifyCode}</Code>
      <Button onClick={onClose}>{ui('close')}</Button>
    </Stack>
  );
}
