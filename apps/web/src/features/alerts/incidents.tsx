import { Button, Group, SegmentedControl, Select, Stack } from '@mantine/core';
import { IconCircleCheck } from '@tabler/icons-react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { alertKinds } from '@tributary/shared/alert-kinds.ts';
import { useState } from 'react';
import { connectionHealth } from '../../lib/connections.ts';
import { useTexts } from '../../lib/i18n.ts';
import { type ActiveIncident, activeIncidents } from '../../lib/incidents.ts';
import { useNavigateWithin } from '../../lib/navigate.ts';
import { useOrg } from '../../lib/orgs.ts';
import { incidentTexts } from '../../ui/incident-texts.ts';
import { useKeptPlaces } from '../../ui/kept-places.ts';
import { live, Updated } from '../../ui/live.tsx';
import { Section } from '../../ui/page.tsx';
import { ClearFilters, Empty, Loaded } from '../../ui/states.tsx';
import { uiTexts } from '../../ui/texts.ts';
import { IncidentRow } from './incident-row.tsx';
import { alertRules, resolvedIncidents } from './queries.ts';
import { alertTexts } from './texts.ts';

/** Active incidents above resolved ones; the filters apply to both. */
export function Incidents() {
  const { state = 'all' } = useSearch({ from: '/signed-in/o/$org/alerts' });
  return (
    <Stack>
      <Filters />
      {state !== 'resolved' && <Active />}
      {state !== 'active' && <Resolved />}
    </Stack>
  );
}

function Filters() {
  const t = useTexts(alertTexts);
  const kinds = useTexts(incidentTexts);
  const org = useOrg();
  const { state = 'all', kind, connection } = useSearch({ from: '/signed-in/o/$org/alerts' });
  const navigate = useNavigateWithin({ from: '/o/$org/alerts' });
  const connections = useQuery(connectionHealth(org.id));
  const names = (connections.data ?? []).map((one) => ({ value: one.source_connection_id, label: one.name }));
  const put = (change: Record<string, string | undefined>) =>
    void navigate({ search: (old) => ({ ...old, ...change }) as typeof old, replace: true });
  return (
    <Group gap="xs">
      <SegmentedControl
        size="xs"
        aria-label={t('state')}
        value={state}
        onChange={(next) => put({ state: next === 'all' ? undefined : next })}
        data={(['all', 'active', 'resolved'] as const).map((value) => ({ value, label: t(value) }))}
      />
      <Select
        size="xs"
        w={{ base: '100%', xs: 230 }}
        clearable
        aria-label={t('kind')}
        placeholder={t('anyKind')}
        value={kind ?? null}
        data={alertKinds.map((value) => ({ value, label: kinds(value) }))}
        onChange={(next) => put({ kind: next ?? undefined })}
      />
      <Select
        size="xs"
        w={{ base: '100%', xs: 230 }}
        clearable
        searchable
        aria-label={t('connection')}
        placeholder={t('anyConnection')}
        // The incidents of a deleted connection remain, so its id stays a possible filter.
        data={connection && !names.some((one) => one.value === connection) ? [...names, { value: connection, label: connection }] : names}
        value={connection ?? null}
        onChange={(next) => put({ connection: next ?? undefined })}
      />
    </Group>
  );
}

function useFilter() {
  const { kind, connection } = useSearch({ from: '/signed-in/o/$org/alerts' });
  const navigate = useNavigateWithin({ from: '/o/$org/alerts' });
  return {
    kind,
    connection,
    isFiltered: kind !== undefined || connection !== undefined,
    matches: (one: ActiveIncident) => kind === undefined || one.kind === kind,
    clear: () => void navigate({ search: ({ kind: _kind, connection: _connection, ...others }) => others, replace: true }),
  };
}

function NothingMatches() {
  const t = useTexts(alertTexts);
  const { clear } = useFilter();
  return <Empty title={t('nothingMatches')} action={<ClearFilters onClear={clear} />} />;
}

function Active() {
  const t = useTexts(alertTexts);
  const org = useOrg();
  const filter = useFilter();
  const query = useQuery({ ...activeIncidents(org.id, filter.connection), ...live(10_000) });
  const [refreshes, setRefreshes] = useState(0);
  const refresh = async () => {
    await query.refetch();
    setRefreshes((count) => count + 1);
  };
  return (
    <Section
      title={t('active')}
      aside={<Updated at={query.dataUpdatedAt} isFetching={query.isFetching} onRefresh={() => void refresh()} />}
    >
      <Loaded query={query} height={160}>
        {(all) => (
          // The key makes a new list, in which every incident has the place that its level and time give it.
          <ActiveList key={`${refreshes} ${filter.kind} ${filter.connection}`} incidents={all.filter(filter.matches)} />
        )}
      </Loaded>
    </Section>
  );
}

/** While the reader looks at it, nothing moves: an incident that ends stays at its place, and a new one comes last. */
function ActiveList({ incidents }: { incidents: readonly ActiveIncident[] }) {
  const t = useTexts(alertTexts);
  const filter = useFilter();
  const rows = useKeptPlaces(incidents);
  if (rows.length > 0) return <List incidents={rows} label={t('active')} />;
  return filter.isFiltered ? <NothingMatches /> : <AllIsWell />;
}

function AllIsWell() {
  const t = useTexts(alertTexts);
  const rules = useQuery(alertRules(useOrg().id));
  const watched = rules.data?.filter((rule) => rule.enabled).length;
  return (
    <Empty
      icon={<IconCircleCheck size={28} color="var(--mantine-color-teal-6)" aria-hidden />}
      title={t('allIsWell')}
      hint={watched === undefined ? ' ' : t('watched', { count: watched })}
    />
  );
}

function Resolved() {
  const t = useTexts(alertTexts);
  const ui = useTexts(uiTexts);
  const filter = useFilter();
  const query = useInfiniteQuery({
    ...resolvedIncidents(useOrg().id, filter),
    // A reader who has loaded more pages is reading them, so the list is no longer refreshed.
    refetchInterval: (query) => (query.state.data && query.state.data.pages.length > 1 ? false : live(20_000).refetchInterval(query)),
  });
  return (
    <Section title={t('history')}>
      <Loaded
        query={query}
        height={200}
        isEmpty={({ pages }) => pages.every((page) => page.incidents.length === 0)}
        empty={filter.isFiltered ? <NothingMatches /> : <Empty title={t('noHistory')} hint={t('noHistoryHint')} />}
      >
        {({ pages }) => (
          <>
            <List incidents={pages.flatMap((page) => page.incidents)} label={t('history')} />
            {query.hasNextPage && (
              <Group justify="center" mt="sm">
                <Button variant="default" size="xs" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
                  {ui('more')}
                </Button>
              </Group>
            )}
          </>
        )}
      </Loaded>
    </Section>
  );
}

function List({ incidents, label }: { incidents: readonly ActiveIncident[]; label: string }) {
  return (
    <Stack gap={0} component="ul" m={0} p={0} aria-label={label} style={{ listStyle: 'none' }}>
      {incidents.map((incident) => (
        <IncidentRow key={incident.id} incident={incident} />
      ))}
    </Stack>
  );
}
