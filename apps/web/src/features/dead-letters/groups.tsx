import { Button, Card, Collapse, Group, Stack, Text, VisuallyHidden } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { DlqAnalysis, DlqFilter, DlqOperation, DlqSummary } from '@tributary/shared/dlq.ts';
import { formatNumber } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import type { DeadLettersSearch } from '../../lib/search.ts';
import { Sparkline } from '../../ui/charts.tsx';
import { concernsSecret, RetryableBadge, useClassName } from '../../ui/error-class.tsx';
import { AnchorLink } from '../../ui/links.tsx';
import { SourceBadge } from '../../ui/source-badge.tsx';
import { Time } from '../../ui/values.tsx';
import { Commands } from './commands.tsx';
import { analysis } from './queries.ts';
import { deadLetterTexts } from './texts.ts';

type DlqGroup = DlqSummary['groups'][number];
type Cluster = DlqAnalysis['clusters'][number];

interface GroupsProps {
  groups: readonly DlqGroup[];
  /** The filter that the groups were made with. */
  filter: DlqFilter;
  search: DeadLettersSearch;
  onStarted: (operation: DlqOperation) => void;
}

/** Dead letters grouped by class and connection, the largest group first, with count, first and last time, cause and fix. */
export function Groups({ groups, filter, search, onStarted }: GroupsProps) {
  const language = useLanguage();
  const nameOf = (group: DlqGroup) => `${group.errorClass} ${group.connectionId}`;
  const found = useQuery({ ...analysis(filter, language, groups.map(nameOf).toSorted()), placeholderData: keepPreviousData });
  return (
    <Stack gap="sm">
      {groups.map((group) => (
        <GroupCard
          key={nameOf(group)}
          group={group}
          clusters={found.data?.clusters.filter((one) => one.errorClass === group.errorClass && one.connectionId === group.connectionId)}
          filter={{ ...filter, classes: [group.errorClass as never], connectionIds: [group.connectionId] }}
          search={search}
          onStarted={onStarted}
        />
      ))}
    </Stack>
  );
}

interface CardProps extends Omit<GroupsProps, 'groups'> {
  group: DlqGroup;
  /** Undefined until they are loaded. */
  clusters: readonly Cluster[] | undefined;
}

function GroupCard({ group, clusters, filter, search, onStarted }: CardProps) {
  const t = useTexts(deadLetterTexts);
  const language = useLanguage();
  const org = useOrg();
  const title = useClassName()(group.errorClass);
  const params = { org: org.slug };
  const [largest, ...others] = clusters ?? [];
  const [opened, { toggle }] = useDisclosure(false);
  return (
    <Card withBorder padding="sm" component="section" aria-label={`${title}, ${group.connectionName}`}>
      <Group justify="space-between" align="flex-start" gap="sm">
        <Group gap="sm" wrap="nowrap" align="flex-start" miw={0} flex="1 1 260px">
          <SourceBadge type={group.sourceType} size={28} />
          <div style={{ minWidth: 0 }}>
            <Group gap={8}>
              <AnchorLink
                to="/o/$org/dead-letters"
                params={params}
                search={{
                  ...search,
                  tab: filter.quarantine ? 'quarantine' : 'entries',
                  classes: [group.errorClass],
                  connections: [group.connectionId],
                }}
                fw={600}
              >
                {title}
              </AnchorLink>
              <RetryableBadge errorClass={group.errorClass} />
            </Group>
            <Text size="xs" c="dimmed" className="break">
              <AnchorLink
                to="/o/$org/connections/$connectionId"
                params={{ ...params, connectionId: group.connectionId }}
                search={concernsSecret(group.errorClass) ? { tab: 'setup' } : {}}
                inherit
                underline="always"
                className="isolated"
              >
                {group.connectionName}
              </AnchorLink>{' '}
              · <span className="mono">{group.errorClass}</span>
            </Text>
          </div>
        </Group>
        <Group gap="md">
          <Sparkline values={group.trend} label={t('trend')} width={88} color="orange.6" />
          <div style={{ textAlign: 'right', minWidth: 76 }}>
            <Text fw={700} className="tabular" lh={1.2}>
              {formatNumber(group.count, language)}
              <VisuallyHidden> {t('count', { count: group.count })}</VisuallyHidden>
            </Text>
            <Text size="xs" c="dimmed" className="tabular">
              {group.exhausted > 0 ? t('exhaustedCount', { count: group.exhausted }) : t('waiting', { count: group.pending })}
            </Text>
          </div>
          <Commands filter={filter} remedy={group.remedy} connectionId={group.connectionId} short onStarted={onStarted} />
        </Group>
      </Group>
      <Text size="xs" c="dimmed" mt={6}>
        {t('firstSeen')}: <Time at={group.firstSeenAt} /> · {t('lastSeen')}: <Time at={group.lastSeenAt} />
      </Text>
      <div style={{ minHeight: 64 }}>{largest && <Explanation cluster={largest} search={search} />}</div>
      {others.length > 0 && (
        <>
          <Collapse expanded={opened}>
            <Stack gap={0}>
              {others.map((cluster) => (
                <Explanation key={cluster.exampleId} cluster={cluster} search={search} counted />
              ))}
            </Stack>
          </Collapse>
          <Button variant="subtle" size="compact-xs" mt={6} onClick={toggle} aria-expanded={opened} style={{ alignSelf: 'flex-start' }}>
            {opened ? t('fewer') : t('others', { count: others.length })}
          </Button>
        </>
      )}
    </Card>
  );
}

/** The cause and fix of a cluster, with a link to an example. */
function Explanation({ cluster, search, counted = false }: { cluster: Cluster; search: DeadLettersSearch; counted?: boolean }) {
  const t = useTexts(deadLetterTexts);
  const org = useOrg();
  const place = [cluster.sourceEventType, cluster.fieldPath && t('inField', { field: cluster.fieldPath })].filter(Boolean).join(' · ');
  return (
    <Stack gap={2} mt={8}>
      {place !== '' && (
        <Text size="xs" c="dimmed" className="mono break isolated">
          {counted && `${t('count', { count: cluster.count })} · `}
          {place}
        </Text>
      )}
      <Text size="sm" className="break">
        <b>{t('cause')}:</b> {cluster.cause}
      </Text>
      <Text size="sm" className="break">
        <b>{t('fix')}:</b> {cluster.fix}{' '}
        <AnchorLink
          to="/o/$org/dead-letters"
          params={{ org: org.slug }}
          search={{ ...search, entry: cluster.exampleId }}
          resetScroll={false}
          inherit
          underline="always"
        >
          {t('example')}
        </AnchorLink>
      </Text>
    </Stack>
  );
}
