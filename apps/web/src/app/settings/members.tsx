import { Stack } from '@mantine/core';
import { Invites } from '../../features/invites/invites.tsx';
import { LeaveOrg } from '../../features/members/leave-org.tsx';
import { Members as MemberList } from '../../features/members/members.tsx';

/** The members of the org, the open invites, and a way to leave the org. */
export function Members() {
  return (
    <Stack maw={860}>
      <MemberList />
      <Invites />
      <LeaveOrg />
    </Stack>
  );
}
