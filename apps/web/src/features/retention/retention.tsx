import { Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTexts } from '../../lib/i18n.ts';
import { Section } from '../../ui/page.tsx';
import { Loaded } from '../../ui/states.tsx';
import { retention } from './queries.ts';
import { retentionTexts } from './texts.ts';

/** The tables that mean something to people; the others contain figures that concern no person. */
const kinds = [
  ['private.journal_payloads', 'bodies'],
  ['public.event_journal', 'journal'],
  ['public.canonical_events', 'events'],
  ['public.activity_minutes', 'minutes'],
  ['public.activity_hours', 'hours'],
] as const;

export function Retention() {
  const t = useTexts(retentionTexts);
  const rules = useQuery(retention);
  return (
    <Section title={t('retention')}>
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {t('retentionHint')}
        </Text>
        <Loaded query={rules} height={220}>
          {(rows) => (
            <Table aria-label={t('retention')}>
              <Table.Tbody>
                {kinds.flatMap(([table, kind]) => {
                  const rule = rows.find((row) => row.table_name === table);
                  return rule === undefined ? (
                    []
                  ) : (
                    <Table.Tr key={table}>
                      <Table.Th scope="row" fw={400}>
                        {t(kind)}
                      </Table.Th>
                      <Table.Td className="tabular" ta="right">
                        {t('days', { count: rule.keep_days })}
                      </Table.Td>
                    </Table.Tr>
                  );
                })}
                {(
                  [
                    ['deadLetters', 'untilPurged'],
                    ['idempotency', 'forEver'],
                  ] as const
                ).map(([kind, howLong]) => (
                  <Table.Tr key={kind}>
                    <Table.Th scope="row" fw={400}>
                      {t(kind)}
                    </Table.Th>
                    <Table.Td ta="right">{t(howLong)}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          )}
        </Loaded>
      </Stack>
    </Section>
  );
}
