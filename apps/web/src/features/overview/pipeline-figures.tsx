import { Box, Group, Progress, SimpleGrid, Text, Tooltip } from '@mantine/core';
import type { Activity } from '../../lib/activity.ts';
import { formatNumber, formatShare } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { overviewTexts } from './texts.ts';

const ends = [
  { key: 'stored', color: 'teal.6' },
  { key: 'duplicates', color: 'gray.5' },
  { key: 'deadLettered', color: 'orange.6' },
  { key: 'rejected', color: 'red.6' },
] as const;

/** Received, and the four ways it can end, as one pipeline: the shares of a bar add up to all of it. */
export function PipelineFigures({ points }: { points: readonly Activity[] }) {
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
    </Box>
  );
}

function Figure({ label, hint, value, share, color }: { label: string; hint: string; value: string; share?: string; color?: string }) {
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
