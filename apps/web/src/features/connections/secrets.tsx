import { Alert, Badge, Button, Code, Group, PasswordInput, Select, Stack, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { Connection, SourceEntry } from '@tributary/shared/api.ts';
import { useState } from 'react';
import { formatDateTime } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { Section } from '../../ui/page.tsx';
import { Refused } from '../../ui/refused.tsx';
import { SecretModal } from '../../ui/secret-modal.tsx';
import { uiTexts } from '../../ui/texts.ts';
import { Copy, Time } from '../../ui/values.tsx';
import { invalidateConnection, rotateSecret } from './queries.ts';
import { connectionTexts } from './texts.ts';

type Field = SourceEntry['secrets'][number];

/** The secrets of a connection with the times they were set and expire, but never their values. */
export function Secrets({ connection, source }: { connection: Connection; source: SourceEntry | undefined }) {
  const t = useTexts(connectionTexts);
  const language = useLanguage();
  const [rotating, setRotating] = useState<Field>();
  return (
    <Section title={t('secrets')}>
      <Stack>
        {(source?.secrets ?? []).map((field) => {
          const states = connection.secrets.filter((secret) => secret.name === field.name);
          return (
            <Group key={field.name} justify="space-between" align="flex-start" wrap="nowrap">
              <div>
                <Text fw={500} size="sm">
                  {field.label}
                </Text>
                {states.length === 0 && (
                  <Badge color="red" variant="dot">
                    {t('secretMissing')}
                  </Badge>
                )}
                {states.map((state) => (
                  <Text key={state.createdAt} size="xs" c="dimmed">
                    {state.expiresAt ? (
                      t('secretGrace', { until: formatDateTime(state.expiresAt, language) })
                    ) : (
                      <Time at={state.createdAt} exact />
                    )}
                  </Text>
                ))}
              </div>
              <AdminOnly short>
                <Button size="xs" variant="default" onClick={() => setRotating(field)}>
                  {t('rotate')}
                </Button>
              </AdminOnly>
            </Group>
          );
        })}
      </Stack>
      {rotating && <RotateModal connectionId={connection.id} field={rotating} onClose={() => setRotating(undefined)} />}
    </Section>
  );
}

function RotateModal({ connectionId, field, onClose }: { connectionId: string; field: Field; onClose: () => void }) {
  const t = useTexts(connectionTexts);
  const ui = useTexts(uiTexts);
  const queryClient = useQueryClient();
  const [secret, setSecret] = useState('');
  const [grace, setGrace] = useState('86400');
  const rotate = useMutation({
    mutationFn: () => rotateSecret(connectionId, { name: field.name, graceSeconds: Number(grace), ...(secret === '' ? {} : { secret }) }),
    onSuccess: () => invalidateConnection(queryClient, connectionId),
  });
  return (
    <SecretModal title={t('rotateTitle', { label: field.label })} isPending={rotate.isPending} onClose={onClose}>
      {rotate.data ? (
        <Stack role="status">
          <Text>{t('rotated')}</Text>
          {rotate.data.secret && (
            <div>
              <Group gap={6} wrap="nowrap">
                <Code className="break" p={8}>
                  {rotate.data.secret}
                </Code>
                <Copy value={rotate.data.secret} />
              </Group>
              <Text size="xs" c="dimmed">
                {t('shownOnce')}
              </Text>
            </div>
          )}
          <Button onClick={onClose}>{ui('close')}</Button>
        </Stack>
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            rotate.mutate();
          }}
        >
          <Stack>
            <Refused error={rotate.error} />
            <PasswordInput
              label={t('newSecret')}
              description={field.issuedBy === 'tributary' ? t('secretGenerated') : field.help}
              autoComplete="off"
              value={secret}
              onChange={(event) => setSecret(event.currentTarget.value)}
              data-autofocus
            />
            <Select
              label={t('grace')}
              allowDeselect={false}
              value={grace}
              onChange={(value) => setGrace(value ?? '0')}
              data={[
                { value: '0', label: t('graceNone') },
                { value: '3600', label: t('graceHour') },
                { value: '86400', label: t('graceDay') },
                { value: '604800', label: t('graceWeek') },
              ]}
            />
            {grace === '0' && (
              <Alert color="orange" icon={<IconAlertTriangle size={18} />}>
                {t('graceWarning')}
              </Alert>
            )}
            <Group justify="flex-end">
              <Button variant="default" onClick={onClose} disabled={rotate.isPending}>
                {ui('cancel')}
              </Button>
              <Button type="submit" loading={rotate.isPending} disabled={secret === '' && field.issuedBy === 'platform'}>
                {t(grace === '0' ? 'rotateNow' : 'rotate')}
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </SecretModal>
  );
}
