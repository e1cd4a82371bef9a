import { SimpleGrid, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { formatDuration, formatNumber, formatShare } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { Time } from '../../ui/values.tsx';
import { connectionTexts } from './texts.ts';
import { Trend } from './trend.tsx';

/** The figures of a connection over the last 24 hours, as `connection_health` returns them. */
export interface RecentFigures {
  source_connection_id: string;
  last_event_at: string | null;
  freshness_seconds: number | null;
  received: number;
  dlq_rate: number | null;
}

/** `ids` are the connections of the page, whose trends one request reads. */
export function ConnectionFigures({ row, ids }: { row: RecentFigures; ids: readonly string[] }) {
  const t = useTexts(connectionTexts);
  const language = useLanguage();
  const org = useOrg();
  const { freshness_seconds: age, dlq_rate: rate } = row;
  return (
    <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="sm" component="dl" m={0}>
      <Figure label={t('lastEvent')}>
        <Time at={row.last_event_at} />
      </Figure>
      <Figure
        label={t('received24')}
        beside={<Trend orgId={org.id} ids={ids} connectionId={row.source_connection_id} label={t('trend')} />}
      >
        {formatNumber(row.received, language)}
      </Figure>
      <Figure label={t('dlqRate')}>{rate === null ? '–' : formatShare(rate, language)}</Figure>
      <Figure label={t('freshness')}>{age === null ? '–' : formatDuration(Math.max(0, age), language)}</Figure>
    </SimpleGrid>
  );
}

function Figure({ label, beside, children }: { label: string; beside?: ReactNode; children: ReactNode }) {
  return (
    <div>
      <Text component="dt" size="xs" c="dimmed">
        {label}
      </Text>
      <Text component="dd" m={0} size="sm" fw={600} className="tabular" style={{ display: 'flex', gap: 8, alignItems: 'center' }}>
        {children}
        {beside}
      </Text>
    </div>
  );
}
