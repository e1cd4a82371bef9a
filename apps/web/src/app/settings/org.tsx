import { Stack } from '@mantine/core';
import { Account } from '../../features/auth/account.tsx';
import { OrgSettings } from '../../features/orgs/org-settings.tsx';

/** The org itself, and the account of the person who looks at it. */
export function Org() {
  return (
    <Stack maw={640}>
      <OrgSettings />
      <Account />
    </Stack>
  );
}
