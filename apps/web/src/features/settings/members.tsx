import { Box, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/org.ts';
import { useSession } from '../../lib/session.ts';
import { live, Updated } from '../../ui/live.tsx';
import { Section } from '../../ui/page.tsx';
import { Loaded } from '../../ui/states.tsx';
import { Time } from '../../ui/values.tsx';
import { Invites } from './invites.tsx';
import { Leave, RemoveMember, RoleOf } from './member-actions.tsx';
import { Row, Rows } from './people-rows.tsx';
import { peopleTexts } from './people-texts.ts';
import { orgPeople, type Person } from './queries.ts';
import { settingsTexts } from './texts.ts';

/** Who is in the org, who is invited, and the way out. */
export function Members() {
  const t = useTexts(peopleTexts);
  const query = useQuery({ ...orgPeople(useOrg().id), ...live(30_000) });
  return (
    <Stack maw={860}>
      <Section
        title={t('members')}
        aside={<Updated at={query.dataUpdatedAt} isFetching={query.isFetching} onRefresh={() => void query.refetch()} />}
      >
        <Loaded query={query} height={200}>
          {(people) => <MemberList members={people.filter((person) => person.role !== null)} />}
        </Loaded>
        <RolesExplained />
      </Section>
      <Invites members={query.data ?? []} />
      <Section title={t('leave')}>
        <Loaded query={query} height={36}>
          {(people) => <Leave isLastOwner={people.filter((person) => person.role === 'owner').length === 1} />}
        </Loaded>
      </Section>
    </Stack>
  );
}

function MemberList({ members }: { members: readonly Person[] }) {
  const t = useTexts(peopleTexts);
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
  const t = useTexts(settingsTexts);
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
