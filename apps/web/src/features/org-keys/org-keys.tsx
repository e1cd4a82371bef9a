import { Badge, Button, Group, Modal, Stack, Table, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type OrgKey, OrgKeys, type RotateKey } from '@tributary/shared/api.ts';
import dayjs from 'dayjs';
import { useState } from 'react';
import { api } from '../../lib/api.ts';
import { formatDateTime } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { AnchorLink } from '../../ui/links.tsx';
import { Section } from '../../ui/page.tsx';
import { Refused } from '../../ui/refused.tsx';
import { Empty, Loaded } from '../../ui/states.tsx';
import { uiTexts } from '../../ui/texts.ts';
import { Time } from '../../ui/values.tsx';
import { orgKeys } from './queries.ts';
import { orgKeyTexts } from './texts.ts';

type Kind = OrgKey['kind'];

/** The keys of the org, and the buttons that create new ones. */
export function Keys() {
  const t = useTexts(orgKeyTexts);
  const org = useOrg();
  const keys = useQuery(orgKeys(org.id));
  const [asking, setAsking] = useState<Kind>();
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
                            {t(key.current ? 'inUse' : key.retiredAt ? 'retired' : key.kind === 'data' ? 'opens' : 'finds')}
                          </Badge>
                        </Table.Td>
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              </Table.ScrollContainer>
              <OlderHashes keys={rows} />
              <AdminOnly>
                <Group gap="xs">
                  <Button size="xs" variant="default" onClick={() => setAsking('data')}>
                    {t('rotateData')}
                  </Button>
                  <Button size="xs" variant="default" onClick={() => setAsking('hash')}>
                    {t('rotateHash')}
                  </Button>
                </Group>
              </AdminOnly>
            </>
          )}
        </Loaded>
      </Stack>
      {asking && <RotateDialog kind={asking} onClose={() => setAsking(undefined)} />}
    </Section>
  );
}

/** After a new hash key: says that older events still have hashes of an older key, and links to the reprocessing that replaces them. */
function OlderHashes({ keys }: { keys: readonly OrgKey[] }) {
  const t = useTexts(orgKeyTexts);
  const language = useLanguage();
  const org = useOrg();
  // Newest first.
  const hashKeys = keys.filter(({ kind }) => kind === 'hash');
  const [current, oldest] = [hashKeys.find((key) => key.current), hashKeys.at(-1)];
  if (!current || !oldest || current === oldest) return null;
  // Every instance uses the new key within a moment; one minute is more than enough.
  const to = dayjs(current.createdAt).add(1, 'minute').toISOString();
  return (
    <Text size="sm" c="dimmed">
      {t('olderHashes', { time: formatDateTime(current.createdAt, language) })}{' '}
      <AnchorLink
        size="sm"
        underline="always"
        to="/o/$org/replays"
        params={{ org: org.slug }}
        search={{ new: '1', mode: 'reprocess', from: dayjs(oldest.createdAt).toISOString(), to }}
      >
        {t('reprocess')}
      </AnchorLink>
    </Text>
  );
}

const words = {
  data: { title: 'rotateData', done: 'rotatedData', body: ['rotateDataBody'] },
  hash: { title: 'rotateHash', done: 'rotatedHash', body: ['rotateHashBody', 'rotateHashJoins'] },
} as const;

function RotateDialog({ kind, onClose }: { kind: Kind; onClose: () => void }) {
  const t = useTexts(orgKeyTexts);
  const ui = useTexts(uiTexts);
  const org = useOrg();
  const queryClient = useQueryClient();
  const { title, done, body } = words[kind];
  const rotate = useMutation({
    mutationFn: () => api(OrgKeys, 'POST', `/api/orgs/${org.id}/keys/rotate`, { kind } satisfies RotateKey),
    onSuccess: ({ keys }) => {
      queryClient.setQueryData(orgKeys(org.id).queryKey, keys);
      notifications.show({ message: t(done), color: 'teal' });
      onClose();
    },
  });
  return (
    <Modal opened onClose={onClose} title={t(title)} closeButtonProps={{ 'aria-label': ui('close') }}>
      <Stack>
        {body.map((text) => (
          <Text key={text} size="sm">
            {t(text)}
          </Text>
        ))}
        <Refused error={rotate.error} />
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
