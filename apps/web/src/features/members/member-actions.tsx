import { ActionIcon, Group, Select, Text, Tooltip } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconUserMinus } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTexts } from '../../lib/i18n.ts';
import { type Role, useOrg } from '../../lib/orgs.ts';
import { invalidatePeople, type Person } from '../../lib/people.ts';
import { useSession } from '../../lib/session.ts';
import { WhyNot } from '../../ui/admin-only.tsx';
import { ConfirmCount } from '../../ui/confirm.tsx';
import { roleTexts } from '../../ui/role-texts.ts';
import { changeRole, removeMember } from './queries.ts';
import { memberTexts } from './texts.ts';
import { useRefusal } from './use-refusal.ts';

const roles = ['owner', 'admin', 'analyst'] as const;

/** The role of a member. Owners can change it, but not their own. */
export function RoleOf({ member }: { member: Person }) {
  const t = useTexts(memberTexts);
  const names = useTexts(roleTexts);
  const org = useOrg();
  const me = useSession()?.user.id;
  const queryClient = useQueryClient();
  const refusal = useRefusal();
  const change = useMutation({
    mutationFn: (role: Role) => refusal.requireChange(changeRole(org.id, member.userId, role)),
    onSuccess: (_done, role) =>
      notifications.show({ message: t('roleChanged', { email: member.email, role: names(role) }), color: 'teal' }),
    onError: (error) => notifications.show({ message: refusal.say(error), color: 'red', autoClose: false }),
    onSettled: () => invalidatePeople(queryClient, org.id),
  });
  const current = member.role ?? 'analyst';
  if (org.role !== 'owner' || member.userId === me) {
    return (
      <Group gap={6} wrap="nowrap">
        <Text size="sm">{names(current)}</Text>
        <WhyNot short text={org.role === 'owner' ? t('ownRole') : t('rolesByOwners', { role: names(org.role) })} />
      </Group>
    );
  }
  return (
    <Select
      size="xs"
      w={140}
      allowDeselect={false}
      aria-label={t('roleOf', { email: member.email })}
      data={roles.map((value) => ({ value, label: names(value) }))}
      value={change.isPending ? change.variables : current}
      disabled={change.isPending}
      onChange={(role) => {
        if (role && role !== current) change.mutate(role as Role);
      }}
    />
  );
}

export function RemoveMember({ member }: { member: Person }) {
  const t = useTexts(memberTexts);
  const org = useOrg();
  const queryClient = useQueryClient();
  const refusal = useRefusal();
  const [opened, setOpened] = useState(false);
  const { email } = member;
  // Analysts see once, above the invites, that they cannot change anything.
  if (!org.canWrite) return null;
  if (member.role === 'owner') return <WhyNot short text={t('ownersStay')} />;
  return (
    <>
      <Tooltip label={t('remove')}>
        <ActionIcon variant="subtle" color="red" onClick={() => setOpened(true)} aria-label={t('removeOf', { email })}>
          <IconUserMinus size={16} />
        </ActionIcon>
      </Tooltip>
      <ConfirmCount
        opened={opened}
        onClose={() => setOpened(false)}
        title={t('removeTitle', { email })}
        preview={async () => 1}
        count={(people) => people}
        confirm={() => t('removeConfirm')}
        danger
        onConfirm={async () => {
          await refusal.requireChange(removeMember(org.id, member.userId));
          notifications.show({ message: t('removed', { email }) });
          await invalidatePeople(queryClient, org.id);
        }}
      >
        {() => <Text size="sm">{t('removeBody', { org: org.name })}</Text>}
      </ConfirmCount>
    </>
  );
}
