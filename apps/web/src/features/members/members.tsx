import { Box, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { orgPeople, type Person } from '../../lib/people.ts';
import { useSession } from '../../lib/session.ts';
import { live, Updated } from '../../ui/live.tsx';
import { Section } from '../../ui/page.tsx';
import { Row, Rows } from '../../ui/people-rows.tsx';
import { roleTexts } from '../../ui/role-texts.ts';
import { Loaded } from '../../ui/states.tsx';
import { Time } from '../../ui/values.tsx';
import { RemoveMember, RoleOf } from './member-actions.tsx';
import { memberTexts } from './texts.ts';

/** The members of the org, and what each role may do. */
export function Members() {
  const t = useTexts(memberTexts);
  const query = useQuery({ ...orgPeople(useOrg().id), ...live(30_000) });
  return (
    <Section
      title={t('members')}
      aside={<Updated at={query.dataUpdatedAt} isFetching={query.isFetching} onRefresh={() => void query.refetch()} />}
    >
      <Loaded query={query} height={200}>
        {(people) => <MemberList members={people.filter((person) => person.role !== null)} />}
      </Loaded>
      <RolesExplained />
    </Section>
  );
}

function MemberList({ members }: { members: readonly Person[] }) {
  const t = useTexts(memberTexts);
  const me = useSession()?.user.id;
  return (
    <Rows label={t('members')}>
      {members.map((member) => (
        <Row
          key={member.userId}
          email={member.email}
          note={member.userId === me ? `(${t('you')})` : undefined}
          detail={
            <>
              {t('joined')} <Time at={member.joinedAt} />
            </>
          }
        >
          <RoleOf member={member} />
          <Box w={28}>{member.userId !== me && <RemoveMember member={member} />}</Box>
        </Row>
      ))}
    </Rows>
  );
}

function RolesExplained() {
  const t = useTexts(roleTexts);
  return (
    <Text size="xs" c="dimmed" mt="sm">
      {(['owner', 'admin', 'analyst'] as const).map((role) => (
        <Text span inherit key={role}>
          <b>{t(role)}</b>: {t(`${role}Hint`)}{' '}
        </Text>
      ))}
    </Text>
  );
}
