import { Box, Group, Progress, SimpleGrid, Text, Tooltip } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Activity } from '../../lib/activity.ts';
import { openDeadLetters } from '../../lib/dead-letters.ts';
import { formatNumber, formatShare } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import type { Range } from '../../lib/search.ts';
import { AnchorLink } from '../../ui/links.tsx';
import { live } from '../../ui/live.tsx';
import { overviewTexts } from './texts.ts';

const ends = [
  { key: 'stored', color: 'teal.6' },
  { key: 'duplicates', color: 'gray.5' },
  { key: 'deadLettered', color: 'orange.6' },
  { key: 'rejected', color: 'red.6' },
] as const;

/** The received records and their four possible outcomes as one pipeline; the parts of the bar add up to all received records. */
export function PipelineFigures({ points, range }: { points: readonly Activity[]; range: Range }) {
  const t = useTexts(overviewTexts);
  const language = useLanguage();
  const sum = (key: 'received' | (typeof ends)[number]['key']) => points.reduce((total, point) => total + point[key], 0);
  const received = sum('received');
  return (
    <Box>
      <SimpleGrid cols={{ base: 2, xs: 3, md: 5 }} component="dl" m={0}>
        <Figure label={t('received')} hint={t('receivedHint')} value={formatNumber(received, language)} />
        {ends.map(({ key, color }) => (
          <Figure
            key={key}
            label={t(key)}
            hint={t(`${key}Hint`)}
            color={color}
            value={formatNumber(sum(key), language)}
            share={received > 0 ? formatShare(sum(key) / received, language) : '–'}
          />
        ))}
      </SimpleGrid>
      <Progress.Root size="md" mt="sm" aria-hidden>
        {ends.map(({ key, color }) => (
          <Progress.Section key={key} value={received > 0 ? (100 * sum(key)) / received : 0} color={color} />
        ))}
      </Progress.Root>
      <OpenNow range={range} />
    </Box>
  );
}

/**
 * What lies open now, each number beside the list that has as many rows. The figures above count what arrived in the range: of the records that
 * failed then, some were retried since, and a repetition raises the count of its entry.
 */
function OpenNow({ range }: { range: Range }) {
  const t = useTexts(overviewTexts);
  const language = useLanguage();
  const org = useOrg();
  const open = useQuery({ ...openDeadLetters(org.id), ...live(15_000) });
  const params = { org: org.slug };
  const number = (count: number | undefined) => (count === undefined ? '…' : formatNumber(count, language));
  return (
    <Group gap="md" mt="xs">
      <AnchorLink to="/o/$org/dead-letters" params={params} search={{ tab: 'entries' }} size="sm">
        {t('openDeadLetters', { number: number(open.data?.failed) })}
      </AnchorLink>
      <AnchorLink to="/o/$org/dead-letters" params={params} search={{ tab: 'quarantine' }} size="sm">
        {t('inQuarantine', { number: number(open.data?.quarantined) })}
      </AnchorLink>
      <AnchorLink to="/o/$org/events" params={params} search={{ range }} size="sm">
        {t('eventsOfRange')}
      </AnchorLink>
    </Group>
  );
}

interface FigureProps {
  label: string;
  hint: string;
  value: string;
  share?: string;
  color?: string;
}

function Figure({ label, hint, value, share, color }: FigureProps) {
  return (
    <Tooltip label={hint} multiline maw={240} position="bottom">
      <Box>
        <Group gap={6} component="dt" wrap="nowrap">
          {color && <Box w={8} h={8} bg={color} style={{ borderRadius: 2 }} aria-hidden />}
          <Text size="sm" c="dimmed" tabIndex={0}>
            {label}
          </Text>
        </Group>
        <Group gap={8} align="baseline" component="dd" m={0}>
          <Text fw={700} size="xl" className="tabular">
            {value}
          </Text>
          {share && (
            <Text size="sm" c="dimmed" className="tabular">
              {share}
            </Text>
          )}
        </Group>
      </Box>
    </Tooltip>
  );
}
