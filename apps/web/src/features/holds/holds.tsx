import { Badge, Button, Group, Modal, Select, Stack, Table, Text, Textarea } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { LegalHold } from '@tributary/shared/holds.ts';
import { useState } from 'react';
import { ApiError, api } from '../../lib/api.ts';
import { connectionHealth } from '../../lib/connections.ts';
import { useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { Section } from '../../ui/page.tsx';
import { Refused } from '../../ui/refused.tsx';
import { Empty, Loaded } from '../../ui/states.tsx';
import { uiTexts } from '../../ui/texts.ts';
import { Time } from '../../ui/values.tsx';
import { invalidateLegalHolds, legalHolds } from './queries.ts';
import { holdTexts } from './texts.ts';

/** What must stay as it is, why, and since when. */
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
      {placing && <Place onClose={() => setPlacing(false)} />}
      {releasing && <Release hold={releasing} covers={covers(releasing)} onClose={() => setReleasing(undefined)} />}
    </Section>
  );
}

function Place({ onClose }: { onClose: () => void }) {
  const t = useTexts(holdTexts);
  const ui = useTexts(uiTexts);
  const org = useOrg();
  const queryClient = useQueryClient();
  const connections = useQuery(connectionHealth(org.id));
  const [connectionId, setConnectionId] = useState<string | null>(null);
  const [reason, setReason] = useState('');
  const place = useMutation({
    mutationFn: () => api(LegalHold, 'POST', '/api/legal-holds', { orgId: org.id, reason, ...(connectionId ? { connectionId } : {}) }),
    onSuccess: async () => {
      await invalidateLegalHolds(queryClient, org.id);
      onClose();
    },
  });
  const errors = place.error instanceof ApiError ? place.error.fields : {};
  return (
    <Modal opened onClose={onClose} title={t('place')} closeButtonProps={{ 'aria-label': ui('close') }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          place.mutate();
        }}
      >
        <Stack gap="sm">
          <Refused error={place.error} atField={errors.reason !== undefined} />
          <Select
            label={t('covers')}
            clearable
            placeholder={t('wholeOrg')}
            data={(connections.data ?? []).map((one) => ({ value: one.source_connection_id, label: one.name }))}
            value={connectionId}
            onChange={setConnectionId}
          />
          <Textarea
            label={t('reason')}
            description={t('reasonHint')}
            data-autofocus
            required
            withAsterisk={false}
            maxLength={500}
            autosize
            minRows={2}
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
            error={errors.reason}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {ui('cancel')}
            </Button>
            <Button type="submit" loading={place.isPending}>
              {t('placeNow')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function Release({ hold, covers, onClose }: { hold: LegalHold; covers: string; onClose: () => void }) {
  const t = useTexts(holdTexts);
  const ui = useTexts(uiTexts);
  const org = useOrg();
  const queryClient = useQueryClient();
  const release = useMutation({
    mutationFn: () => api(LegalHold, 'POST', `/api/legal-holds/${hold.id}/release`),
    onSuccess: async () => {
      await invalidateLegalHolds(queryClient, org.id);
      onClose();
    },
  });
  return (
    <Modal opened onClose={onClose} title={t('release')} closeButtonProps={{ 'aria-label': ui('close') }}>
      <Stack>
        <Text size="sm">{t('releaseBody', { covers, reason: hold.reason })}</Text>
        <Refused error={release.error} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {ui('cancel')}
          </Button>
          <Button color="orange" loading={release.isPending} onClick={() => release.mutate()}>
            {t('releaseNow')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
