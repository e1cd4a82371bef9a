import { Stack } from '@mantine/core';
import { Erasures } from './erasures.tsx';
import { Holds } from './holds.tsx';
import { Keys } from './keys.tsx';
import { Retention } from './retention.tsx';

/** What protects the people in the data: keys, how long anything is kept, and what must not be touched. */
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
