import { Badge, Button, Group, Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { LegalHold } from '@tributary/shared/holds.ts';
import { useState } from 'react';
import { connectionHealth } from '../../lib/connections.ts';
import { useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { Section } from '../../ui/page.tsx';
import { Empty, Loaded } from '../../ui/states.tsx';
import { Time } from '../../ui/values.tsx';
import { PlaceHold, ReleaseHold } from './hold-dialogs.tsx';
import { legalHolds } from './queries.ts';
import { holdTexts } from './texts.ts';

/** The legal holds of the org with what they cover, why, and since when. */
export function Holds() {
  const t = useTexts(holdTexts);
  const org = useOrg();
  const holds = useQuery(legalHolds(org.id));
  const connections = useQuery(connectionHealth(org.id));
  const [placing, setPlacing] = useState(false);
  const [releasing, setReleasing] = useState<LegalHold>();
  const covers = (hold: LegalHold) =>
    hold.connectionId === null
      ? t('wholeOrg')
      : (connections.data?.find((one) => one.source_connection_id === hold.connectionId)?.name ?? hold.connectionId);
  return (
    <Section
      title={t('holds')}
      aside={
        org.canWrite && (
          <Button size="xs" variant="default" onClick={() => setPlacing(true)}>
            {t('place')}
          </Button>
        )
      }
    >
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {t('holdsHint')}
        </Text>
        {!org.canWrite && <AdminOnly>{null}</AdminOnly>}
        <Loaded query={holds} height={130} isEmpty={(rows) => rows.length === 0} empty={<Empty title={t('noHold')} />}>
          {(rows) => (
            <Table.ScrollContainer minWidth={520}>
              <Table aria-label={t('holds')}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th scope="col">{t('covers')}</Table.Th>
                    <Table.Th scope="col">{t('reason')}</Table.Th>
                    <Table.Th scope="col">{t('placed')}</Table.Th>
                    <Table.Th scope="col">{t('state')}</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {rows.map((hold) => (
                    <Table.Tr key={hold.id}>
                      <Table.Td className="break">{covers(hold)}</Table.Td>
                      <Table.Td className="break">{hold.reason}</Table.Td>
                      <Table.Td>
                        <Time at={hold.createdAt} />
                      </Table.Td>
                      <Table.Td>
                        {hold.releasedAt ? (
                          <Text size="sm" c="dimmed">
                            {t('released')} <Time at={hold.releasedAt} />
                          </Text>
                        ) : (
                          <Group gap="xs" wrap="nowrap">
                            <Badge variant="dot" color="orange">
                              {t('stands')}
                            </Badge>
                            {org.canWrite && (
                              <Button size="compact-xs" variant="subtle" onClick={() => setReleasing(hold)}>
                                {t('release')}
                              </Button>
                            )}
                          </Group>
                        )}
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Table.ScrollContainer>
          )}
        </Loaded>
      </Stack>
      {placing && <PlaceHold onClose={() => setPlacing(false)} />}
      {releasing && <ReleaseHold hold={releasing} covers={covers(releasing)} onClose={() => setReleasing(undefined)} />}
    </Section>
  );
}
