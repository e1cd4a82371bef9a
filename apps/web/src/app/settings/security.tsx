import { Stack } from '@mantine/core';
import { SecondFactor } from '../../features/auth/second-factor.tsx';
import { Approvals } from '../../features/security/approvals.tsx';
import { Requirements } from '../../features/security/requirements.tsx';

/** What waits for a second person, what the org requires of its people, and the second factor of the signed-in person. */
export function Security() {
  return (
    <Stack maw={860}>
      <Approvals />
      <Requirements />
      <SecondFactor />
    </Stack>
  );
}
