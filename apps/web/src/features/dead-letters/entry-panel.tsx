import { Alert, Button, Group, Stack, Text, Title } from '@mantine/core';
import { IconEye, IconRefresh } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { DlqEntry, DlqFilter } from '@tributary/shared/dlq.ts';
import type { ReactNode } from 'react';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { concernsSecret, Healer, useClassName } from '../../ui/error-class.tsx';
import { Facts } from '../../ui/facts.tsx';
import { AnchorLink, ButtonLink } from '../../ui/links.tsx';
import { live } from '../../ui/live.tsx';
import { SidePanel } from '../../ui/side-panel.tsx';
import { Failed, Loaded } from '../../ui/states.tsx';
import { Id, Json, Time } from '../../ui/values.tsx';
import { StatusBadge } from './entries.tsx';
import { analysis, entryDetail, eventsOfEntry, fullDelivery, invalidateAfterRetry, retryEntry } from './queries.ts';
import { deadLetterTexts } from './texts.ts';

const isAtWork = (entry: DlqEntry) => entry.status === 'retrying' || (entry.status === 'pending' && entry.nextRetryAt !== null);

/** One dead letter: why, what to do, all that is known of it, and its retry. */
export function EntryPanel({ id, onClose }: { id: string; onClose: () => void }) {
  const t = useTexts(deadLetterTexts);
  const className = useClassName();
  const entry = useQuery({
    ...entryDetail(id),
    ...live(),
    refetchInterval: ({ state }) => (state.data && isAtWork(state.data) ? 2_000 : 15_000),
  });
  return (
    <SidePanel title={entry.data ? className(entry.data.errorClass) : t('title')} onClose={onClose}>
      <Loaded query={entry} height={480}>
        {(found) => <EntryDetail key={found.id} entry={found} />}
      </Loaded>
    </SidePanel>
  );
}

function EntryDetail({ entry }: { entry: DlqEntry }) {
  const t = useTexts(deadLetterTexts);
  const org = useOrg();
  const connection = { org: org.slug, connectionId: entry.connectionId };
  return (
    <Stack>
      <Group gap={6}>
        <StatusBadge status={entry.status} />
        <Healer errorClass={entry.errorClass} />
      </Group>
      <Alert color="gray" title={t('error')}>
        <Text size="sm" className="break isolated">
          {entry.message}
        </Text>
      </Alert>
      {entry.status === 'resolved' ? <Became entry={entry} /> : <Advice entry={entry} />}
      <Group gap="xs">
        {entry.status !== 'resolved' && <Retry entry={entry} />}
        <ButtonLink
          to="/o/$org/connections/$connectionId"
          params={connection}
          search={concernsSecret(entry.errorClass) ? { tab: 'setup' } : { tab: 'settings' }}
          size="xs"
          variant="default"
        >
          {concernsSecret(entry.errorClass) ? t('fixSecret') : t('toConnection')}
        </ButtonLink>
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
          [t('resolvedAt'), entry.resolvedAt ? <Time key="resolved" at={entry.resolvedAt} exact /> : undefined],
          [t('key'), entry.idempotencyKey === null ? undefined : <Id key="key" value={entry.idempotencyKey} />],
          [t('record'), entry.recordIndex === null ? t('wholeDelivery') : entry.recordIndex + 1],
          [t('journal'), <Id key="journal" value={entry.journalId} />],
          [t('entryId'), <Id key="id" value={entry.id} />],
        ]}
      />
      <Part title={t('sample')} hint={t('sampleHint')}>
        {entry.sample === null || entry.sample === undefined ? <Text size="sm">{t('noSample')}</Text> : <Json value={entry.sample} />}
      </Part>
      <FullDelivery entry={entry} />
    </Stack>
  );
}

function Part({ title, hint, children }: { title: string; hint: string; children: ReactNode }) {
  return (
    <Stack gap={6} component="section" aria-label={title}>
      <Title order={3} size="h6">
        {title}
      </Title>
      <Text size="xs" c="dimmed">
        {hint}
      </Text>
      {children}
    </Stack>
  );
}

/** What it means and what to do, in plain words. */
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

function Became({ entry }: { entry: DlqEntry }) {
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

function Retry({ entry }: { entry: DlqEntry }) {
  const t = useTexts(deadLetterTexts);
  const queryClient = useQueryClient();
  const retry = useMutation({ mutationFn: () => retryEntry(entry.id), onSuccess: () => invalidateAfterRetry(queryClient) });
  return (
    <AdminOnly>
      <Button
        size="xs"
        leftSection={<IconRefresh size={14} aria-hidden />}
        loading={retry.isPending || isAtWork(entry)}
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

/** The delivery with its personal data: only asked for by a press, and not kept. */
function FullDelivery({ entry }: { entry: DlqEntry }) {
  const t = useTexts(deadLetterTexts);
  const full = useMutation({ mutationFn: () => fullDelivery(entry), gcTime: 0 });
  return (
    <Part title={t('full')} hint={t('fullHint')}>
      <AdminOnly>
        {full.isError && <Failed error={full.error} onRetry={() => full.mutate()} />}
        {full.isSuccess ? (
          full.data ? (
            <Stack gap={6}>
              <Text size="sm" fw={500}>
                {t('headers')}
              </Text>
              <Json value={full.data.headers} maxHeight={200} />
              <Text size="sm" fw={500}>
                {t('body')}
              </Text>
              <Json value={full.data.body} />
              {full.data.truncated && (
                <Text size="xs" c="dimmed">
                  {t('bodyCut', { size: full.data.byteSize })}
                </Text>
              )}
            </Stack>
          ) : (
            <Text size="sm">{t('fullGone')}</Text>
          )
        ) : (
          <Button
            size="xs"
            variant="default"
            leftSection={<IconEye size={14} aria-hidden />}
            loading={full.isPending}
            onClick={() => full.mutate()}
            style={{ alignSelf: 'flex-start' }}
          >
            {t('showFull')}
          </Button>
        )}
      </AdminOnly>
    </Part>
  );
}
