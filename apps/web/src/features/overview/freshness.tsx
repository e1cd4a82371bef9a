import { Box, Group, Progress, Stack, Text, Tooltip } from '@mantine/core';
import { formatDateTime, formatDuration } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { AnchorLink } from '../../ui/links.tsx';
import { overviewTexts } from './texts.ts';

interface Row {
  source_connection_id: string;
  name: string;
  type: string;
  is_active: boolean;
  freshness_seconds: number | null;
  last_event_at: string | null;
}

/** The warning and critical age of the latest event, in seconds, as in the alert ConnectionLag. */
const warningAge = 600;
const criticalAge = 1_800;

/** The list of connections shows all of them. */
const rowsMax = 50;

/**
 * A small bar for each connection, the stalest first: the fuller the bar, the longer no event has arrived. The list is at most `height`
 * pixels high and scrolls.
 */
export function Freshness({ rows, height }: { rows: readonly Row[]; height: number }) {
  const t = useTexts(overviewTexts);
  const language = useLanguage();
  const org = useOrg();
  const sorted = [...rows].sort(
    (a, b) => Number(b.is_active) - Number(a.is_active) || (b.freshness_seconds ?? -1) - (a.freshness_seconds ?? -1),
  );
  return (
    <Box mah={height} pr={2} style={{ overflowY: 'auto' }}>
      <Stack gap="xs" component="ul" m={0} p={0} style={{ listStyle: 'none' }}>
        {sorted.slice(0, rowsMax).map((row) => {
          const age = row.freshness_seconds;
          const said = !row.is_active ? t('paused') : age === null ? t('never') : formatDuration(Math.max(0, age), language);
          const color = !row.is_active || age === null ? 'gray' : age > criticalAge ? 'red' : age > warningAge ? 'orange' : 'teal';
          return (
            <li key={row.source_connection_id}>
              <Group justify="space-between" gap="xs" wrap="nowrap">
                <AnchorLink
                  to="/o/$org/connections/$connectionId"
                  params={{ org: org.slug, connectionId: row.source_connection_id }}
                  size="sm"
                  truncate
                >
                  {row.name}
                </AnchorLink>
                <Tooltip
                  label={row.last_event_at ? formatDateTime(row.last_event_at, language) : t('never')}
                  events={{ hover: true, focus: true, touch: true }}
                >
                  <Text size="xs" c="dimmed" className="tabular" tabIndex={0} style={{ whiteSpace: 'nowrap' }}>
                    {said}
                  </Text>
                </Tooltip>
              </Group>
              <Progress
                size="xs"
                color={color}
                value={age === null || !row.is_active ? 0 : Math.min(100, Math.max(3, (100 * age) / criticalAge))}
                aria-hidden
              />
            </li>
          );
        })}
      </Stack>
    </Box>
  );
}
