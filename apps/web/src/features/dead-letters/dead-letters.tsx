import { Table } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useOrg } from '../../app/org.ts';
import { defineTexts, useTexts } from '../../lib/i18n.ts';
import { live, Updated } from '../../ui/live.tsx';
import { Page, Section } from '../../ui/page.tsx';
import { Empty, Loaded } from '../../ui/states.tsx';
import { Time } from '../../ui/values.tsx';
import { latestDeadLetters } from './queries.ts';

const texts = defineTexts('dead-letters', {
  en: { title: 'Dead letters', reason: 'Reason', message: 'Message', status: 'Status', time: 'Time', nothingYet: 'Nothing has failed' },
  'pt-BR': { title: 'Falhas', reason: 'Motivo', message: 'Mensagem', status: 'Estado', time: 'Hora', nothingYet: 'Nada falhou' },
});

export function DeadLetters() {
  const t = useTexts(texts);
  const org = useOrg();
  const entries = useQuery({ ...latestDeadLetters(org.id), ...live(10_000) });
  return (
    <Page
      title={t('title')}
      actions={<Updated at={entries.dataUpdatedAt} isFetching={entries.isFetching} onRefresh={() => void entries.refetch()} />}
    >
      <Section title={t('title')}>
        <Loaded query={entries} height={480} isEmpty={(rows) => rows.length === 0} empty={<Empty title={t('nothingYet')} />}>
          {(rows) => (
            <Table.ScrollContainer minWidth={600}>
              <Table aria-label={t('title')}>
                <Table.Thead>
                  <Table.Tr>
                    {(['reason', 'message', 'status', 'time'] as const).map((column) => (
                      <Table.Th key={column} scope="col">
                        {t(column)}
                      </Table.Th>
                    ))}
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {rows.map((row) => (
                    <Table.Tr key={row.id}>
                      <Table.Td>{row.error_class}</Table.Td>
                      <Table.Td className="break">{row.last_error_message}</Table.Td>
                      <Table.Td>{row.status}</Table.Td>
                      <Table.Td>
                        <Time at={row.created_at} />
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Table.ScrollContainer>
          )}
        </Loaded>
      </Section>
    </Page>
  );
}
