import { Alert, Button, Group, Text } from '@mantine/core';
import { IconRefresh } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { DlqEntry, DlqEntryDetail } from '@tributary/shared/dlq.ts';
import type { Remedy } from '@tributary/shared/errors.ts';
import { useState } from 'react';
import { useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { useReasonName } from '../../ui/error-class.tsx';
import { useFailureMessage } from '../../ui/failure-message.ts';
import { AnchorLink } from '../../ui/links.tsx';
import { CorrectionLink, isCorrection } from '../../ui/remedy.tsx';
import { Loaded } from '../../ui/states.tsx';
import { Time } from '../../ui/values.tsx';
import { discardEntry, eventsOfEntry, invalidateAfterRetry, invalidateDeadLetters, retryEntry } from './queries.ts';
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

/**
 * Retry and Discard of one entry. The one that fits the cause stands out. After a retry that failed, a sentence says when, and why is in the
 * attempts below.
 */
export function EntryCommands({ entry, remedy }: { entry: DlqEntryDetail; remedy: Remedy }) {
  const t = useTexts(deadLetterTexts);
  const reasonName = useReasonName();
  const failureMessage = useFailureMessage();
  const queryClient = useQueryClient();
  const retry = useMutation({ mutationFn: () => retryEntry(entry.id), onSuccess: () => invalidateAfterRetry(queryClient) });
  const discard = useMutation({ mutationFn: () => discardEntry(entry.id), onSuccess: () => invalidateDeadLetters(queryClient) });
  // The attempts that the panel knew when the person asked for one more.
  const [before, setBefore] = useState<string>();
  const [newest] = entry.history;
  const failed = before !== undefined && newest !== undefined && newest.at !== before && newest.result === 'failed' ? newest : undefined;
  const refused = retry.error ?? discard.error;
  return (
    <AdminOnly>
      {isCorrection(remedy) && <CorrectionLink remedy={remedy} connectionId={entry.connectionId} />}
      <Button
        size="xs"
        variant={remedy === 'redrive' ? 'filled' : 'default'}
        leftSection={<IconRefresh size={14} aria-hidden />}
        loading={retry.isPending || isBeingRetried(entry)}
        title={t('retryHint')}
        onClick={() => {
          setBefore(newest?.at ?? '');
          retry.mutate();
        }}
      >
        {t('retry')}
      </Button>
      {entry.status !== 'discarded' && (
        <Button
          size="xs"
          variant={remedy === 'discard' ? 'filled' : 'default'}
          loading={discard.isPending}
          title={t('discardHint')}
          onClick={() => discard.mutate()}
        >
          {t('discard')}
        </Button>
      )}
      {failed && (
        <Alert color="red" role="alert" w="100%" p="xs" title={t('retryFailed')}>
          <Text size="sm">
            <Time at={failed.at} exact />
            {failed.errorClass !== null && ` · ${reasonName(failed.errorClass)}`}
          </Text>
          {failed.message !== null && (
            <Text size="sm" className="break isolated">
              {failureMessage(failed.errorClass, failed.message)}
            </Text>
          )}
        </Alert>
      )}
      {refused && (
        <Text size="xs" c="red" role="alert" w="100%">
          {refused.message}
        </Text>
      )}
    </AdminOnly>
  );
}
