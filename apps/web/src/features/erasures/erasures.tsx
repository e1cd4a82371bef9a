import { Badge, Button, Group, Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Erasure } from '@tributary/shared/erasures.ts';
import { useState } from 'react';
import { formatDateTime, formatNumber } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { live } from '../../ui/live.tsx';
import { Section } from '../../ui/page.tsx';
import { Empty, Loaded } from '../../ui/states.tsx';
import { Time } from '../../ui/values.tsx';
import { EraseDialog } from './erase-dialog.tsx';
import { erasures } from './queries.ts';
import { erasureTexts } from './texts.ts';

/** The erasures of the org: the kinds of identifiers, the progress and the counts, but never the person. */
export function Erasures() {
  const t = useTexts(erasureTexts);
  const language = useLanguage();
  const org = useOrg();
  const query = useQuery({ ...erasures(org.id), ...live(5_000) });
  const [asking, setAsking] = useState(false);
  return (
    <Section title={t('erasures')}>
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {t('erasuresHint')}
        </Text>
        <AdminOnly>
          <Group>
            <Button size="xs" variant="default" onClick={() => setAsking(true)}>
              {t('erase')}
            </Button>
          </Group>
        </AdminOnly>
        <Loaded query={query} height={130} isEmpty={(rows) => rows.length === 0} empty={<Empty title={t('noErasure')} />}>
          {(rows) => (
            <Table.ScrollContainer minWidth={560}>
              <Table aria-label={t('erasures')}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th scope="col">{t('asked')}</Table.Th>
                    <Table.Th scope="col">{t('namedBy')}</Table.Th>
                    <Table.Th scope="col">{t('erased')}</Table.Th>
                    <Table.Th scope="col">{t('state')}</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {rows.map((one) => (
                    <Table.Tr key={one.id}>
                      <Table.Td>
                        <Time at={one.createdAt} />
                      </Table.Td>
                      <Table.Td>
                        {one.kinds.map((kind) => t(kind)).join(', ')}
                        {one.reference && (
                          <Text size="xs" c="dimmed" className="break isolated">
                            {one.reference}
                          </Text>
                        )}
                      </Table.Td>
                      <Table.Td className="tabular">
                        {t('erasedCounts', {
                          events: formatNumber(one.events, language),
                          deliveries: formatNumber(one.deliveries, language),
                          deadLetters: formatNumber(one.deadLetters, language),
                          otherRows: formatNumber(one.otherRows, language),
                        })}
                        {one.unreadable > 0 && (
                          <Text size="xs" c="orange">
                            {t('unreadable', { count: one.unreadable })}
                          </Text>
                        )}
                      </Table.Td>
                      <Table.Td>
                        <Progress erasure={one} />
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Table.ScrollContainer>
          )}
        </Loaded>
      </Stack>
      {asking && <EraseDialog onClose={() => setAsking(false)} />}
    </Section>
  );
}

function Progress({ erasure }: { erasure: Erasure }) {
  const t = useTexts(erasureTexts);
  const language = useLanguage();
  if (erasure.status === 'completed')
    return (
      <>
        <Badge variant="dot" color="teal">
          {t('completed')}
        </Badge>
        <Text size="xs" c="dimmed">
          <Time at={erasure.completedAt} />
        </Text>
      </>
    );
  if (erasure.waitsFor !== null)
    return (
      <>
        <Badge variant="dot" color="orange">
          {t('waits')}
        </Badge>
        <Text size="xs" className="break isolated">
          {erasure.waitsFor}
        </Text>
      </>
    );
  return (
    <>
      <Badge variant="dot" color="blue">
        {t('working')}
      </Badge>
      <Text size="xs" c="dimmed">
        {t('looked', { count: erasure.scanned, scanned: formatNumber(erasure.scanned, language) })}
        {erasure.scannedTo && ` · ${t('until', { time: formatDateTime(erasure.scannedTo, language) })}`}
      </Text>
    </>
  );
}
