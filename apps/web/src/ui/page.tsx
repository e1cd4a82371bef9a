import { Card, Group, Stack, Text, Title } from '@mantine/core';
import { type ReactNode, useEffect } from 'react';

/** A page: one heading with its actions beside it. The title of the browser tab is the same. */
export function Page({
  title,
  description,
  actions,
  children,
}: {
  title: string;
  description?: string;
  actions?: ReactNode;
  children: ReactNode;
}) {
  useEffect(() => {
    document.title = `${title} · Tributary`;
  }, [title]);
  return (
    <Stack gap="md" maw="var(--page-max)" mx="auto">
      <Group justify="space-between" align="flex-start" gap="sm">
        <div>
          <Title order={1} size="h3" className="isolated break">
            {title}
          </Title>
          {description && (
            <Text size="sm" c="dimmed">
              {description}
            </Text>
          )}
        </div>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Stack>
  );
}

/** A section of a page with its own heading; as high as its neighbours where a row stretches it. */
export function Section({ title, aside, children }: { title: string; aside?: ReactNode; children: ReactNode }) {
  return (
    <Card withBorder padding="md" component="section" aria-label={title} h="100%" style={{ overflow: 'clip' }}>
      <Group justify="space-between" mb="sm" gap="xs">
        <Title order={2} size="h6">
          {title}
        </Title>
        {aside}
      </Group>
      {children}
    </Card>
  );
}
