import { Alert, Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { DlqEntry, DlqEntryDetail, DlqFilter } from '@tributary/shared/dlq.ts';
import { remedyOf } from '@tributary/shared/errors.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { RetryableBadge, useClassName } from '../../ui/error-class.tsx';
import { Facts } from '../../ui/facts.tsx';
import { useFailureMessage } from '../../ui/failure-message.ts';
import { AnchorLink, ButtonLink } from '../../ui/links.tsx';
import { live } from '../../ui/live.tsx';
import { SidePanel } from '../../ui/side-panel.tsx';
import { Failed, Loaded } from '../../ui/states.tsx';
import { UnknownId } from '../../ui/unknown-id.tsx';
import { Id, Json, Time } from '../../ui/values.tsx';
import { StatusBadge } from './entries.tsx';
import { Part } from './entry-part.tsx';
import { FullDelivery } from './full-delivery.tsx';
import { History } from './history.tsx';
import { analysis, entryDetail } from './queries.ts';
import { EntryCommands, isBeingRetried, RetryOutcome } from './retry.tsx';
import { deadLetterTexts } from './texts.ts';

/** One dead letter: its reason, what to do about it, all its fields, and its retry. */
export function EntryPanel({ id, onClose }: { id: string; onClose: () => void }) {
  const t = useTexts(deadLetterTexts);
  const className = useClassName();
  const entry = useQuery({
    ...entryDetail(id),
    ...live(),
    refetchInterval: ({ state }) => (state.data && isBeingRetried(state.data) ? 2_000 : 15_000),
  });
  const org = useOrg();
  const unknown = <UnknownId kind="dead_letter" id={id} />;
  return (
    <SidePanel title={entry.data ? className(entry.data.errorClass) : t('title')} onClose={onClose}>
      <Loaded query={entry} height={480} missing={unknown}>
        {(found) => (found.orgId === org.id ? <EntryDetail key={found.id} entry={found} /> : unknown)}
      </Loaded>
    </SidePanel>
  );
}

function EntryDetail({ entry }: { entry: DlqEntryDetail }) {
  const t = useTexts(deadLetterTexts);
  const org = useOrg();
  const connection = { org: org.slug, connectionId: entry.connectionId };
  const remedy = remedyOf(entry.errorClass);
  const failureMessage = useFailureMessage();
  return (
    <Stack>
      <Group gap={6}>
        <StatusBadge status={entry.status} />
        <RetryableBadge errorClass={entry.errorClass} />
      </Group>
      <Alert color="gray" title={t('error')}>
        <Text size="sm" className="break isolated">
          {failureMessage(entry.errorClass, entry.message)}
        </Text>
      </Alert>
      {entry.status === 'resolved' ? <RetryOutcome entry={entry} /> : <Advice entry={entry} />}
      <Group gap="xs">
        {entry.status !== 'resolved' && <EntryCommands entry={entry} remedy={remedy} />}
        {entry.storedEventId && (
          <ButtonLink to="/o/$org/events" params={{ org: org.slug }} search={{ event: entry.storedEventId }} size="xs" variant="default">
            {t('toStored')}
          </ButtonLink>
        )}
      </Group>
      <Facts
        label={t('title')}
        facts={[
          [
            t('connections'),
            <AnchorLink key="connection" to="/o/$org/connections/$connectionId" params={connection} inherit>
              {entry.connectionName}
            </AnchorLink>,
          ],
          [
            t('classes'),
            <span key="class" className="mono">
              {entry.errorClass}
            </span>,
          ],
          [
            t('field'),
            entry.fieldPath === null ? undefined : (
              <span key="field" className="mono">
                {entry.fieldPath}
              </span>
            ),
          ],
          [t('sourceEventType'), entry.sourceEventType ?? undefined],
          [t('attempts'), entry.attempts],
          [
            entry.status === 'retrying' ? t('cutOff') : t('nextRetry'),
            entry.nextRetryAt ? <Time key="next" at={entry.nextRetryAt} /> : entry.status === 'resolved' ? undefined : t('nextRetryNone'),
          ],
          [t('created'), <Time key="created" at={entry.createdAt} exact />],
          [
            t('occurrences'),
            entry.occurrences > 1 ? (
              <span key="occurrences">
                {entry.occurrences} · <Time at={entry.lastSeenAt} />
              </span>
            ) : undefined,
          ],
          [t('resolvedAt'), entry.resolvedAt ? <Time key="resolved" at={entry.resolvedAt} exact /> : undefined],
          [t('key'), entry.idempotencyKey === null ? undefined : <Id key="key" value={entry.idempotencyKey} />],
          [t('record'), entry.recordIndex === null ? t('wholeDelivery') : entry.recordIndex + 1],
          [t('journal'), <Id key="journal" value={entry.journalId} />],
          [t('entryId'), <Id key="id" value={entry.id} />],
        ]}
      />
      <History entry={entry} />
      <Part title={t('sample')} hint={t('sampleHint')}>
        {entry.sample === null || entry.sample === undefined ? <Text size="sm">{t('noSample')}</Text> : <Json value={entry.sample} />}
      </Part>
      <FullDelivery entry={entry} />
    </Stack>
  );
}

/** The cause of the failure and its fix, in plain words. */
function Advice({ entry }: { entry: DlqEntry }) {
  const t = useTexts(deadLetterTexts);
  const language = useLanguage();
  const filter: DlqFilter = { orgId: entry.orgId, ids: [entry.id], statuses: ['pending', 'retrying', 'exhausted', 'discarded'] };
  const found = useQuery(analysis(filter, language, [entry.errorClass, entry.message]));
  const cluster = found.data?.clusters[0];
  return (
    <Stack gap={4} mih={96}>
      {found.isError && <Failed error={found.error} onRetry={() => void found.refetch()} />}
      {cluster && (
        <>
          <Text size="sm" className="break">
            <b>{t('cause')}:</b> {cluster.cause}
          </Text>
          <Text size="sm" className="break">
            <b>{t('fix')}:</b> {cluster.fix}
          </Text>
        </>
      )}
    </Stack>
  );
}
