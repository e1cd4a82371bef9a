import { Alert, Button, Card, Code, Group, List, PasswordInput, Stack, Text, Title } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { SourceEntry } from '@tributary/shared/api.ts';
import { useState } from 'react';
import { useTexts } from '../../lib/i18n.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { Copy } from '../../ui/values.tsx';
import { invalidateConnection, rotateSecret } from './queries.ts';
import { connectionTexts } from './texts.ts';

/** The URL, generated secrets (shown once), the platform's own steps, and fields for the secrets that the platform still has to provide. */
export function Setup({
  url,
  source,
  generated,
  missing,
  connectionId,
}: {
  url: string;
  source: SourceEntry | undefined;
  generated: Readonly<Record<string, string>>;
  missing: readonly string[];
  connectionId: string;
}) {
  const t = useTexts(connectionTexts);
  const labelOf = (name: string) => source?.secrets.find((field) => field.name === name)?.label ?? name;
  return (
    <Card withBorder>
      <Stack gap="sm">
        <CopyableValue label={t('yourUrl')} value={url} copyLabel={t('copyUrl')} />
        {Object.entries(generated).map(([name, value]) => (
          <CopyableValue key={name} label={labelOf(name)} value={value} hint={t('shownOnce')} />
        ))}
        {source && (
          <>
            <Title order={3} size="h6">
              {t('steps', { platform: source.label })}
            </Title>
            <List type="ordered" size="sm" spacing={4}>
              {source.setup.map((step) => (
                <List.Item key={step}>{step.replaceAll('{{url}}', t('yourUrl'))}</List.Item>
              ))}
            </List>
          </>
        )}
        {missing.map((name) => (
          <MissingSecret key={name} connectionId={connectionId} name={name} label={labelOf(name)} />
        ))}
      </Stack>
    </Card>
  );
}

function CopyableValue({ label, value, hint, copyLabel }: { label: string; value: string; hint?: string; copyLabel?: string }) {
  return (
    <div>
      <Text size="sm" fw={500}>
        {label}
      </Text>
      <Group gap={6} wrap="nowrap">
        <Code className="break" fz="sm" p={8}>
          {value}
        </Code>
        <Copy value={value} {...(copyLabel ? { label: copyLabel } : {})} />
      </Group>
      {hint && (
        <Text size="xs" c="dimmed">
          {hint}
        </Text>
      )}
    </div>
  );
}

function MissingSecret({ connectionId, name, label }: { connectionId: string; name: string; label: string }) {
  const t = useTexts(connectionTexts);
  const queryClient = useQueryClient();
  const [value, setValue] = useState('');
  const save = useMutation({
    mutationFn: () => rotateSecret(connectionId, { name, secret: value }),
    onSuccess: () => invalidateConnection(queryClient, connectionId),
  });
  return (
    <Alert color="orange" title={t('missing', { label })}>
      <AdminOnly>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            save.mutate();
          }}
        >
          <Group align="flex-end" gap="xs">
            <PasswordInput
              label={label}
              description={t('missingHint')}
              autoComplete="off"
              value={value}
              onChange={(event) => setValue(event.currentTarget.value)}
              error={save.error?.message}
              flex={1}
              miw={220}
            />
            <Button type="submit" loading={save.isPending} disabled={value === ''}>
              {t('setSecret')}
            </Button>
          </Group>
        </form>
      </AdminOnly>
    </Alert>
  );
}
