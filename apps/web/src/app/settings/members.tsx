import { Stack } from '@mantine/core';
import { Invites } from '../../features/invites/invites.tsx';
import { LeaveOrg } from '../../features/members/leave-org.tsx';
import { Members as MemberList } from '../../features/members/members.tsx';

/** Who is in the org, who is invited, and how to leave. */
export function Members() {
  return (
    <Stack maw={860}>
      <MemberList />
      <Invites />
      <LeaveOrg />
    </Stack>
  );
}
