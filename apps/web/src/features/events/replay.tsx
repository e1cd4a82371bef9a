import { Alert, Button, Radio, Stack, Text } from '@mantine/core';
import { IconRepeat } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { ReplayedEntry, ReplayMode } from '@tributary/shared/journal.ts';
import { useState } from 'react';
import { ApiError } from '../../lib/api.ts';
import { useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { AnchorLink } from '../../ui/links.tsx';
import { Refused } from '../../ui/refused.tsx';
import { invalidateAfterReplay, replayEntry } from './queries.ts';
import { eventTexts } from './texts.ts';

/** Sends the delivery of an event through the pipeline again and shows the outcome of each record. */
export function Replay({ journalId, records }: { journalId: string; records: number | undefined }) {
  const t = useTexts(eventTexts);
  const queryClient = useQueryClient();
  const [mode, setMode] = useState<ReplayMode>('replay');
  const replay = useMutation({
    mutationFn: () => replayEntry(journalId, mode),
    onSuccess: () => invalidateAfterReplay(queryClient),
  });
  return (
    <AdminOnly>
      <Stack gap="sm" align="stretch">
        <Radio.Group label={t('replayHow')} value={mode} onChange={(next) => setMode(next as ReplayMode)}>
          <Stack gap="xs" mt="xs">
            <Radio value="replay" label={t('replay')} description={t('replayHint')} />
            <Radio value="reprocess" label={t('reprocess')} description={t('reprocessHint')} />
          </Stack>
        </Radio.Group>
        {records !== undefined && records > 1 && (
          <Text size="xs" c="dimmed">
            {t('replayAll', { count: records })}
          </Text>
        )}
        <Button
          size="xs"
          variant="default"
          leftSection={<IconRepeat size={16} />}
          loading={replay.isPending}
          onClick={() => replay.mutate()}
          style={{ alignSelf: 'flex-start' }}
        >
          {t('replayThis')}
        </Button>
        <Refused error={replay.error} title={t('replayRefused')}>
          {replay.error instanceof ApiError && replay.error.code === 'legal_hold' && (
            <Text size="sm" mt={4}>
              {t('heldHint')}
            </Text>
          )}
        </Refused>
        {replay.data && <Outcome replayed={replay.data} />}
      </Stack>
    </AdminOnly>
  );
}

const colors = { accepted: 'teal', duplicate: 'gray', dead_lettered: 'orange', mixed: 'yellow' } as const;

function Outcome({ replayed }: { replayed: ReplayedEntry }) {
  const t = useTexts(eventTexts);
  const org = useOrg();
  return (
    <Alert color={colors[replayed.status]} role="status" title={t(`replayed_${replayed.status}`)}>
      <Stack gap={4}>
        <Text size="sm">
          {t(replayed.mode === 'reprocess' && replayed.status === 'accepted' ? 'reprocessedHint' : `replayedHint_${replayed.status}`)}
        </Text>
        {replayed.records.map((record, index) => (
          <Text size="xs" key={record.eventId ?? record.dlqId ?? index}>
            {t(`record_${record.status}`)}
            {record.revision !== undefined && ` · ${t('revisionNow', { revision: record.revision })}`}
            {record.code !== undefined && ` · ${record.code}`}
            {record.dlqId !== undefined && (
              <>
                {' · '}
                <AnchorLink to="/o/$org/dead-letters" params={{ org: org.slug }} search={{ tab: 'entries', entry: record.dlqId }} size="xs">
                  {t('openDeadLetter')}
                </AnchorLink>
              </>
            )}
          </Text>
        ))}
      </Stack>
    </Alert>
  );
}
