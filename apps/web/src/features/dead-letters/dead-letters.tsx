import { Badge, Group, Stack, Tabs, Text } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import type { DlqSummary } from '@tributary/shared/dlq.ts';
import type { Remedy } from '@tributary/shared/errors.ts';
import { connectionHealth } from '../../lib/connections.ts';
import { formatNumber } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useNavigateWithin } from '../../lib/navigate.ts';
import { useOrg } from '../../lib/orgs.ts';
import type { DeadLettersSearch } from '../../lib/search.ts';
import { FoundById } from '../../ui/found-by-id.tsx';
import { ButtonLink } from '../../ui/links.tsx';
import { live, Updated } from '../../ui/live.tsx';
import { Page } from '../../ui/page.tsx';
import { SearchBox } from '../../ui/search-box.tsx';
import { ClearFilters, Empty, Loaded } from '../../ui/states.tsx';
import { Commands } from './commands.tsx';
import { Entries } from './entries.tsx';
import { EntryPanel } from './entry-panel.tsx';
import { filterKeys, isFiltered, toFilter, without } from './filter.ts';
import { FilterBar } from './filter-bar.tsx';
import { Groups } from './groups.tsx';
import { Operation, Operations } from './operations.tsx';
import { invalidateAfterRetry, summary } from './queries.ts';
import { deadLetterTexts } from './texts.ts';
import { useOperations } from './use-operations.ts';

/** Dead letters in groups and one by one, the quarantine of rejected deliveries, and every action on them. */
export function DeadLetters() {
  const t = useTexts(deadLetterTexts);
  const org = useOrg();
  const search = useSearch({ from: '/signed-in/o/$org/dead-letters' });
  const navigate = useNavigateWithin({ from: '/o/$org/dead-letters' });
  const go = (next: DeadLettersSearch, replace = false) => void navigate({ search: next, replace });
  const { tab = 'groups' } = search;
  const isQuarantine = tab === 'quarantine';
  const filter = toFilter(org.id, search, isQuarantine);
  const failed = useQuery({ ...summary(toFilter(org.id, search, false)), ...live(10_000) });
  const rejected = useQuery({ ...summary(toFilter(org.id, search, true)), ...live(10_000) });
  const health = useQuery({ ...connectionHealth(org.id), ...live(60_000) });
  const connections = (health.data ?? [])
    .map(({ source_connection_id: id, name }) => ({ id, name }))
    .sort((a, b) => a.name.localeCompare(b.name));
  const nameOf = (id: string) => connections.find((one) => one.id === id)?.name ?? `${id.slice(0, 8)}…`;
  const queryClient = useQueryClient();
  const work = useOperations(org.id);
  const shown = isQuarantine ? rejected : failed;
  const empty = <Nothing search={search} isQuarantine={isQuarantine} onClear={() => go(without(search, ...filterKeys))} />;
  const groups = (
    <Loaded query={shown} height={320} isEmpty={(found) => found.groups.length === 0} empty={empty}>
      {(found) => <Groups groups={found.groups} filter={filter} search={search} onStarted={work.follow} />}
    </Loaded>
  );
  return (
    <Page
      title={t('title')}
      description={t('description')}
      actions={<Updated at={shown.dataUpdatedAt} isFetching={shown.isFetching} onRefresh={() => void invalidateAfterRetry(queryClient)} />}
    >
      {work.followed.map((operation) => (
        <Operation key={operation.id} operation={operation} nameOf={nameOf} onHide={() => work.hide(operation.id)} />
      ))}
      <SearchBox
        label={t('findById')}
        value={search.q}
        onChange={(q) => go({ ...without(search, 'q'), ...(q === undefined ? {} : { q }) }, search.q !== undefined)}
      />
      <FoundById text={search.q} />
      <Tabs
        value={tab}
        onChange={(next) => go({ ...without(search, 'entry'), tab: (next ?? 'groups') as NonNullable<DeadLettersSearch['tab']> })}
        keepMounted={false}
      >
        <Tabs.List mb="sm">
          <Tabs.Tab value="groups" rightSection={<Count total={failed.data?.total} />}>
            {t('groups')}
          </Tabs.Tab>
          <Tabs.Tab value="entries">{t('entries')}</Tabs.Tab>
          <Tabs.Tab value="quarantine" rightSection={<Count total={rejected.data?.total} />}>
            {t('quarantine')}
          </Tabs.Tab>
          <Tabs.Tab value="operations">{t('operations')}</Tabs.Tab>
        </Tabs.List>
        {tab !== 'operations' && (
          <Group justify="space-between" mb="sm" gap="xs">
            <FilterBar search={search} onChange={(next) => go(next)} connections={connections} />
            {tab !== 'groups' && (shown.data?.total ?? 0) > 0 && (
              <Commands filter={filter} {...sharedRemedy(shown.data?.groups ?? [])} onStarted={work.follow} />
            )}
          </Group>
        )}
        <Tabs.Panel value="groups">{groups}</Tabs.Panel>
        <Tabs.Panel value="entries">
          <Entries filter={filter} search={search} empty={empty} />
        </Tabs.Panel>
        <Tabs.Panel value="quarantine">
          <Stack>
            <Text size="sm" c="dimmed" maw={860}>
              {t('quarantineHint')}
            </Text>
            {groups}
            {(rejected.data?.total ?? 0) > 0 && <Entries filter={filter} search={search} empty={null} />}
          </Stack>
        </Tabs.Panel>
        <Tabs.Panel value="operations">
          <Loaded
            query={work.all}
            height={320}
            isEmpty={(found) => found.length === 0}
            empty={<Empty title={t('noOperations')} hint={t('noOperationsHint')} />}
          >
            {(found) => <Operations operations={found} nameOf={nameOf} />}
          </Loaded>
        </Tabs.Panel>
      </Tabs>
      {search.entry !== undefined && <EntryPanel id={search.entry} onClose={() => go(without(search, 'entry'), true)} />}
    </Page>
  );
}

/** What helps all of the groups, when that is the same; and their connection, when they have one in common. */
function sharedRemedy(groups: DlqSummary['groups']): { remedy: Remedy | undefined; connectionId: string | undefined } {
  const only = <Value,>(values: readonly Value[]) => (new Set(values).size === 1 ? values[0] : undefined);
  return { remedy: only(groups.map(({ remedy }) => remedy)), connectionId: only(groups.map(({ connectionId }) => connectionId)) };
}

function Count({ total }: { total: number | undefined }) {
  const language = useLanguage();
  return (
    <Badge size="sm" variant="light" color="gray" miw={28}>
      {total === undefined ? '…' : formatNumber(total, language)}
    </Badge>
  );
}

function Nothing({ search, isQuarantine, onClear }: { search: DeadLettersSearch; isQuarantine: boolean; onClear: () => void }) {
  const t = useTexts(deadLetterTexts);
  const org = useOrg();
  if (isFiltered(search)) return <Empty title={t('nothingMatches')} action={<ClearFilters onClear={onClear} />} />;
  return (
    <Empty
      title={isQuarantine ? t('nothingRejected') : t('nothingYet')}
      hint={isQuarantine ? t('nothingRejectedHint') : t('nothingYetHint')}
      action={
        <ButtonLink to="/o/$org/connections" params={{ org: org.slug }} size="xs" variant="light">
          {t('toConnections')}
        </ButtonLink>
      }
    />
  );
}
