import { Alert, Button, Card, Code, Group, List, Loader, PasswordInput, Stack, Text, Title } from '@mantine/core';
import { IconCircleCheck } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { CreatedConnection, SourceEntry } from '@tributary/shared/api.ts';
import { type ReactNode, useState } from 'react';
import { useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { useSources } from '../../lib/sources.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { useClassName } from '../../ui/error-class.tsx';
import { ButtonLink } from '../../ui/links.tsx';
import { Loaded } from '../../ui/states.tsx';
import { Copy } from '../../ui/values.tsx';
import { connectionDetail, invalidateConnection, latestOfConnection, rotateSecret } from './queries.ts';
import { TestSender } from './test-sender.tsx';
import { connectionTexts } from './texts.ts';

/** The last step: where to paste what, and the card that waits for the first event beside the button that sends one. */
export function Connect({ connectionId, made }: { connectionId: string; made: CreatedConnection | undefined }) {
  const connection = useQuery({ ...connectionDetail(connectionId), refetchInterval: 30_000 });
  const sources = useSources();
  return (
    <Loaded query={connection} height={360}>
      {(detail) => {
        const source = sources.data?.find((one) => one.type === detail.type);
        return (
          <Stack>
            <Setup
              url={detail.webhookUrl}
              source={source}
              generated={made?.secrets ?? {}}
              missing={detail.missingSecrets}
              connectionId={detail.id}
            />
            <WaitingCard connectionId={detail.id} label={source?.label ?? detail.type} />
            {source && detail.missingSecrets.length === 0 && (
              <Card withBorder>
                <TestSender connectionId={detail.id} source={source} />
              </Card>
            )}
          </Stack>
        );
      }}
    </Loaded>
  );
}

/** The URL, what was made up (once), the platform's own steps, and the secrets that are still to come from it. */
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
        <Shown label={t('yourUrl')} value={url} copyLabel={t('copyUrl')} />
        {Object.entries(generated).map(([name, value]) => (
          <Shown key={name} label={labelOf(name)} value={value} hint={t('shownOnce')} />
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

function Shown({ label, value, hint, copyLabel }: { label: string; value: string; hint?: string; copyLabel?: string }) {
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

/** Waits, asking every two seconds, and turns green by itself; says so when something came that was not accepted. */
function WaitingCard({ connectionId, label }: { connectionId: string; label: string }) {
  const t = useTexts(connectionTexts);
  const classOf = useClassName();
  const org = useOrg();
  const latest = useQuery({
    ...latestOfConnection(connectionId),
    refetchInterval: (query) => (query.state.data?.events.length ? false : 2_000),
  });
  const first = latest.data?.events[0];
  const failure = latest.data?.failures[0];
  let body: ReactNode = (
    <Group wrap="nowrap">
      <Loader size="sm" aria-hidden />
      <div>
        <Text fw={600}>{t('waiting')}</Text>
        <Text size="sm" c="dimmed">
          {failure
            ? t('failedFirst', { reason: `${classOf(failure.error_class)}: ${failure.last_error_message}` })
            : t('waitingHint', { platform: label })}
        </Text>
      </div>
    </Group>
  );
  if (first) {
    body = (
      <Group justify="space-between">
        <Group wrap="nowrap">
          <IconCircleCheck size={28} color="var(--mantine-color-teal-6)" aria-hidden />
          <div>
            <Text fw={600}>{t('arrived')}</Text>
            <Text size="sm" c="dimmed">
              {t('arrivedHint', { type: first.type })}
            </Text>
          </div>
        </Group>
        <Group gap="xs">
          <ButtonLink to="/o/$org/events" params={{ org: org.slug }} search={{ event: first.id, connections: [connectionId] }}>
            {t('openEvent')}
          </ButtonLink>
          <ButtonLink to="/o/$org/connections/$connectionId" params={{ org: org.slug, connectionId }} variant="default">
            {t('openConnection')}
          </ButtonLink>
        </Group>
      </Group>
    );
  }
  return (
    <Card
      withBorder
      role="status"
      data-state={first ? 'arrived' : 'waiting'}
      style={first ? { borderColor: 'var(--mantine-color-teal-6)', background: 'var(--mantine-color-teal-light)' } : {}}
    >
      {body}
    </Card>
  );
}
