import { Badge, Button, Card, Grid, Group, SimpleGrid, Stack, Table, Tabs, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import type { Connection, SourceEntry } from '@tributary/shared/api.ts';
import { useOrg } from '../../app/org.ts';
import { activityOf } from '../../lib/activity.ts';
import { useTexts } from '../../lib/i18n.ts';
import { sourceCatalogue } from '../../lib/sources.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { TimeChart } from '../../ui/charts.tsx';
import { AnchorLink } from '../../ui/links.tsx';
import { live, Updated } from '../../ui/live.tsx';
import { Page, Section } from '../../ui/page.tsx';
import { RangePicker } from '../../ui/range-picker.tsx';
import { SourceBadge } from '../../ui/source-badge.tsx';
import { Empty, Loaded } from '../../ui/states.tsx';
import { Money, Time } from '../../ui/values.tsx';
import { OpenIncidents } from '../alerts/open-incidents.tsx';
import { Setup } from './connect.tsx';
import { ConnectionSettings } from './connection-settings.tsx';
import { connectionDetail, latestOfConnection, updateConnection } from './queries.ts';
import { Secrets } from './secrets.tsx';
import { TestSender } from './test-sender.tsx';
import { connectionTexts } from './texts.ts';

export function ConnectionDetail() {
  const t = useTexts(connectionTexts);
  const { connectionId } = useParams({ from: '/signed-in/o/$org/connections/$connectionId' });
  const { tab = 'activity' } = useSearch({ from: '/signed-in/o/$org/connections/$connectionId' });
  const navigate = useNavigate({ from: '/o/$org/connections/$connectionId' });
  const connection = useQuery({ ...connectionDetail(connectionId), ...live(15_000) });
  const sources = useQuery(sourceCatalogue);
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
              <Tabs.List mb="md">
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
  const queries = useQueryClient();
  const toggle = useMutation({
    mutationFn: () => updateConnection(connection.id, { isActive: !connection.isActive }),
    onSuccess: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: ['connections', connection.id] }),
        queries.invalidateQueries({ queryKey: ['connection-health'] }),
      ]),
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
  const navigate = useNavigate({ from: '/o/$org/connections/$connectionId' });
  const activity = useQuery({ ...activityOf(org.id, range, connection.id), ...live(15_000) });
  const latest = useQuery({ ...latestOfConnection(connection.id), ...live(10_000) });
  return (
    <Stack>
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
        <Section title={t('latestEvents')}>
          <Loaded query={latest} height={220} isEmpty={({ events }) => events.length === 0} empty={<Empty title={t('noEvents')} />}>
            {({ events }) => (
              <Table.ScrollContainer minWidth={420}>
                <Table aria-label={t('latestEvents')}>
                  <Table.Tbody>
                    {events.map((event) => (
                      <Table.Tr key={event.id}>
                        <Table.Td>
                          <AnchorLink
                            to="/o/$org/events"
                            params={{ org: org.slug }}
                            search={{ event: event.id, connections: [connection.id] }}
                          >
                            {event.type}
                          </AnchorLink>
                          {event.is_test && (
                            <Badge size="xs" ml={6} variant="dot" color="grape">
                              {t('testMark')}
                            </Badge>
                          )}
                        </Table.Td>
                        <Table.Td>
                          <Time at={event.event_time} />
                        </Table.Td>
                        <Table.Td ta="right">
                          <Money minor={event.amount_minor} currency={event.currency} />
                        </Table.Td>
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              </Table.ScrollContainer>
            )}
          </Loaded>
        </Section>
        <Section title={t('latestFailures')}>
          <Loaded query={latest} height={220} isEmpty={({ failures }) => failures.length === 0} empty={<Empty title={t('noFailures')} />}>
            {({ failures }) => (
              <Table.ScrollContainer minWidth={420}>
                <Table aria-label={t('latestFailures')}>
                  <Table.Tbody>
                    {failures.map((failure) => (
                      <Table.Tr key={failure.id}>
                        <Table.Td>
                          <AnchorLink
                            to="/o/$org/dead-letters"
                            params={{ org: org.slug }}
                            search={{ tab: failure.is_quarantine ? 'quarantine' : 'entries', entry: failure.id }}
                          >
                            {failure.error_class}
                          </AnchorLink>
                          <Text size="xs" c="dimmed" className="break">
                            {failure.last_error_message}
                          </Text>
                        </Table.Td>
                        <Table.Td>
                          <Time at={failure.created_at} />
                        </Table.Td>
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              </Table.ScrollContainer>
            )}
          </Loaded>
        </Section>
      </SimpleGrid>
    </Stack>
  );
}
