import { Group, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { formatDateTime } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import type { EventsSearch } from '../../lib/search.ts';
import { TimeChart } from '../../ui/charts.tsx';
import { live } from '../../ui/live.tsx';
import { Section } from '../../ui/page.tsx';
import { Loaded } from '../../ui/states.tsx';
import { without } from './filter.ts';
import { eventHistogram } from './queries.ts';
import { eventTexts } from './texts.ts';

const height = 128;

/** The number of events of the filter over time. Clicking a bar, or drawing over several, selects their time. */
export function Histogram({ search, onChange }: { search: EventsSearch; onChange: (search: EventsSearch) => void }) {
  const t = useTexts(eventTexts);
  const language = useLanguage();
  const org = useOrg();
  const histogram = useQuery({ ...eventHistogram(org.id, search), ...live(30_000) });
  const total = histogram.data?.buckets.reduce((sum, { count }) => sum + count, 0);
  return (
    <Section
      title={t('volume')}
      aside={
        <Text size="xs" c="dimmed" className="tabular">
          {total !== undefined && t('total', { count: total })}
        </Text>
      }
    >
      <Loaded query={histogram} height={height + 24}>
        {({ buckets, countedFrom, stepSeconds }) => (
          <>
            <TimeChart
              kind="bar"
              height={height}
              label={t('volume')}
              points={buckets.map(({ start, count }) => ({ at: start, events: count }))}
              series={[{ name: 'events', label: t('events'), color: 'cyan.6' }]}
              onNarrow={(first, last) =>
                onChange({
                  ...without(search, 'range'),
                  from: new Date(first).toISOString(),
                  to: new Date(Date.parse(last) + stepSeconds * 1_000).toISOString(),
                })
              }
            />
            <Group gap="xs" h={24} align="flex-end">
              <Text size="xs" c="dimmed" truncate>
                {countedFrom === null ? t('volumeHint') : t('countedFrom', { time: formatDateTime(countedFrom, language) })}
              </Text>
            </Group>
          </>
        )}
      </Loaded>
    </Section>
  );
}
