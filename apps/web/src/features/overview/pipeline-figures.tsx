import { Box, Group, Progress, SimpleGrid, Text, Tooltip } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Activity } from '../../lib/activity.ts';
import { formatNumber, formatShare } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { windowOf } from '../../lib/range.ts';
import type { Range } from '../../lib/search.ts';
import { AnchorLink } from '../../ui/links.tsx';
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
            number={(text) => <FigureLink end={key} range={range} text={text} />}
          />
        ))}
      </SimpleGrid>
      <Progress.Root size="md" mt="sm" aria-hidden>
        {ends.map(({ key, color }) => (
          <Progress.Section key={key} value={received > 0 ? (100 * sum(key)) / received : 0} color={color} />
        ))}
      </Progress.Root>
    </Box>
  );
}

/** A figure that links to the list of what it counts, where there is such a list. */
function FigureLink({ end, range, text }: { end: (typeof ends)[number]['key']; range: Range; text: string }) {
  const t = useTexts(overviewTexts);
  const params = { org: useOrg().slug };
  const { from } = windowOf(range, Date.now());
  const looks = { inherit: true, c: 'inherit', underline: 'hover', 'aria-label': `${t(end)}: ${text}` } as const;
  if (end === 'stored') {
    return (
      <AnchorLink to="/o/$org/events" params={params} search={{ range }} {...looks}>
        {text}
      </AnchorLink>
    );
  }
  if (end === 'duplicates') return text;
  return (
    <AnchorLink to="/o/$org/dead-letters" params={params} search={{ tab: end === 'rejected' ? 'quarantine' : 'entries', from }} {...looks}>
      {text}
    </AnchorLink>
  );
}

interface FigureProps {
  label: string;
  hint: string;
  value: string;
  share?: string;
  color?: string;
  number?: (text: string) => ReactNode;
}

function Figure({ label, hint, value, share, color, number = (text) => text }: FigureProps) {
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
            {number(value)}
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
