import { Button, Code, Group, Select, Stack, Text, TextInput } from '@mantine/core';
import { isEmail, useForm } from '@mantine/form';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { CreatedInvite, Invite } from '@tributary/shared/api.ts';
import { useState } from 'react';
import { ApiError } from '../../lib/errors.ts';
import { formatDateTime } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { orgPeople } from '../../lib/people.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { ConfirmCount } from '../../ui/confirm.tsx';
import { live } from '../../ui/live.tsx';
import { Section } from '../../ui/page.tsx';
import { Row, Rows } from '../../ui/people-rows.tsx';
import { Refused } from '../../ui/refused.tsx';
import { roleTexts } from '../../ui/role-texts.ts';
import { SecretModal } from '../../ui/secret-modal.tsx';
import { Empty, Loaded } from '../../ui/states.tsx';
import { Copy, Time, useNow } from '../../ui/values.tsx';
import { createInvite, invalidateInvites, orgInvites, revokeInvite } from './queries.ts';
import { inviteTexts } from './texts.ts';

export function Invites() {
  const t = useTexts(inviteTexts);
  const org = useOrg();
  const query = useQuery({ ...orgInvites(org.id), ...live(30_000), enabled: org.canWrite });
  return (
    <>
      <Section title={t('invite')}>
        <AdminOnly>
          <InviteForm />
        </AdminOnly>
      </Section>
      {org.canWrite && (
        <Section title={t('invites')}>
          <Loaded query={query} height={160} isEmpty={(invites) => invites.length === 0} empty={<Empty title={t('noInvites')} />}>
            {(invites) => <InviteList invites={invites} />}
          </Loaded>
        </Section>
      )}
    </>
  );
}

function InviteForm() {
  const t = useTexts(inviteTexts);
  const names = useTexts(roleTexts);
  const org = useOrg();
  const queryClient = useQueryClient();
  const [made, setMade] = useState<CreatedInvite & { email: string }>();
  const people = useQuery(orgPeople(org.id));
  const isMember = (email: string) => people.data?.some((one) => one.role !== null && one.email.toLowerCase() === email.toLowerCase());
  const form = useForm({
    initialValues: { email: '', role: 'analyst' as 'admin' | 'analyst' },
    transformValues: (values) => ({ ...values, email: values.email.trim() }),
    validate: {
      email: (value) =>
        isEmail(t('emailInvalid'))(value.trim()) ?? (isMember(value.trim()) ? t('alreadyMember', { email: value.trim() }) : null),
    },
  });
  const create = useMutation({
    mutationFn: async ({ email, role }: typeof form.values) => ({ ...(await createInvite(org.id, email, role)), email }),
    onSuccess: async (invite) => {
      setMade(invite);
      form.reset();
      await invalidateInvites(queryClient, org.id);
    },
    onError: (error) => {
      if (error instanceof ApiError) form.setErrors(error.fields);
    },
  });
  return (
    <form onSubmit={form.onSubmit((values) => create.mutate(values))} noValidate>
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {t('inviteHint')}
        </Text>
        <Refused error={create.error} />
        <Group align="flex-start" gap="sm">
          <TextInput label={t('email')} type="email" autoComplete="off" maxLength={254} flex="1 1 240px" {...form.getInputProps('email')} />
          <Select
            label={names('role')}
            w={150}
            allowDeselect={false}
            data={(['analyst', 'admin'] as const).map((value) => ({ value, label: names(value) }))}
            {...form.getInputProps('role')}
          />
          {/* Aligned with the fields, not with their error texts. */}
          <Button type="submit" loading={create.isPending} mt={24}>
            {t('createInvite')}
          </Button>
        </Group>
      </Stack>
      {made && <InviteLink invite={made} onClose={() => setMade(undefined)} />}
    </form>
  );
}

/** Shows the link once: closing the dialog forgets it. */
function InviteLink({ invite, onClose }: { invite: CreatedInvite & { email: string }; onClose: () => void }) {
  const t = useTexts(inviteTexts);
  const language = useLanguage();
  const { email, acceptUrl } = invite;
  return (
    <SecretModal title={t('inviteReady', { email })} onClose={onClose}>
      <Stack>
        <Text size="sm">{t('inviteOnce', { email, until: formatDateTime(invite.expiresAt, language) })}</Text>
        <Group gap="xs" wrap="nowrap" align="flex-start">
          <Code block flex={1} className="break" aria-label={t('inviteLink')} style={{ whiteSpace: 'pre-wrap' }}>
            {acceptUrl}
          </Code>
          <Copy value={acceptUrl} label={t('inviteCopy')} />
        </Group>
        <Group justify="flex-end">
          <Button onClick={onClose}>{t('done')}</Button>
        </Group>
      </Stack>
    </SecretModal>
  );
}

function InviteList({ invites }: { invites: readonly Invite[] }) {
  const t = useTexts(inviteTexts);
  const names = useTexts(roleTexts);
  const now = useNow(30_000);
  return (
    <Rows label={t('invites')}>
      {invites.map((invite) => (
        <Row
          key={invite.id}
          email={invite.email}
          detail={
            Date.parse(invite.expiresAt) <= now ? (
              t('expired')
            ) : (
              <>
                {t('expires')} <Time at={invite.expiresAt} />
              </>
            )
          }
        >
          <Text size="sm">{names(invite.role)}</Text>
          <Revoke invite={invite} />
        </Row>
      ))}
    </Rows>
  );
}

function Revoke({ invite: { id, email } }: { invite: Invite }) {
  const t = useTexts(inviteTexts);
  const org = useOrg();
  const queryClient = useQueryClient();
  const [opened, setOpened] = useState(false);
  return (
    <>
      <Button variant="subtle" color="red" size="compact-sm" onClick={() => setOpened(true)} aria-label={t('revokeOf', { email })}>
        {t('revoke')}
      </Button>
      <ConfirmCount
        opened={opened}
        onClose={() => setOpened(false)}
        title={t('revokeOf', { email })}
        preview={async () => 1}
        count={(invites) => invites}
        confirm={() => t('revokeConfirm')}
        danger
        onConfirm={async () => {
          await revokeInvite(id);
          notifications.show({ message: t('revoked', { email }) });
          await invalidateInvites(queryClient, org.id);
        }}
      >
        {() => <Text size="sm">{t('revokeBody', { email })}</Text>}
      </ConfirmCount>
    </>
  );
}
