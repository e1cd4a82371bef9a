import { Stack } from '@mantine/core';
import { Account } from '../../features/auth/account.tsx';
import { DeleteOrg } from '../../features/orgs/delete-org.tsx';
import { OrgSettings } from '../../features/orgs/org-settings.tsx';

/** The settings of the org, and the account of the signed-in person. */
export function Org() {
  return (
    <Stack maw={640}>
      <OrgSettings />
      <Account />
      <DeleteOrg />
    </Stack>
  );
}
