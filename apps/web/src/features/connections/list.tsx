import { Button, Card, Group, Select, Stack, Table, Text } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { IconPlus } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import type { Database } from '@tributary/shared/database.types.ts';
import { connectionVerdicts } from '@tributary/shared/verdicts.ts';
import { formatDuration, formatNumber, formatShare } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useNavigateWithin } from '../../lib/navigate.ts';
import { useOrg } from '../../lib/orgs.ts';
import { useSources } from '../../lib/sources.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { AnchorLink, ButtonLink } from '../../ui/links.tsx';
import { live, Updated } from '../../ui/live.tsx';
import { Page, Section } from '../../ui/page.tsx';
import { SearchBox } from '../../ui/search-box.tsx';
import { SourceBadge } from '../../ui/source-badge.tsx';
import { ClearFilters, Empty, Loaded } from '../../ui/states.tsx';
import { uiTexts } from '../../ui/texts.ts';
import { Time } from '../../ui/values.tsx';
import { VerdictBadge, verdictOf } from '../../ui/verdict.tsx';
import { verdictTexts } from '../../ui/verdict-texts.ts';
import { ConnectionFigures } from './figures.tsx';
import { connectionPages } from './queries.ts';
import { connectionTexts } from './texts.ts';
import { Trend } from './trend.tsx';

const notPaused = connectionVerdicts.filter((verdict) => verdict !== 'paused');

export function Connections() {
  const t = useTexts(connectionTexts);
  const org = useOrg();
  const { q, state } = useSearch({ from: '/signed-in/o/$org/connections' });
  const navigate = useNavigateWithin({ from: '/o/$org/connections' });
  const ui = useTexts(uiTexts);
  const verdicts = useTexts(verdictTexts);
  const isFiltered = q !== undefined || state !== undefined;
  const health = useInfiniteQuery({
    ...connectionPages(org.id, { search: q, verdicts: state === undefined ? undefined : state === 'active' ? notPaused : [state] }),
    ...live(10_000),
    // A reader who has loaded more pages is reading them, so the list is no longer refreshed.
    refetchInterval: (query) => ((query.state.data?.pages.length ?? 1) === 1 ? 10_000 : false),
  });
  const add = (
    <ButtonLink to="/o/$org/connections/new" params={{ org: org.slug }} leftSection={<IconPlus size={16} />}>
      {t('add')}
    </ButtonLink>
  );
  return (
    <Page title={t('title')} actions={<AdminOnly>{add}</AdminOnly>}>
      <Section
        title={t('title')}
        aside={<Updated at={health.dataUpdatedAt} isFetching={health.isFetching} onRefresh={() => void health.refetch()} />}
      >
        <Group mb="sm" gap="xs">
          <SearchBox
            label={t('search')}
            value={q}
            onChange={(next) =>
              void navigate({ search: ({ q: _old, ...others }) => (next === undefined ? others : { ...others, q: next }), replace: true })
            }
          />
          <Select
            aria-label={t('state')}
            size="xs"
            w={210}
            allowDeselect={false}
            value={state ?? 'all'}
            data={[
              { value: 'all', label: t('allStates') },
              { value: 'active', label: t('active') },
              ...connectionVerdicts.map((value) => ({ value, label: verdicts(value) })),
            ]}
            onChange={(next) =>
              void navigate({
                search: ({ state: _old, ...others }) =>
                  next === null || next === 'all' ? others : { ...others, state: next as NonNullable<typeof state> },
                replace: true,
              })
            }
          />
        </Group>
        <Loaded
          query={health}
          height={240}
          isEmpty={({ pages }) => pages[0]?.length === 0}
          empty={
            isFiltered ? (
              <Empty title={t('nothingMatches')} action={<ClearFilters onClear={() => void navigate({ search: {}, replace: true })} />} />
            ) : (
              <Empty title={t('nothingYet')} hint={t('nothingYetHint')} action={<AdminOnly>{add}</AdminOnly>} />
            )
          }
        >
          {({ pages }) => (
            <>
              <ConnectionRows pages={pages} />
              {health.hasNextPage && (
                <Group justify="center" mt="sm">
                  <Button variant="default" size="xs" loading={health.isFetchingNextPage} onClick={() => void health.fetchNextPage()}>
                    {ui('more')}
                  </Button>
                </Group>
              )}
            </>
          )}
        </Loaded>
      </Section>
    </Page>
  );
}

type Row = Database['public']['Functions']['connection_health']['Returns'][number];

/** A table where there is room, cards on a phone: figures of a table that must be scrolled into view are not seen. */
function ConnectionRows({ pages }: { pages: readonly (readonly Row[])[] }) {
  const t = useTexts(connectionTexts);
  const rows = pages.flatMap((page) => {
    const ids = page.map((row) => row.source_connection_id);
    return page.map((row) => ({ row, ids }));
  });
  const wide = useMediaQuery('(min-width: 48em)', true, { getInitialValueInEffect: false });
  if (!wide) {
    return (
      <Stack gap="sm" component="ul" m={0} p={0} style={{ listStyle: 'none' }} aria-label={t('title')}>
        {rows.map(({ row, ids }) => (
          <Card key={row.source_connection_id} withBorder padding="sm" component="li">
            <Group justify="space-between" align="flex-start" wrap="nowrap" mb="sm">
              <Name row={row} />
              <VerdictBadge verdict={verdictOf(row)} />
            </Group>
            <ConnectionFigures row={row} ids={ids} />
          </Card>
        ))}
      </Stack>
    );
  }
  return <ConnectionsTable rows={rows} />;
}

function Name({ row }: { row: Row }) {
  const org = useOrg();
  const sources = useSources();
  return (
    <Group gap="sm" wrap="nowrap" miw={0}>
      <SourceBadge type={row.type} />
      <div style={{ minWidth: 0 }}>
        <AnchorLink
          to="/o/$org/connections/$connectionId"
          params={{ org: org.slug, connectionId: row.source_connection_id }}
          fw={500}
          size="sm"
          className="break"
        >
          {row.name}
        </AnchorLink>
        <Text size="xs" c="dimmed">
          {sources.data?.find((source) => source.type === row.type)?.label ?? row.type}
        </Text>
      </div>
    </Group>
  );
}

/** `ids` are the connections of the row's page, whose trends one request reads. */
function ConnectionsTable({ rows }: { rows: readonly { row: Row; ids: readonly string[] }[] }) {
  const t = useTexts(connectionTexts);
  const language = useLanguage();
  const org = useOrg();
  return (
    <Table.ScrollContainer minWidth={720}>
      <Table highlightOnHover verticalSpacing="xs" aria-label={t('title')}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">{t('name')}</Table.Th>
            <Table.Th scope="col">{t('state')}</Table.Th>
            <Table.Th scope="col">{t('lastEvent')}</Table.Th>
            <Table.Th scope="col">{t('received24')}</Table.Th>
            <Table.Th scope="col" ta="right">
              {t('dlqRate')}
            </Table.Th>
            <Table.Th scope="col" ta="right">
              {t('freshness')}
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map(({ row, ids }) => (
            <Table.Tr key={row.source_connection_id}>
              <Table.Td>
                <Name row={row} />
              </Table.Td>
              <Table.Td>
                <VerdictBadge verdict={verdictOf(row)} />
              </Table.Td>
              <Table.Td style={{ whiteSpace: 'nowrap' }}>
                <Time at={row.last_event_at} />
              </Table.Td>
              <Table.Td>
                <Group gap="sm" wrap="nowrap">
                  <Text span size="sm" className="tabular" w={52} ta="right">
                    {formatNumber(row.received, language)}
                  </Text>
                  <Trend orgId={org.id} ids={ids} connectionId={row.source_connection_id} label={t('trend')} />
                </Group>
              </Table.Td>
              <Table.Td ta="right">{row.dlq_rate === null ? '–' : formatShare(row.dlq_rate, language)}</Table.Td>
              <Table.Td ta="right">
                {row.freshness_seconds === null ? '–' : formatDuration(Math.max(0, row.freshness_seconds), language)}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
