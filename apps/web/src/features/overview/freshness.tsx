import { Box, Group, Progress, Stack, Text, Tooltip } from '@mantine/core';
import type { ConnectionVerdict } from '@tributary/shared/verdicts.ts';
import { formatDateTime, formatDuration } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { AnchorLink } from '../../ui/links.tsx';
import { verdictColor, verdictOf } from '../../ui/verdict.tsx';
import { verdictTexts } from '../../ui/verdict-texts.ts';
import { overviewTexts } from './texts.ts';

interface Row {
  source_connection_id: string;
  name: string;
  type: string;
  verdict: string;
  verdict_reason: string | null;
  verdict_level: string | null;
  freshness_seconds: number | null;
  last_event_at: string | null;
}

/** The age of the newest event at which a bar is full. The colour is that of the verdict, so a shop that is closed at night stays green. */
const fullAge = 1_800;

/** The gravest first. */
const order: readonly ConnectionVerdict[] = ['needs_secret', 'failing', 'silent', 'late', 'ok', 'waiting', 'paused'];

/** The list of connections shows all of them. */
const rowsMax = 50;

/**
 * A small bar for each connection, the gravest verdict and then the stalest first: the fuller the bar, the longer no event has arrived. The list is at most `height`
 * pixels high and scrolls.
 */
export function Freshness({ rows, height }: { rows: readonly Row[]; height: number }) {
  const t = useTexts(overviewTexts);
  const verdicts = useTexts(verdictTexts);
  const language = useLanguage();
  const org = useOrg();
  const place = (row: Row) => order.indexOf(verdictOf(row).state);
  const sorted = [...rows].sort((a, b) => place(a) - place(b) || (b.freshness_seconds ?? -1) - (a.freshness_seconds ?? -1));
  return (
    <Box mah={height} pr={2} style={{ overflowY: 'auto' }}>
      <Stack gap="xs" component="ul" m={0} p={0} style={{ listStyle: 'none' }}>
        {sorted.slice(0, rowsMax).map((row) => {
          const age = row.freshness_seconds;
          const verdict = verdictOf(row);
          const ageText = age === null ? t('never') : formatDuration(Math.max(0, age), language);
          const said =
            verdict.state === 'ok' ? ageText : age === null ? verdicts(verdict.state) : `${verdicts(verdict.state)} · ${ageText}`;
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
                color={verdictColor(verdict)}
                value={
                  verdict.state === 'needs_secret'
                    ? 100
                    : age === null || verdict.state === 'paused'
                      ? 0
                      : Math.min(100, Math.max(3, (100 * age) / fullAge))
                }
                aria-hidden
              />
            </li>
          );
        })}
      </Stack>
    </Box>
  );
}
