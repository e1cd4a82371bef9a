import { Alert, Button, Checkbox, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { OrgDeletion } from '@tributary/shared/org-deletion.ts';
import { useState } from 'react';
import { ApiError } from '../../lib/api.ts';
import { useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { WhyNot } from '../../ui/admin-only.tsx';
import { Section } from '../../ui/page.tsx';
import { Refused } from '../../ui/refused.tsx';
import { Loaded } from '../../ui/states.tsx';
import { uiTexts } from '../../ui/texts.ts';
import { Time } from '../../ui/values.tsx';
import { deleteOrgTexts } from './delete-org-texts.ts';
import { cancelOrgDeletion, orgDeletion, requestOrgDeletion } from './queries.ts';

/** The danger zone: an owner requests the deletion of the org, sees when it begins, and cancels it until then. */
export function DeleteOrg() {
  const t = useTexts(deleteOrgTexts);
  const query = useQuery(orgDeletion(useOrg().id));
  return (
    <Section title={t('danger')}>
      <Loaded query={query} height={96}>
        {(deletion) => (deletion.status === 'none' ? <Request /> : <Pending deletion={deletion} />)}
      </Loaded>
    </Section>
  );
}

function Request() {
  const t = useTexts(deleteOrgTexts);
  const org = useOrg();
  const [opened, setOpened] = useState(false);
  return (
    <Stack gap="sm" align="flex-start">
      <Text size="sm" c="dimmed">
        {t('hint')}
      </Text>
      {org.role === 'owner' ? (
        <Button color="red" variant="light" size="xs" onClick={() => setOpened(true)}>
          {t('delete')}
        </Button>
      ) : (
        <WhyNot text={t('ownersOnly')} />
      )}
      {opened && <Confirm onClose={() => setOpened(false)} />}
    </Stack>
  );
}

function Confirm({ onClose }: { onClose: () => void }) {
  const t = useTexts(deleteOrgTexts);
  const ui = useTexts(uiTexts);
  const org = useOrg();
  const queryClient = useQueryClient();
  const [name, setName] = useState('');
  const [knows, setKnows] = useState(false);
  const request = useMutation({
    mutationFn: () => requestOrgDeletion(org.id, name),
    onSuccess: async (deletion) => {
      queryClient.setQueryData(orgDeletion(org.id).queryKey, deletion);
      onClose();
    },
  });
  const errors = request.error instanceof ApiError ? request.error.fields : {};
  return (
    <Modal opened onClose={onClose} title={t('title', { org: org.name })} closeButtonProps={{ 'aria-label': ui('close') }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          request.mutate();
        }}
      >
        <Stack gap="sm">
          <Text size="sm">{t('body')}</Text>
          <Refused error={request.error} atField={errors.name !== undefined} />
          <TextInput
            label={t('typeName', { org: org.name })}
            data-autofocus
            autoComplete="off"
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={errors.name}
          />
          <Checkbox label={t('irreversible')} checked={knows} onChange={(event) => setKnows(event.currentTarget.checked)} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {ui('cancel')}
            </Button>
            <Button type="submit" color="red" disabled={name !== org.name || !knows} loading={request.isPending}>
              {t('deleteNow')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function Pending({ deletion }: { deletion: OrgDeletion }) {
  const t = useTexts(deleteOrgTexts);
  const org = useOrg();
  const queryClient = useQueryClient();
  const cancel = useMutation({
    mutationFn: () => cancelOrgDeletion(org.id),
    onSuccess: (now) => queryClient.setQueryData(orgDeletion(org.id).queryKey, now),
  });
  return (
    <Stack gap="sm" align="flex-start">
      <Alert color="red" title={t(deletion.status === 'running' ? 'running' : 'scheduled')} w="100%">
        <Text size="sm">
          {deletion.status === 'running' ? (
            t('runningBody', { rows: deletion.rowsDeleted })
          ) : (
            <>
              {t('scheduledBody')} <Time at={deletion.startsAt} exact /> (<Time at={deletion.startsAt} />)
            </>
          )}
        </Text>
        {deletion.waitsFor !== null && <Text size="sm">{t('waits', { reason: deletion.waitsFor })}</Text>}
      </Alert>
      <Refused error={cancel.error} />
      {deletion.status === 'scheduled' &&
        (org.role === 'owner' ? (
          <Button size="xs" variant="default" loading={cancel.isPending} onClick={() => cancel.mutate()}>
            {t('cancel')}
          </Button>
        ) : (
          <WhyNot text={t('ownersOnly')} />
        ))}
    </Stack>
  );
}
