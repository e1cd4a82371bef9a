import { Table } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useOrg } from '../../app/org.ts';
import { defineTexts, useTexts } from '../../lib/i18n.ts';
import { live, Updated } from '../../ui/live.tsx';
import { Page, Section } from '../../ui/page.tsx';
import { Empty, Loaded } from '../../ui/states.tsx';
import { Money, Time } from '../../ui/values.tsx';
import { latestEvents } from './queries.ts';

const texts = defineTexts('events', {
  en: { title: 'Events', type: 'Type', time: 'Time', order: 'Order', amount: 'Amount', nothingYet: 'No event yet' },
  'pt-BR': { title: 'Eventos', type: 'Tipo', time: 'Hora', order: 'Pedido', amount: 'Valor', nothingYet: 'Nenhum evento ainda' },
});

export function Events() {
  const t = useTexts(texts);
  const org = useOrg();
  const events = useQuery({ ...latestEvents(org.id), ...live(10_000) });
  return (
    <Page
      title={t('title')}
      actions={<Updated at={events.dataUpdatedAt} isFetching={events.isFetching} onRefresh={() => void events.refetch()} />}
    >
      <Section title={t('title')}>
        <Loaded query={events} height={480} isEmpty={(rows) => rows.length === 0} empty={<Empty title={t('nothingYet')} />}>
          {(rows) => (
            <Table.ScrollContainer minWidth={600}>
              <Table aria-label={t('title')}>
                <Table.Thead>
                  <Table.Tr>
                    {(['type', 'time', 'order', 'amount'] as const).map((column) => (
                      <Table.Th key={column} scope="col">
                        {t(column)}
                      </Table.Th>
                    ))}
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {rows.map((row) => (
                    <Table.Tr key={row.id}>
                      <Table.Td>{row.type}</Table.Td>
                      <Table.Td>
                        <Time at={row.event_time} />
                      </Table.Td>
                      <Table.Td>{row.order_ref}</Table.Td>
                      <Table.Td>
                        <Money minor={row.amount_minor} currency={row.currency} />
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
