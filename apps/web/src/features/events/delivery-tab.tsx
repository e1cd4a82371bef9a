import { Badge, Stack, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { JournalOutcome } from '@tributary/shared/journal.ts';
import { formatNumber } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { Empty, Loaded } from '../../ui/states.tsx';
import { Copy, Id, Time } from '../../ui/values.tsx';
import { Facts } from './facts.tsx';
import { type EventDetail, journalEntry } from './queries.ts';
import { Replay } from './replay.tsx';
import { eventTexts } from './texts.ts';

const colors: Record<JournalOutcome, string> = {
  accepted: 'teal',
  duplicate: 'gray',
  dead_lettered: 'orange',
  mixed: 'yellow',
  rejected: 'red',
};

/** How the event came: the delivery that it arrived in, and a way to send that through the pipeline again. */
export function DeliveryTab({ event }: { event: EventDetail }) {
  const t = useTexts(eventTexts);
  const language = useLanguage();
  const entry = useQuery(journalEntry(event.org_id, event.journal_id));
  return (
    <Loaded query={entry} height={420} isEmpty={(found) => found === null} empty={<Empty title={t('notKept')} />}>
      {(found) =>
        found && (
          <Stack gap="lg">
            <Facts
              label={t('delivery')}
              facts={[
                [
                  t('outcome'),
                  <Badge key="outcome" variant="dot" color={colors[found.outcome as JournalOutcome]}>
                    {t(`outcome_${found.outcome as JournalOutcome}`)}
                  </Badge>,
                ],
                [t('received'), <Time key="received" at={found.received_at} exact />],
                [t('records'), formatNumber(found.record_count, language)],
                [t('size'), new Intl.NumberFormat(language, { style: 'unit', unit: 'byte', unitDisplay: 'long' }).format(found.byte_size)],
                [t('contentType'), found.content_type ?? undefined],
                [
                  t('checksum'),
                  <span key="sum" className="mono break">
                    {found.body_sha256} <Copy value={found.body_sha256} />
                  </span>,
                ],
                [t('journalEntry'), <Id key="id" value={found.id} whole />],
                [t('replayOf'), found.replay_of === null ? undefined : <Id key="replay-of" value={found.replay_of} whole />],
              ]}
            />
            <section aria-label={t('replayTitle')}>
              <Title order={3} size="h6" mb="xs">
                {t('replayTitle')}
              </Title>
              <Replay journalId={found.id} records={found.record_count} />
            </section>
          </Stack>
        )
      }
    </Loaded>
  );
}
