import { Button, Group, SimpleGrid, Stack, Text } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { AlertChannel } from '@tributary/shared/alerts.ts';
import { useState } from 'react';
import { useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { live, Updated } from '../../ui/live.tsx';
import { Section } from '../../ui/page.tsx';
import { Empty, Loaded } from '../../ui/states.tsx';
import { ChannelCard } from './channel-card.tsx';
import { ChannelForm } from './channel-form.tsx';
import { channelTexts } from './channel-texts.ts';
import { alertChannels } from './queries.ts';

/** The channels that incidents are sent to, and whether the latest notification arrived. */
export function Channels() {
  const t = useTexts(channelTexts);
  const query = useQuery({ ...alertChannels(useOrg().id), ...live(15_000) });
  const [form, setForm] = useState<{ channel?: AlertChannel }>();
  const add = (
    <AdminOnly>
      <Button size="xs" leftSection={<IconPlus size={14} />} onClick={() => setForm({})}>
        {t('add')}
      </Button>
    </AdminOnly>
  );
  return (
    <Section
      title={t('title')}
      aside={<Updated at={query.dataUpdatedAt} isFetching={query.isFetching} onRefresh={() => void query.refetch()} />}
    >
      <Loaded
        query={query}
        height={200}
        isEmpty={(channels) => channels.length === 0}
        empty={<Empty title={t('nothingYet')} hint={t('nothingYetHint')} action={add} />}
      >
        {(channels) => (
          <Stack>
            <Group justify="space-between" gap="xs">
              <Text size="sm" c="dimmed">
                {t('intro')}
              </Text>
              {add}
            </Group>
            <SimpleGrid cols={{ base: 1, lg: 2 }} component="ul" m={0} p={0} style={{ listStyle: 'none' }}>
              {channels.map((channel) => (
                <ChannelCard key={channel.id} channel={channel} onEdit={() => setForm({ channel })} />
              ))}
            </SimpleGrid>
          </Stack>
        )}
      </Loaded>
      {form && <ChannelForm channel={form.channel} onClose={() => setForm(undefined)} />}
    </Section>
  );
}
