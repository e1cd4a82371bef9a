import { Button, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';
import { useState } from 'react';
import { useTexts } from '../../lib/i18n.ts';
import { myOrgs, useOrg } from '../../lib/orgs.ts';
import { orgPeople } from '../../lib/people.ts';
import { useSession } from '../../lib/session.ts';
import { WhyNot } from '../../ui/admin-only.tsx';
import { ConfirmCount } from '../../ui/confirm.tsx';
import { Section } from '../../ui/page.tsx';
import { Loaded } from '../../ui/states.tsx';
import { removeMember } from './queries.ts';
import { memberTexts } from './texts.ts';
import { useRefusal } from './use-refusal.ts';

export function LeaveOrg() {
  const t = useTexts(memberTexts);
  const query = useQuery(orgPeople(useOrg().id));
  return (
    <Section title={t('leave')}>
      <Loaded query={query} height={36}>
        {(people) => <Leave isLastOwner={people.filter((person) => person.role === 'owner').length === 1} />}
      </Loaded>
    </Section>
  );
}

/** Lets a member leave the org. An owner cannot leave until another owner has changed their role. */
function Leave({ isLastOwner }: { isLastOwner: boolean }) {
  const t = useTexts(memberTexts);
  const org = useOrg();
  const router = useRouter();
  const queryClient = useQueryClient();
  const userId = useSession()?.user.id ?? '';
  const refusal = useRefusal();
  const [opened, setOpened] = useState(false);
  if (org.role === 'owner') return <WhyNot text={t(isLastOwner ? 'lastOwner' : 'ownerLeaves')} />;
  return (
    <>
      <Button variant="light" color="red" size="xs" onClick={() => setOpened(true)}>
        {t('leave')}
      </Button>
      <ConfirmCount
        opened={opened}
        onClose={() => setOpened(false)}
        title={t('leaveTitle', { org: org.name })}
        preview={async () => 1}
        count={(people) => people}
        confirm={() => t('leaveConfirm')}
        danger
        onConfirm={async () => {
          await refusal.requireChange(removeMember(org.id, userId));
          notifications.show({ message: t('left', { org: org.name }) });
          await queryClient.fetchQuery({ ...myOrgs(userId), staleTime: 0 });
          await router.navigate({ to: '/' });
        }}
      >
        {() => <Text size="sm">{t('leaveBody', { org: org.name })}</Text>}
      </ConfirmCount>
    </>
  );
}
