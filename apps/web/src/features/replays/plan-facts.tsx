import { Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReplayPlan } from '@tributary/shared/replays.ts';
import type { ReactNode } from 'react';
import { connectionHealth } from '../../lib/connections.ts';
import { formatNumber } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { Id, Time } from '../../ui/values.tsx';
import { Person } from './plan-parts.tsx';
import { replayTexts } from './texts.ts';

function Rows({ rows }: { rows: readonly { label: string; value: ReactNode }[] }) {
  return (
    <Stack component="dl" gap={6} m={0}>
      {rows.map(({ label, value }) => (
        <Group key={label} gap="xs" wrap="nowrap" align="flex-start">
          <Text component="dt" size="sm" c="dimmed" w={130} style={{ flexShrink: 0 }}>
            {label}
          </Text>
          <Text component="dd" m={0} size="sm" className="break">
            {value}
          </Text>
        </Group>
      ))}
    </Stack>
  );
}

export function Scope({ plan }: { plan: ReplayPlan }) {
  const t = useTexts(replayTexts);
  const language = useLanguage();
  const org = useOrg();
  const names = new Map(useQuery(connectionHealth(org.id)).data?.map((row) => [row.source_connection_id, row.name]));
  const { from, to, connectionIds, eventTypes, outcomes, includeReplays } = plan.filter;
  return (
    <Rows
      rows={[
        {
          label: t('range'),
          value: (
            <>
              <Time at={from} exact /> – <Time at={to} exact />
            </>
          ),
        },
        {
          label: t('connections'),
          value: connectionIds ? connectionIds.map((id) => <ConnectionName key={id} id={id} name={names.get(id)} />) : t('allConnections'),
        },
        { label: t('types'), value: eventTypes ? <bdi>{eventTypes.join(', ')}</bdi> : t('allTypes') },
        {
          label: t('outcomes'),
          value:
            (outcomes ? outcomes.map((outcome) => t(`outcome_${outcome}`)).join(', ') : t('allOutcomes')) +
            (includeReplays ? `, ${t('withReplays')}` : ''),
        },
        { label: t('mode'), value: `${t(plan.mode)}, ${t('throttleOf', { rate: formatNumber(plan.throttlePerSecond, language) })}` },
      ]}
    />
  );
}

/** A connection by name; a deleted one by its id. */
function ConnectionName({ id, name }: { id: string; name: string | undefined }) {
  return <div>{name === undefined ? <Id value={id} /> : <bdi>{name}</bdi>}</div>;
}

export function People({ plan }: { plan: ReplayPlan }) {
  const t = useTexts(replayTexts);
  return (
    <Rows
      rows={[
        {
          label: t('madeBy'),
          value: (
            <>
              <Person id={plan.createdBy} />, <Time at={plan.createdAt} />
            </>
          ),
        },
        {
          label: t('approvedBy'),
          value: plan.approvedAt ? (
            <>
              <Person id={plan.approvedBy} />, <Time at={plan.approvedAt} />
            </>
          ) : (
            t('notApproved')
          ),
        },
        ...(plan.reference === null ? [] : [{ label: t('reference'), value: <bdi>{plan.reference}</bdi> }]),
      ]}
    />
  );
}
