import { Card, Center, Group, Stack, Text, Title } from '@mantine/core';
import { type ReactNode, useEffect } from 'react';

export function AuthCard({ title, children, footer }: { title: string; children: ReactNode; footer?: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · Tributary`;
  }, [title]);
  return (
    <Center mih="100dvh" p="md" component="main">
      <Stack w="100%" maw={400}>
        <Group gap={8} justify="center">
          <img src="/icon.svg" alt="" width={32} height={32} />
          <Text fw={700} size="lg">
            Tributary
          </Text>
        </Group>
        <Card withBorder padding="lg">
          <Title order={1} size="h4" mb="md">
            {title}
          </Title>
          {children}
        </Card>
        {footer && (
          <Text size="sm" ta="center" component="div">
            {footer}
          </Text>
        )}
      </Stack>
    </Center>
  );
}
