import { Box, Group, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';

/** A list of people. */
export function Rows({ label, children }: { label: string; children: ReactNode }) {
  return (
    <Stack gap={0} component="ul" m={0} p={0} aria-label={label} style={{ listStyle: 'none' }}>
      {children}
    </Stack>
  );
}

/** One person, with the controls beside them or, on a phone, below. */
export function Row({
  email,
  note,
  detail,
  children,
}: {
  email: string;
  note?: string | undefined;
  detail: ReactNode;
  children: ReactNode;
}) {
  return (
    <Group component="li" gap="sm" py={8} justify="space-between" style={{ borderTop: '1px solid var(--mantine-color-default-border)' }}>
      <Box flex="1 1 240px" miw={0}>
        <Text size="sm" className="break">
          <bdi>{email}</bdi> {note}
        </Text>
        <Text size="xs" c="dimmed" component="div">
          {detail}
        </Text>
      </Box>
      <Group gap="xs" wrap="nowrap">
        {children}
      </Group>
    </Group>
  );
}
