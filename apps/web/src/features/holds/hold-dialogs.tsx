import { Button, Group, Modal, Select, Stack, Text, Textarea } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { LegalHold } from '@tributary/shared/holds.ts';
import { useState } from 'react';
import { ApiError, api } from '../../lib/api.ts';
import { connectionHealth } from '../../lib/connections.ts';
import { useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { Refused } from '../../ui/refused.tsx';
import { uiTexts } from '../../ui/texts.ts';
import { invalidateLegalHolds } from './queries.ts';
import { holdTexts } from './texts.ts';

export function PlaceHold({ onClose }: { onClose: () => void }) {
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

export function ReleaseHold({ hold, covers, onClose }: { hold: LegalHold; covers: string; onClose: () => void }) {
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
