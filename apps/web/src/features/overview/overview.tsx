import { Center, Grid, Group, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { type Activity, activityOf } from '../../lib/activity.ts';
import { connectionHealth } from '../../lib/connections.ts';
import { formatDuration, formatShare } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useNavigateWithin } from '../../lib/navigate.ts';
import { useOrg } from '../../lib/orgs.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { TimeChart } from '../../ui/charts.tsx';
import { AnchorLink, ButtonLink } from '../../ui/links.tsx';
import { live, Updated } from '../../ui/live.tsx';
import { ModeNotice } from '../../ui/mode.tsx';
import { OpenIncidents } from '../../ui/open-incidents.tsx';
import { Page, Section } from '../../ui/page.tsx';
import { RangePicker } from '../../ui/range-picker.tsx';
import { Empty, Loaded } from '../../ui/states.tsx';
import { Freshness } from './freshness.tsx';
import { PipelineFigures } from './pipeline-figures.tsx';
import { overviewTexts } from './texts.ts';

/** The objectives of the product: the 95th percentile of the ingest lag in seconds, and the share of records that are dead-lettered. */
const lagObjective = 60;
const dlqObjective = 0.005;

/** Received records and their outcomes, the ingest lag, the dead-letter rate, and the freshness of connections. */
export function Overview() {
  const t = useTexts(overviewTexts);
  const org = useOrg();
  const { range = '24h' } = useSearch({ from: '/signed-in/o/$org/overview' });
  const navigate = useNavigateWithin({ from: '/o/$org/overview' });
  const activity = useQuery({ ...activityOf(org.id, range), ...live(range === '1h' ? 5_000 : 15_000) });
  const health = useQuery({ ...connectionHealth(org.id), ...live(15_000) });
  const isNew = health.data?.length === 0 && activity.data !== undefined && isQuiet(activity.data);
  return (
    <Page
      title={t('title')}
      actions={
        <Group gap="sm">
          <Updated at={activity.dataUpdatedAt} isFetching={activity.isFetching} onRefresh={() => void activity.refetch()} />
          <RangePicker value={range} onChange={(next) => void navigate({ search: { range: next }, replace: true })} />
        </Group>
      }
    >
      <ModeNotice />
      {isNew ? (
        <FirstSteps />
      ) : (
        <>
          <OpenIncidents />
          <Section title={t('pipeline')}>
            <Loaded query={activity} height={132}>
              {(points) => <PipelineFigures points={points} range={range} />}
            </Loaded>
          </Section>
          <Grid>
            <Grid.Col span={{ base: 12, lg: 8 }}>
              <Section title={t('volume')}>
                <Loaded query={activity} height={240} isEmpty={isQuiet} empty={<Quiet height={240} />}>
                  {(points) => <Volume points={points} />}
                </Loaded>
              </Section>
            </Grid.Col>
            <Grid.Col span={{ base: 12, lg: 4 }}>
              <Section
                title={t('freshness')}
                aside={
                  <AnchorLink to="/o/$org/connections" params={{ org: org.slug }} size="sm">
                    {t('allConnections')}
                  </AnchorLink>
                }
              >
                <Text size="xs" c="dimmed" mb="sm">
                  {t('freshnessHint')}
                </Text>
                <Loaded query={health} height={220}>
                  {(rows) => <Freshness rows={rows} height={220} />}
                </Loaded>
              </Section>
            </Grid.Col>
            <Grid.Col span={{ base: 12, md: 6 }}>
              <Section title={t('lag')}>
                <Loaded query={activity} height={200} isEmpty={isQuiet} empty={<Quiet height={200} short />}>
                  {(points) => <Lag points={points} />}
                </Loaded>
              </Section>
            </Grid.Col>
            <Grid.Col span={{ base: 12, md: 6 }}>
              <Section title={t('dlqRate')}>
                <Loaded query={activity} height={200} isEmpty={isQuiet} empty={<Quiet height={200} short />}>
                  {(points) => <DlqRate points={points} />}
                </Loaded>
              </Section>
            </Grid.Col>
          </Grid>
        </>
      )}
    </Page>
  );
}

function FirstSteps() {
  const t = useTexts(overviewTexts);
  const org = useOrg();
  return (
    <Section title={t('firstSteps')}>
      <Empty
        title={t('nothingYet')}
        hint={t('nothingYetHint')}
        action={
          <AdminOnly>
            <ButtonLink to="/o/$org/connections/new" params={{ org: org.slug }}>
              {t('addConnection')}
            </ButtonLink>
          </AdminOnly>
        }
      />
    </Section>
  );
}

const isQuiet = (points: readonly Activity[]) => points.every((point) => point.received === 0);

function Quiet({ height, short = false }: { height: number; short?: boolean }) {
  const t = useTexts(overviewTexts);
  return (
    <Center mih={height}>
      {short ? (
        <Text size="sm" c="dimmed">
          {t('quietRange')}
        </Text>
      ) : (
        <Empty title={t('quietRange')} hint={t('quietRangeHint')} />
      )}
    </Center>
  );
}

const asPoints = (points: readonly Activity[]) => points.map((point) => ({ ...point }));

function Volume({ points }: { points: readonly Activity[] }) {
  const t = useTexts(overviewTexts);
  return (
    <TimeChart
      kind="bar"
      stacked
      height={240}
      label={t('volume')}
      points={asPoints(points)}
      series={[
        { name: 'stored', label: t('stored'), color: 'teal.6' },
        { name: 'duplicates', label: t('duplicates'), color: 'gray.5' },
        { name: 'deadLettered', label: t('deadLettered'), color: 'orange.6' },
        { name: 'rejected', label: t('rejected'), color: 'red.6' },
      ]}
    />
  );
}

function Lag({ points }: { points: readonly Activity[] }) {
  const t = useTexts(overviewTexts);
  const language = useLanguage();
  return (
    <TimeChart
      height={200}
      label={t('lag')}
      points={asPoints(points)}
      series={[
        { name: 'lagP50', label: t('p50'), color: 'cyan.6' },
        { name: 'lagP95', label: t('p95'), color: 'grape.6' },
      ]}
      format={(value) => formatDuration(value, language)}
      lines={[{ y: lagObjective, label: t('lagSlo'), color: 'red.6' }]}
    />
  );
}

function DlqRate({ points }: { points: readonly Activity[] }) {
  const t = useTexts(overviewTexts);
  const language = useLanguage();
  return (
    <TimeChart
      height={200}
      label={t('dlqRate')}
      points={asPoints(points)}
      series={[{ name: 'dlqRate', label: t('dlqRate'), color: 'orange.6' }]}
      format={(value) => formatShare(value, language)}
      lines={[{ y: dlqObjective, label: t('dlqSlo'), color: 'red.6' }]}
    />
  );
}
