import { Button, Group, Select, SimpleGrid, Stack, Text } from '@mantine/core';
import { IconSend } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { SourceEntry } from '@tributary/shared/api.ts';
import { useState } from 'react';
import { useTexts } from '../../lib/i18n.ts';
import { Refused } from '../../ui/refused.tsx';
import { Json } from '../../ui/values.tsx';
import { invalidateConnection, sendTest } from './queries.ts';
import { connectionTexts } from './texts.ts';

/** Sends a signed sample through the real endpoint and shows exactly what was sent and what came back. */
export function TestSender({ connectionId, source }: { connectionId: string; source: SourceEntry }) {
  const t = useTexts(connectionTexts);
  const queryClient = useQueryClient();
  const [sample, setSample] = useState(source.samples[0]?.name);
  const send = useMutation({
    mutationFn: () => sendTest(connectionId, sample),
    onSuccess: () => invalidateConnection(queryClient, connectionId),
  });
  return (
    <Stack gap="sm">
      <Text size="sm" c="dimmed">
        {t('testHint')}
      </Text>
      <Group align="flex-end" gap="xs">
        <Select
          label={t('sample')}
          data={source.samples.map((one) => ({ value: one.name, label: `${one.label} · ${one.name}` }))}
          value={sample ?? null}
          onChange={(value) => setSample(value ?? undefined)}
          allowDeselect={false}
          searchable
          flex={1}
          miw={220}
        />
        <Button onClick={() => send.mutate()} loading={send.isPending} leftSection={<IconSend size={16} />}>
          {t('sendTest')}
        </Button>
      </Group>
      <Refused error={send.error} />
      {send.data && (
        <SimpleGrid cols={{ base: 1, md: 2 }} role="status">
          <div>
            <Text size="sm" fw={500}>
              {t('request')}
            </Text>
            <Json
              value={`${send.data.request.method} ${send.data.request.url}\n${Object.entries(send.data.request.headers)
                .map(([name, value]) => `${name}: ${value}`)
                .join('\n')}\n\n${send.data.request.body}`}
            />
          </div>
          <div>
            <Text size="sm" fw={500}>
              {t('response', { status: send.data.response.status, ms: send.data.durationMs })}
            </Text>
            <Json value={send.data.response.body} />
          </div>
        </SimpleGrid>
      )}
    </Stack>
  );
}
