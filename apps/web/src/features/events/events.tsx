import { Button, Group, Stack, Text } from '@mantine/core';
import { IconArrowUp } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { useCallback, useEffect, useMemo, useRef } from 'react';
import { connectionHealth } from '../../lib/connections.ts';
import { formatDateTime } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useNavigateWithin } from '../../lib/navigate.ts';
import { useOrg } from '../../lib/orgs.ts';
import type { EventsSearch } from '../../lib/search.ts';
import { FoundById } from '../../ui/found-by-id.tsx';
import { live, Updated } from '../../ui/live.tsx';
import { Page, Section } from '../../ui/page.tsx';
import { ClearFilters, Loaded } from '../../ui/states.tsx';
import { EventList } from './event-list.tsx';
import { EventPanel } from './event-panel.tsx';
import { ExportMenu } from './export-menu.tsx';
import { filterKeys, isFiltered, without } from './filter.ts';
import { FilterBar } from './filter-bar.tsx';
import { Histogram } from './histogram.tsx';
import { NoEvents } from './no-events.tsx';
import { eventTexts } from './texts.ts';
import { TimeFilter } from './time-filter.tsx';
import { useEvents } from './use-events.ts';

export function Events() {
  const t = useTexts(eventTexts);
  const org = useOrg();
  const search = useSearch({ from: '/signed-in/o/$org/events' });
  const navigate = useNavigateWithin({ from: '/o/$org/events' });
  const go = useCallback((next: EventsSearch, { replace = false } = {}) => void navigate({ search: next, replace }), [navigate]);
  const health = useQuery({ ...connectionHealth(org.id), ...live(30_000) });
  const connections = useMemo(
    () => (health.data ?? []).map(({ source_connection_id: id, name }) => ({ id, name })).sort((a, b) => a.name.localeCompare(b.name)),
    [health.data],
  );
  const names = useMemo(() => new Map(connections.map(({ id, name }) => [id, name])), [connections]);
  const nameOf = useCallback((id: string) => names.get(id) ?? `${id.slice(0, 8)}…`, [names]);
  const { pages, newest, rows, fresh, showFresh, fetchMore, searchedTo, refresh } = useEvents(org.id, search);
  const list = useRef<HTMLDivElement>(null);

  // New rows are inserted at the top only while the reader is neither reading nor pointing at the list.
  useEffect(() => {
    if (fresh > 0 && window.scrollY < 8 && search.event === undefined && !list.current?.matches(':hover, :focus-within')) showFresh();
  }, [fresh, showFresh, search.event]);

  const at = rows.findIndex((row) => row.id === search.event);
  const seenTypes = useMemo(() => [...new Set(rows.map((row) => row.type))], [rows]);
  return (
    <Page
      title={t('title')}
      actions={
        <>
          <Updated
            at={newest.dataUpdatedAt || pages.dataUpdatedAt}
            isFetching={newest.isFetching || pages.isFetching}
            onRefresh={refresh}
          />
          <ExportMenu search={search} connections={connections} isEmpty={pages.isSuccess && rows.length === 0 && !pages.hasNextPage} />
        </>
      }
    >
      <Stack gap="xs">
        <Group justify="space-between" gap={6}>
          <TimeFilter search={search} onChange={go} />
          {isFiltered(search) && <ClearFilters onClear={() => go(without(search, ...filterKeys))} />}
        </Group>
        <FilterBar search={search} onChange={go} connections={connections} seenTypes={seenTypes} />
      </Stack>
      <FoundById text={search.q} />
      <Histogram search={search} onChange={go} />
      <Section
        title={t('list')}
        aside={
          fresh > 0 && (
            <Fresh
              count={fresh}
              more={fresh === newest.data?.rows.length}
              onShow={() => {
                showFresh();
                window.scrollTo({ top: 0 });
              }}
            />
          )
        }
      >
        <div ref={list}>
          <Loaded
            query={pages}
            height={520}
            isEmpty={() => rows.length === 0 && !pages.hasNextPage}
            empty={<NoEvents search={search} onChange={go} />}
          >
            {() => (
              <EventList
                rows={rows}
                opened={search.event}
                nameOf={nameOf}
                onEnd={fetchMore}
                isFetchingMore={pages.isFetchingNextPage}
                end={<End pages={pages} count={rows.length} searchedTo={searchedTo} />}
              />
            )}
          </Loaded>
        </div>
      </Section>
      {search.event !== undefined && (
        <EventPanel
          id={search.event}
          tab={search.tab ?? 'canonical'}
          onTab={(tab) => go({ ...search, tab }, { replace: true })}
          previous={rows[at - 1]?.id}
          next={at >= 0 ? rows[at + 1]?.id : undefined}
          onMove={(event) => go({ ...search, event }, { replace: true })}
          onClose={() => go(without(search, 'event', 'tab'), { replace: true })}
          onPerson={(subject) => go({ ...without(search, 'event', 'tab'), subject })}
          nameOf={nameOf}
        />
      )}
    </Page>
  );
}

/** The end of the list: a button that loads more, or the total. */
function End({
  pages: { isFetchNextPageError, hasNextPage, fetchNextPage },
  count,
  searchedTo,
}: {
  pages: ReturnType<typeof useEvents>['pages'];
  count: number;
  searchedTo: string | undefined;
}) {
  const t = useTexts(eventTexts);
  const language = useLanguage();
  const continueSearch = (label: string) => (
    <Button size="compact-xs" variant="default" onClick={() => void fetchNextPage()}>
      {label}
    </Button>
  );
  if (isFetchNextPageError) return continueSearch(t('moreFailed'));
  if (!hasNextPage) return <Quiet>{t('end', { count })}</Quiet>;
  if (searchedTo === undefined) return null;
  return (
    <Group gap="xs">
      <Quiet>{t('searchedTo', { time: formatDateTime(searchedTo, language) })}</Quiet>
      {continueSearch(t('continueSearch'))}
    </Group>
  );
}

const Quiet = ({ children }: { children: string }) => (
  <Text size="xs" c="dimmed">
    {children}
  </Text>
);

/** Offers the new events, so that the reader decides when the list changes. */
function Fresh({ count, more, onShow }: { count: number; more: boolean; onShow: () => void }) {
  const t = useTexts(eventTexts);
  return (
    <Group gap="xs" role="status">
      <Button size="compact-xs" variant="default" leftSection={<IconArrowUp size={14} aria-hidden />} onClick={onShow}>
        {t(more ? 'freshMany' : 'fresh', { count })}
      </Button>
    </Group>
  );
}
