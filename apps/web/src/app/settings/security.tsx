import { Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { SecondFactor } from '../../features/auth/second-factor.tsx';
import { Approvals } from '../../features/security/approvals.tsx';
import { approvals } from '../../features/security/queries.ts';
import { Requirements } from '../../features/security/requirements.tsx';
import { useOrg } from '../../lib/orgs.ts';

/** What waits for a second person, what the org requires of its people, and the second factor of the signed-in person. */
export function Security() {
  const { id, canWrite } = useOrg();
  // The length of the list decides where the rest of the page begins.
  const { isLoading } = useQuery({ ...approvals(id, 'all'), enabled: canWrite });
  return (
    <Stack maw={860}>
      <Approvals />
      {!isLoading && (
        <>
          <Requirements />
          <SecondFactor />
        </>
      )}
    </Stack>
  );
}
