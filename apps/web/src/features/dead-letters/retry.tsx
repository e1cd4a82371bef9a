import { Alert, Button, Group, Text } from '@mantine/core';
import { IconRefresh } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { DlqEntry } from '@tributary/shared/dlq.ts';
import { useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { AnchorLink } from '../../ui/links.tsx';
import { Loaded } from '../../ui/states.tsx';
import { eventsOfEntry, invalidateAfterRetry, retryEntry } from './queries.ts';
import { deadLetterTexts } from './texts.ts';

export const isBeingRetried = (entry: DlqEntry) =>
  entry.status === 'retrying' || (entry.status === 'pending' && entry.nextRetryAt !== null);

export function RetryOutcome({ entry }: { entry: DlqEntry }) {
  const t = useTexts(deadLetterTexts);
  const org = useOrg();
  const events = useQuery(eventsOfEntry(entry));
  return (
    <Alert color="teal" role="status" title={t(events.data?.length === 0 ? 'resolvedBefore' : 'becameEvent')}>
      <Loaded query={events} height={22} isEmpty={(found) => found.length === 0} empty={<Text size="sm">{t('storedBefore')}</Text>}>
        {(found) => (
          <Group gap="xs">
            {found.map((event) => (
              <AnchorLink key={event.id} to="/o/$org/events" params={{ org: org.slug }} search={{ event: event.id }} size="sm">
                {event.type}
              </AnchorLink>
            ))}
          </Group>
        )}
      </Loaded>
    </Alert>
  );
}

export function Retry({ entry }: { entry: DlqEntry }) {
  const t = useTexts(deadLetterTexts);
  const queryClient = useQueryClient();
  const retry = useMutation({ mutationFn: () => retryEntry(entry.id), onSuccess: () => invalidateAfterRetry(queryClient) });
  return (
    <AdminOnly>
      <Button
        size="xs"
        leftSection={<IconRefresh size={14} aria-hidden />}
        loading={retry.isPending || isBeingRetried(entry)}
        title={t('retryHint')}
        onClick={() => retry.mutate()}
      >
        {t('retry')}
      </Button>
      {retry.isError && (
        <Text size="xs" c="red" role="alert" w="100%">
          {retry.error.message}
        </Text>
      )}
    </AdminOnly>
  );
}
