import { Stack } from '@mantine/core';
import { Erasures } from '../../features/erasures/erasures.tsx';
import { Holds } from '../../features/holds/holds.tsx';
import { Keys } from '../../features/org-keys/org-keys.tsx';
import { Retention } from '../../features/retention/retention.tsx';

/** The settings that protect the people in the data: keys, retention, erasures and legal holds. */
export function Privacy() {
  return (
    <Stack maw={860}>
      <Keys />
      <Retention />
      <Erasures />
      <Holds />
    </Stack>
  );
}
