import { Alert, Badge, Group, Stack, Text, Title } from '@mantine/core';
import { IconLock } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { EventDelivery } from '@tributary/shared/events.ts';
import type { JournalEntry, JournalOutcome } from '@tributary/shared/journal.ts';
import type { ReactNode } from 'react';
import { formatNumber } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { useClassName } from '../../ui/error-class.tsx';
import { Facts } from '../../ui/facts.tsx';
import { AnchorLink } from '../../ui/links.tsx';
import { Loaded } from '../../ui/states.tsx';
import { Id, Time } from '../../ui/values.tsx';
import { type EventDetail, eventDelivery } from './queries.ts';
import { Replay } from './replay.tsx';
import { eventTexts } from './texts.ts';

const colors: Record<JournalOutcome, string> = {
  accepted: 'teal',
  duplicate: 'gray',
  dead_lettered: 'orange',
  mixed: 'yellow',
  rejected: 'red',
  incomplete: 'yellow',
};

/** The delivery that the event arrived in, the other records of that delivery, every attempt, and the replay. */
export function DeliveryTab({ event }: { event: EventDetail }) {
  const t = useTexts(eventTexts);
  const delivery = useQuery(eventDelivery(event.org_id, event.id));
  return (
    <Loaded query={delivery} height={520}>
      {({ journal, records, attempts, replayable }) => (
        <Stack gap="lg">
          {journal && <Journal entry={journal} />}
          <Part title={t('attempts')}>
            {attempts.map((attempt) => (
              <Attempt key={attempt.id} attempt={attempt} isThis={attempt.id === event.journal_id} />
            ))}
          </Part>
          {records.length > 1 && (
            <Part title={t('deliveryRecords')}>
              <Records records={records} eventId={event.id} />
            </Part>
          )}
          <Part title={t('replayTitle')}>
            {replayable.reason === null ? (
              <Replay journalId={event.journal_id} records={journal?.recordCount} />
            ) : (
              <Alert color="gray" icon={<IconLock size={18} />} role="note">
                {t(`reason_${replayable.reason}`, { reason: replayable.holdReason ?? '' })}
              </Alert>
            )}
          </Part>
        </Stack>
      )}
    </Loaded>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title}>
      <Title order={3} size="h6" mb="xs">
        {title}
      </Title>
      <Stack gap={6}>{children}</Stack>
    </section>
  );
}

function Outcome({ outcome }: { outcome: JournalOutcome }) {
  const t = useTexts(eventTexts);
  return (
    <Badge variant="dot" color={colors[outcome]}>
      {t(`outcome_${outcome}`)}
    </Badge>
  );
}

function Journal({ entry }: { entry: JournalEntry }) {
  const t = useTexts(eventTexts);
  const language = useLanguage();
  const bytes = new Intl.NumberFormat(language, { style: 'unit', unit: 'byte', unitDisplay: 'long' });
  return (
    <Facts
      label={t('delivery')}
      facts={[
        [t('outcome'), <Outcome key="outcome" outcome={entry.outcome} />],
        [t('received'), <Time key="received" at={entry.receivedAt} exact />],
        [t('records'), formatNumber(entry.recordCount, language)],
        [t('size'), bytes.format(entry.byteSize)],
        [t('contentType'), entry.contentType ?? undefined],
        [t('journalEntry'), <Id key="id" value={entry.id} whole />],
        [t('replayOf'), entry.replayOf === null ? undefined : <Id key="of" value={entry.replayOf} whole />],
      ]}
    />
  );
}

function Attempt({ attempt, isThis }: { attempt: JournalEntry; isThis: boolean }) {
  const t = useTexts(eventTexts);
  return (
    <Group gap="xs">
      <Outcome outcome={attempt.outcome} />
      <Text span size="sm">
        {t(attempt.replayOf === null ? 'attempt' : 'attemptReplay')} <Time at={attempt.receivedAt} exact />
        {isThis && ` · ${t('thisOne')}`}
      </Text>
    </Group>
  );
}

function Records({ records, eventId }: { records: EventDelivery['records']; eventId: string }) {
  const t = useTexts(eventTexts);
  const classOf = useClassName();
  const org = useOrg();
  return records.map((record) => (
    <Text size="sm" key={record.id}>
      {record.kind === 'event' ? (
        record.id === eventId ? (
          `${record.type} · ${t('thisEvent')}`
        ) : (
          <AnchorLink to="/o/$org/events" params={{ org: org.slug }} search={{ event: record.id }} size="sm" resetScroll={false}>
            {record.type}
          </AnchorLink>
        )
      ) : (
        <AnchorLink to="/o/$org/dead-letters" params={{ org: org.slug }} search={{ tab: 'entries', entry: record.id }} size="sm">
          {t('openDeadLetter')} · {classOf(record.errorClass)}
        </AnchorLink>
      )}
    </Text>
  ));
}
