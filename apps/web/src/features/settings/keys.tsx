import { Alert, Badge, Button, Group, Modal, Stack, Table, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { OrgKeys } from '@tributary/shared/api.ts';
import { useState } from 'react';
import { useOrg } from '../../app/org.ts';
import { api } from '../../lib/api.ts';
import { useTexts } from '../../lib/i18n.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { Section } from '../../ui/page.tsx';
import { Empty, Loaded } from '../../ui/states.tsx';
import { uiTexts } from '../../ui/texts.ts';
import { Time } from '../../ui/values.tsx';
import { orgKeys } from './privacy-queries.ts';
import { privacyTexts } from './privacy-texts.ts';

/** Which keys the org has, and a new one. */
export function Keys() {
  const t = useTexts(privacyTexts);
  const org = useOrg();
  const keys = useQuery(orgKeys(org.id));
  const [asking, setAsking] = useState(false);
  return (
    <Section title={t('keys')}>
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {t('keysHint')}
        </Text>
        <Loaded query={keys} height={130} isEmpty={(rows) => rows.length === 0} empty={<Empty title={t('noKey')} hint={t('noKeyHint')} />}>
          {(rows) => (
            <>
              <Table.ScrollContainer minWidth={420}>
                <Table aria-label={t('keys')}>
                  <Table.Thead>
                    <Table.Tr>
                      <Table.Th scope="col">{t('key')}</Table.Th>
                      <Table.Th scope="col">{t('version')}</Table.Th>
                      <Table.Th scope="col">{t('made')}</Table.Th>
                      <Table.Th scope="col">{t('state')}</Table.Th>
                    </Table.Tr>
                  </Table.Thead>
                  <Table.Tbody>
                    {rows.map((key) => (
                      <Table.Tr key={`${key.kind} ${key.version}`}>
                        <Table.Td>{t(key.kind)}</Table.Td>
                        <Table.Td className="tabular">{key.version}</Table.Td>
                        <Table.Td>
                          <Time at={key.createdAt} />
                        </Table.Td>
                        <Table.Td>
                          <Badge variant="dot" color={key.current ? 'teal' : 'gray'}>
                            {t(key.current ? 'inUse' : key.retiredAt ? 'retired' : 'opensOnly')}
                          </Badge>
                        </Table.Td>
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              </Table.ScrollContainer>
              <AdminOnly>
                <Group>
                  <Button size="xs" variant="default" onClick={() => setAsking(true)}>
                    {t('rotate')}
                  </Button>
                </Group>
              </AdminOnly>
            </>
          )}
        </Loaded>
      </Stack>
      {asking && <Rotate onClose={() => setAsking(false)} />}
    </Section>
  );
}

function Rotate({ onClose }: { onClose: () => void }) {
  const t = useTexts(privacyTexts);
  const ui = useTexts(uiTexts);
  const org = useOrg();
  const queries = useQueryClient();
  const rotate = useMutation({
    mutationFn: () => api(OrgKeys, 'POST', `/api/orgs/${org.id}/keys/rotate`),
    onSuccess: ({ keys }) => {
      queries.setQueryData(orgKeys(org.id).queryKey, keys);
      notifications.show({ message: t('rotated'), color: 'teal' });
      onClose();
    },
  });
  return (
    <Modal opened onClose={onClose} title={t('rotate')} closeButtonProps={{ 'aria-label': ui('close') }}>
      <Stack>
        <Text size="sm">{t('rotateBody')}</Text>
        <Text size="sm" c="dimmed">
          {t('hashStays')}
        </Text>
        {rotate.error && (
          <Alert color="red" role="alert">
            {rotate.error.message}
          </Alert>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {ui('cancel')}
          </Button>
          <Button loading={rotate.isPending} onClick={() => rotate.mutate()}>
            {t('rotateNow')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
