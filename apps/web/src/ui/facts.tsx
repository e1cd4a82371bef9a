import { Box, Text } from '@mantine/core';
import type { ReactNode } from 'react';

/** The names and values of one thing in two columns. An undefined value is left out together with its name. */
export function Facts({ label, facts }: { label: string; facts: readonly (readonly [name: string, value: ReactNode])[] }) {
  return (
    <Box
      component="dl"
      aria-label={label}
      m={0}
      style={{ display: 'grid', gridTemplateColumns: 'minmax(104px, 30%) 1fr', gap: '10px 12px' }}
    >
      {facts.map(([name, value]) =>
        value === undefined ? null : (
          <Box key={name} style={{ display: 'contents' }}>
            <Text component="dt" size="sm" c="dimmed" className="isolated break">
              {name}
            </Text>
            <Text component="dd" size="sm" m={0} miw={0} className="isolated break">
              {value}
            </Text>
          </Box>
        ),
      )}
    </Box>
  );
}
