import { Card, Group, Loader, Text } from '@mantine/core';
import { IconCircleCheck } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { useClassName } from '../../ui/error-class.tsx';
import { ButtonLink } from '../../ui/links.tsx';
import { latestOfConnection } from './queries.ts';
import { connectionTexts } from './texts.ts';

/**
 * Asks every two seconds and turns green when the first event has arrived; says so when a delivery was not accepted. A test event shows that URL and
 * secret work, and the card goes on waiting for the platform.
 */
export function WaitingCard({ connectionId, label }: { connectionId: string; label: string }) {
  const t = useTexts(connectionTexts);
  const classOf = useClassName();
  const org = useOrg();
  const latest = useQuery({
    ...latestOfConnection(connectionId),
    refetchInterval: (query) => (query.state.data?.events.some((event) => !event.is_test) ? false : 2_000),
  });
  const first = latest.data?.events.find((event) => !event.is_test);
  const test = latest.data?.events.find((event) => event.is_test);
  const failure = latest.data?.failures[0];
  const shown = first ?? test;
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
  if (shown) {
    body = (
      <Group justify="space-between">
        <Group wrap="nowrap">
          <IconCircleCheck size={28} color="var(--mantine-color-teal-6)" aria-hidden />
          <div>
            <Text fw={600}>{t(first ? 'arrived' : 'testArrived')}</Text>
            <Text size="sm" c="dimmed">
              {first ? t('arrivedHint', { type: first.type }) : t('testArrivedHint', { platform: label })}
            </Text>
          </div>
        </Group>
        <Group gap="xs">
          <ButtonLink to="/o/$org/events" params={{ org: org.slug }} search={{ event: shown.id, connections: [connectionId] }}>
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
      data-state={first ? 'arrived' : test ? 'tested' : 'waiting'}
      style={first ? { borderColor: 'var(--mantine-color-teal-6)', background: 'var(--mantine-color-teal-light)' } : {}}
    >
      {body}
    </Card>
  );
}
