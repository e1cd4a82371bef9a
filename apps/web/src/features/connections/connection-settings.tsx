import { Button, Group, Input, SegmentedControl, Stack, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import type { Connection, SourceEntry } from '@tributary/shared/api.ts';
import { useState } from 'react';
import { ApiError } from '../../lib/api.ts';
import { invalidateConnectionHealth } from '../../lib/connections.ts';
import { useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { Section } from '../../ui/page.tsx';
import { RateLimitInput } from '../../ui/rate-limit-input.tsx';
import { Refused } from '../../ui/refused.tsx';
import { type JsonSchema, SchemaForm } from '../../ui/schema-form.tsx';
import { uiTexts } from '../../ui/texts.ts';
import { Id, Time } from '../../ui/values.tsx';
import { AccessFields, fromAccess, toAccess } from './access-fields.tsx';
import { ConfirmTraffic } from './confirm-traffic.tsx';
import { deleteConnection, invalidateConnection, updateConnection } from './queries.ts';
import { connectionTexts } from './texts.ts';

/** The name and settings of a connection, and its deletion. */
export function ConnectionSettings({ connection, source }: { connection: Connection; source: SourceEntry | undefined }) {
  const t = useTexts(connectionTexts);
  const ui = useTexts(uiTexts);
  const queryClient = useQueryClient();
  const [name, setName] = useState(connection.name);
  const [config, setConfig] = useState(connection.config);
  const [rateLimitPerSecond, setRateLimit] = useState(connection.rateLimitPerSecond);
  const [priority, setPriority] = useState(connection.priority);
  const [access, setAccess] = useState(toAccess(connection));
  const save = useMutation({
    mutationFn: () => updateConnection(connection.id, { name, config, rateLimitPerSecond, priority, ...fromAccess(access) }),
    onSuccess: async () => {
      await invalidateConnection(queryClient, connection.id);
      notifications.show({ message: ui('saved'), color: 'teal' });
    },
  });
  const [isAsking, asking] = useDisclosure(false);
  const effects = useRefusals(connection, { config, rateLimitPerSecond, ...fromAccess(access) });
  const errors = save.error instanceof ApiError ? save.error.fields : {};
  return (
    <Stack maw={640}>
      <Section title={t('settings')}>
        <AdminOnly>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              if (effects.length > 0) asking.open();
              else save.mutate();
            }}
          >
            <Stack gap="sm">
              <Refused error={save.error} />
              <TextInput
                label={t('name')}
                required
                withAsterisk={false}
                maxLength={120}
                value={name}
                onChange={(event) => setName(event.currentTarget.value)}
                error={errors.name}
              />
              {source && (
                <SchemaForm schema={source.configSchema as JsonSchema} value={config} onChange={setConfig} errors={errors} path="config" />
              )}
              <RateLimitInput
                label={t('rateLimit')}
                hint={t('rateLimitHint')}
                value={rateLimitPerSecond}
                onChange={setRateLimit}
                error={errors.rateLimitPerSecond}
              />
              <Input.Wrapper label={t('priority')} description={t('priorityHint')} labelElement="div">
                <SegmentedControl
                  display="flex"
                  w="fit-content"
                  mt={4}
                  size="xs"
                  aria-label={t('priority')}
                  data={(['normal', 'low'] as const).map((value) => ({ value, label: t(`${value}Priority`) }))}
                  value={priority}
                  onChange={(value) => setPriority(value as typeof priority)}
                />
              </Input.Wrapper>
              <AccessFields value={access} onChange={setAccess} errors={errors} />
              <Group justify="flex-end">
                <Button type="submit" loading={save.isPending}>
                  {ui('save')}
                </Button>
              </Group>
            </Stack>
          </form>
          <ConfirmTraffic
            opened={isAsking}
            onClose={asking.close}
            connectionId={connection.id}
            title={t('saveTitle')}
            effects={effects}
            confirm={t('saveConfirm')}
            // An invalid field is shown in the form, so the dialog is closed then too.
            onConfirm={() => save.mutateAsync().catch(() => {})}
          />
        </AdminOnly>
      </Section>
      <Section title={t('id')}>
        <Stack gap={4}>
          <Id value={connection.id} whole />
          <Text size="sm" c="dimmed">
            {t('createdAt')} <Time at={connection.createdAt} />
          </Text>
        </Stack>
      </Section>
      <Section title={t('delete')}>
        <AdminOnly>
          <Delete connection={connection} />
        </AdminOnly>
      </Section>
    </Stack>
  );
}

/** What the changes of a form would refuse that arrives now, in whole sentences. */
function useRefusals(
  before: Connection,
  after: Pick<Connection, 'config' | 'rateLimitPerSecond' | 'allowedIps' | 'suspendedReason'>,
): string[] {
  const t = useTexts(connectionTexts);
  const effects: string[] = [];
  if (JSON.stringify(before.config.verification) !== JSON.stringify(after.config.verification)) effects.push(t('effectVerification'));
  const isNarrower = after.allowedIps !== null && !before.allowedIps?.every((address) => after.allowedIps?.includes(address));
  if (isNarrower) effects.push(t('effectAddresses', { addresses: after.allowedIps?.join(', ') ?? '' }));
  if (after.suspendedReason !== null && before.suspendedReason === null) effects.push(t('effectSuspended'));
  const limit = after.rateLimitPerSecond;
  if (limit !== null && limit < (before.rateLimitPerSecond ?? Number.POSITIVE_INFINITY)) effects.push(t('effectRate', { limit }));
  return effects;
}

function Delete({ connection }: { connection: Connection }) {
  const t = useTexts(connectionTexts);
  const org = useOrg();
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const [opened, deleting] = useDisclosure(false);
  const remove = async () => {
    await deleteConnection(connection.id);
    notifications.show({ message: t('deleted', { name: connection.name }) });
    await navigate({ to: '/o/$org/connections', params: { org: org.slug } });
    await invalidateConnectionHealth(queryClient, org.id);
  };
  return (
    <>
      <Group justify="space-between">
        <Text size="sm" c="dimmed" maw={420}>
          {t('deleteBody')}
        </Text>
        <Button color="red" variant="light" onClick={deleting.open}>
          {t('delete')}
        </Button>
      </Group>
      <ConfirmTraffic
        opened={opened}
        onClose={deleting.close}
        connectionId={connection.id}
        title={t('deleteTitle', { name: connection.name })}
        effects={[t('deleteBody')]}
        confirm={t('delete')}
        onConfirm={remove}
      />
    </>
  );
}
