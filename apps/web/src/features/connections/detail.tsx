import { Button, Card, Grid, Group, SimpleGrid, Skeleton, Stack, Tabs, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
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
import { AnchorLink } from '../../ui/links.tsx';
import { live, Updated } from '../../ui/live.tsx';
import { OpenIncidents } from '../../ui/open-incidents.tsx';
import { Page, Section } from '../../ui/page.tsx';
import { RangePicker } from '../../ui/range-picker.tsx';
import { SourceBadge } from '../../ui/source-badge.tsx';
import { Empty, Loaded } from '../../ui/states.tsx';
import { UnknownId } from '../../ui/unknown-id.tsx';
import { VerdictBadge, VerdictNotice } from '../../ui/verdict.tsx';
import { ConfirmTraffic } from './confirm-traffic.tsx';
import { ConnectionSettings } from './connection-settings.tsx';
import { ConnectionFigures } from './figures.tsx';
import { KeptFields } from './kept-fields.tsx';
import { LatestEvents, LatestFailures } from './latest.tsx';
import { connectionDetail, invalidateConnection, updateConnection } from './queries.ts';
import { Rejections } from './rejections.tsx';
import { Secrets } from './secrets.tsx';
import { Setup } from './setup.tsx';
import { TestSender } from './test-sender.tsx';
import { connectionTexts } from './texts.ts';
import { ReadingWarnings } from './warnings.tsx';

export function ConnectionDetail() {
  const t = useTexts(connectionTexts);
  const { connectionId } = useParams({ from: '/signed-in/o/$org/connections/$connectionId' });
  const { tab = 'activity' } = useSearch({ from: '/signed-in/o/$org/connections/$connectionId' });
  const navigate = useNavigateWithin({ from: '/o/$org/connections/$connectionId' });
  const connection = useQuery({ ...connectionDetail(connectionId), ...live(15_000) });
  const sources = useSources();
  const org = useOrg();
  const unknown = <UnknownId kind="connection" id={connectionId} />;
  return (
    <Loaded query={connection} height={480} missing={unknown}>
      {(detail) => {
        if (detail.orgId !== org.id) return unknown;
        const source = sources.data?.find((one) => one.type === detail.type);
        return (
          <Page title={detail.name} description={source?.label ?? detail.type} actions={<State connection={detail} />}>
            <Notice connection={detail} />
            <OpenIncidents connectionId={detail.id} />
            <Tabs
              value={tab}
              onChange={(next) => void navigate({ search: (old) => ({ ...old, tab: next as 'activity' }), replace: true })}
              keepMounted={false}
            >
              <Tabs.List mb="md" style={{ flexWrap: 'nowrap', overflowX: 'auto', overflowY: 'hidden' }}>
                <Tabs.Tab value="activity">{t('activity')}</Tabs.Tab>
                <Tabs.Tab value="fields">{t('fields')}</Tabs.Tab>
                <Tabs.Tab value="setup">{t('setup')}</Tabs.Tab>
                <Tabs.Tab value="test">{t('test')}</Tabs.Tab>
                <Tabs.Tab value="settings">{t('settings')}</Tabs.Tab>
              </Tabs.List>
              <Tabs.Panel value="activity">
                <ActivityTab connection={detail} />
              </Tabs.Panel>
              <Tabs.Panel value="fields">
                <KeptFields connection={detail} />
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

/** What is wrong with the connection, above its tabs, with the way to mend it. */
function Notice({ connection }: { connection: Connection }) {
  const t = useTexts(connectionTexts);
  const org = useOrg();
  const { verdict, suspendedReason } = connection;
  const params = { org: org.slug, connectionId: connection.id };
  return (
    <VerdictNotice verdict={verdict}>
      {verdict.reason === 'suspended' && suspendedReason !== null && (
        <Text size="sm" className="break">
          {t('suspendedFor', { reason: suspendedReason })}
        </Text>
      )}
      {verdict.state === 'needs_secret' && (
        <AnchorLink to="/o/$org/connections/$connectionId" params={params} search={{ tab: 'setup' }} size="sm" display="block">
          {t('openSecrets')}
        </AnchorLink>
      )}
    </VerdictNotice>
  );
}

function State({ connection }: { connection: Connection }) {
  const t = useTexts(connectionTexts);
  const org = useOrg();
  const queryClient = useQueryClient();
  const [isPausing, pausing] = useDisclosure(false);
  const change = async () => {
    await updateConnection(connection.id, { isActive: !connection.isActive });
    await Promise.all([invalidateConnection(queryClient, connection.id), invalidateConnectionHealth(queryClient, org.id)]);
  };
  const resume = useMutation({ mutationFn: change });
  return (
    <Group gap="xs">
      <SourceBadge type={connection.type} size={28} />
      <VerdictBadge verdict={connection.verdict} size="lg" />
      <AdminOnly short>
        {connection.isActive ? (
          <Button size="xs" variant="default" onClick={pausing.open}>
            {t('pause')}
          </Button>
        ) : (
          <Button size="xs" variant="default" loading={resume.isPending} onClick={() => resume.mutate()}>
            {t('resume')}
          </Button>
        )}
        <ConfirmTraffic
          opened={isPausing}
          onClose={pausing.close}
          connectionId={connection.id}
          title={t('pauseTitle', { name: connection.name })}
          effects={[t('pauseBody')]}
          confirm={t('pauseConfirm')}
          onConfirm={change}
        />
      </AdminOnly>
      {resume.error && (
        <Text size="xs" c="red" role="alert">
          {resume.error.message}
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
      <ReadingWarnings connection={connection} />
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
