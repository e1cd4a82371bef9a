import { Alert, Badge, Button, Card, Grid, Group, SimpleGrid, Skeleton, Stack, Tabs, Text } from '@mantine/core';
import { IconPlayerPause } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams, useSearch } from '@tanstack/react-router';
import type { Connection, SourceEntry } from '@tributary/shared/api.ts';
import { activityOf } from '../../lib/activity.ts';
import { healthOfConnection, invalidateConnectionHealth } from '../../lib/connections.ts';
import { useTexts } from '../../lib/i18n.ts';
import { useNavigateWithin } from '../../lib/navigate.ts';
import { useOrg } from '../../lib/orgs.ts';
import { useSources } from '../../lib/sources.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { TimeChart } from '../../ui/charts.tsx';
import { live, Updated } from '../../ui/live.tsx';
import { OpenIncidents } from '../../ui/open-incidents.tsx';
import { Page, Section } from '../../ui/page.tsx';
import { RangePicker } from '../../ui/range-picker.tsx';
import { SourceBadge } from '../../ui/source-badge.tsx';
import { Empty, Loaded } from '../../ui/states.tsx';
import { ConnectionSettings } from './connection-settings.tsx';
import { ConnectionFigures } from './figures.tsx';
import { LatestEvents, LatestFailures } from './latest.tsx';
import { connectionDetail, invalidateConnection, updateConnection } from './queries.ts';
import { Rejections } from './rejections.tsx';
import { Secrets } from './secrets.tsx';
import { Setup } from './setup.tsx';
import { TestSender } from './test-sender.tsx';
import { connectionTexts } from './texts.ts';

export function ConnectionDetail() {
  const t = useTexts(connectionTexts);
  const { connectionId } = useParams({ from: '/signed-in/o/$org/connections/$connectionId' });
  const { tab = 'activity' } = useSearch({ from: '/signed-in/o/$org/connections/$connectionId' });
  const navigate = useNavigateWithin({ from: '/o/$org/connections/$connectionId' });
  const connection = useQuery({ ...connectionDetail(connectionId), ...live(15_000) });
  const sources = useSources();
  return (
    <Loaded query={connection} height={480}>
      {(detail) => {
        const source = sources.data?.find((one) => one.type === detail.type);
        return (
          <Page title={detail.name} description={source?.label ?? detail.type} actions={<State connection={detail} />}>
            <OpenIncidents connectionId={detail.id} />
            <Tabs
              value={tab}
              onChange={(next) => void navigate({ search: (old) => ({ ...old, tab: next as 'activity' }), replace: true })}
              keepMounted={false}
            >
              <Tabs.List mb="md" style={{ flexWrap: 'nowrap', overflowX: 'auto', overflowY: 'hidden' }}>
                <Tabs.Tab value="activity">{t('activity')}</Tabs.Tab>
                <Tabs.Tab value="setup">{t('setup')}</Tabs.Tab>
                <Tabs.Tab value="test">{t('test')}</Tabs.Tab>
                <Tabs.Tab value="settings">{t('settings')}</Tabs.Tab>
              </Tabs.List>
              <Tabs.Panel value="activity">
                <ActivityTab connection={detail} />
              </Tabs.Panel>
              <Tabs.Panel value="setup">
                <SetupTab connection={detail} source={source} />
              </Tabs.Panel>
              <Tabs.Panel value="test">
                <Card withBorder>
                  <AdminOnly>{source && <TestSender connectionId={detail.id} source={source} />}</AdminOnly>
                </Card>
              </Tabs.Panel>
              <Tabs.Panel value="settings">
                <ConnectionSettings connection={detail} source={source} />
              </Tabs.Panel>
            </Tabs>
          </Page>
        );
      }}
    </Loaded>
  );
}

function State({ connection }: { connection: Connection }) {
  const t = useTexts(connectionTexts);
  const org = useOrg();
  const queryClient = useQueryClient();
  const toggle = useMutation({
    mutationFn: () => updateConnection(connection.id, { isActive: !connection.isActive }),
    onSuccess: () => Promise.all([invalidateConnection(queryClient, connection.id), invalidateConnectionHealth(queryClient, org.id)]),
  });
  return (
    <Group gap="xs">
      <SourceBadge type={connection.type} size={28} />
      <Badge variant="dot" size="lg" color={connection.isActive ? 'teal' : 'gray'}>
        {connection.isActive ? t('active') : t('paused')}
      </Badge>
      <AdminOnly short>
        <Button size="xs" variant="default" loading={toggle.isPending} onClick={() => toggle.mutate()}>
          {connection.isActive ? t('pause') : t('resume')}
        </Button>
      </AdminOnly>
      {toggle.error && (
        <Text size="xs" c="red" role="alert">
          {toggle.error.message}
        </Text>
      )}
    </Group>
  );
}

function SetupTab({ connection, source }: { connection: Connection; source: SourceEntry | undefined }) {
  return (
    <Grid>
      <Grid.Col span={{ base: 12, md: 7 }}>
        <Setup
          url={connection.webhookUrl}
          source={source}
          generated={{}}
          missing={connection.missingSecrets}
          connectionId={connection.id}
        />
      </Grid.Col>
      <Grid.Col span={{ base: 12, md: 5 }}>
        <Secrets connection={connection} source={source} />
      </Grid.Col>
    </Grid>
  );
}

function ActivityTab({ connection }: { connection: Connection }) {
  const t = useTexts(connectionTexts);
  const org = useOrg();
  const { range = '24h' } = useSearch({ from: '/signed-in/o/$org/connections/$connectionId' });
  const navigate = useNavigateWithin({ from: '/o/$org/connections/$connectionId' });
  const activity = useQuery({ ...activityOf(org.id, range, connection.id), ...live(15_000) });
  const health = useQuery({ ...healthOfConnection(org.id, connection.id), ...live(15_000) });
  const recent = health.data?.find((row) => row.source_connection_id === connection.id);
  return (
    <Stack>
      {!connection.isActive && (
        <Alert color="gray" icon={<IconPlayerPause size={18} />}>
          {t('pausedHint')}
        </Alert>
      )}
      {connection.suspendedReason !== null && (
        <Alert color="orange" icon={<IconPlayerPause size={18} />} title={t('suspended')}>
          {connection.suspendedReason}
        </Alert>
      )}
      <Card withBorder padding="md" mih={76}>
        {recent ? <ConnectionFigures row={recent} ids={[recent.source_connection_id]} /> : <Skeleton height={42} />}
      </Card>
      <Section
        title={t('activity')}
        aside={
          <Group gap="sm">
            <Updated at={activity.dataUpdatedAt} isFetching={activity.isFetching} onRefresh={() => void activity.refetch()} />
            <RangePicker value={range} onChange={(next) => void navigate({ search: (old) => ({ ...old, range: next }), replace: true })} />
          </Group>
        }
      >
        <Loaded
          query={activity}
          height={220}
          isEmpty={(points) => points.every((point) => point.received === 0)}
          empty={
            <div style={{ minHeight: 220 }}>
              <Empty title={t('quiet')} />
            </div>
          }
        >
          {(points) => (
            <TimeChart
              kind="bar"
              stacked
              label={t('activity')}
              points={points.map((point) => ({ ...point }))}
              series={[
                { name: 'stored', label: t('stored'), color: 'teal.6' },
                { name: 'duplicates', label: t('duplicates'), color: 'gray.5' },
                { name: 'deadLettered', label: t('deadLettered'), color: 'orange.6' },
                { name: 'rejected', label: t('rejected'), color: 'red.6' },
              ]}
            />
          )}
        </Loaded>
      </Section>
      <SimpleGrid cols={{ base: 1, lg: 2 }}>
        <LatestEvents connectionId={connection.id} />
        <LatestFailures connectionId={connection.id} />
      </SimpleGrid>
      <Rejections connectionId={connection.id} />
    </Stack>
  );
}
