import { Anchor, Badge, Group, Stack, Text } from '@mantine/core';
import { canonicalTypes, type HashedSubject, isCanonicalType } from '@tributary/shared/canonical.ts';
import { formatDateTime, formatDuration, formatMoney, formatUtc } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { Facts } from '../../ui/facts.tsx';
import { AnchorLink } from '../../ui/links.tsx';
import { SourceBadge } from '../../ui/source-badge.tsx';
import { Copy, Id } from '../../ui/values.tsx';
import type { EventDetail } from './queries.ts';
import { eventTexts } from './texts.ts';

const kinds = ['email', 'phone', 'document', 'external_id'] as const;

/** The columns that events of all platforms have. */
export function CanonicalTab({
  event,
  connectionName,
  onPerson,
}: {
  event: EventDetail;
  connectionName: string;
  /** Shows the other events of a person. */
  onPerson: (hash: string) => void;
}) {
  const t = useTexts(eventTexts);
  const language = useLanguage();
  const org = useOrg();
  const subject = event.subject as HashedSubject;
  const hashes = kinds.flatMap((kind) => (subject[kind] === undefined ? [] : [{ kind, hash: subject[kind] }]));
  const meaning = isCanonicalType(event.type) && language === 'en' ? canonicalTypes[event.type] : undefined;
  return (
    <Facts
      label={t('canonical')}
      facts={[
        [
          t('type'),
          <div key="type">
            <Group gap={6}>
              <Text span fw={600} size="sm">
                {event.type}
              </Text>
              {event.is_test && (
                <Badge size="xs" variant="dot" color="grape">
                  {t('testMark')}
                </Badge>
              )}
            </Group>
            {meaning && (
              <Text size="xs" c="dimmed">
                {meaning}
              </Text>
            )}
          </div>,
        ],
        [
          t('amount'),
          event.amount_minor === null || event.currency === null ? undefined : (
            <Group gap={6} key="amount">
              <Text span fw={600} size="sm">
                {formatMoney(event.amount_minor, event.currency, language)}
              </Text>
              <Text span size="xs" c="dimmed">
                {t('minorUnits', { minor: String(event.amount_minor), currency: event.currency })}
              </Text>
            </Group>
          ),
        ],
        [t('order'), event.order_ref === null ? undefined : <Copied key="order" value={event.order_ref} />],
        [t('happened'), <Moment key="happened" at={event.event_time} />],
        [t('received'), <Moment key="received" at={event.received_at} after={{ of: event.event_time, text: 'afterEvent' }} />],
        [t('stored'), <Moment key="stored" at={event.ingested_at} after={{ of: event.received_at, text: 'afterArrival' }} />],
        [t('rewrittenAt'), event.rewritten_at === null ? undefined : <Moment key="rewritten" at={event.rewritten_at} />],
        [
          t('connection'),
          <Group gap={6} wrap="nowrap" key="connection">
            <SourceBadge type={event.source_type} size={20} />
            <AnchorLink
              to="/o/$org/connections/$connectionId"
              params={{ org: org.slug, connectionId: event.source_connection_id }}
              size="sm"
              className="isolated break"
            >
              {connectionName}
            </AnchorLink>
          </Group>,
        ],
        [t('platformEvent'), <Copied key="name" value={event.source_event_type} />],
        [t('platformId'), event.source_event_id === null ? undefined : <Copied key="source-id" value={event.source_event_id} />],
        [
          t('person'),
          hashes.length === 0 ? (
            <Text key="nobody" size="sm" c="dimmed">
              {t('nobody')}
            </Text>
          ) : (
            <Stack gap={6} key="person">
              {hashes.map(({ kind, hash }) => (
                <Group gap={6} key={kind}>
                  <Text span size="xs" w={64}>
                    {t(kind)}
                  </Text>
                  <Id value={hash} />
                  <Anchor component="button" type="button" size="xs" onClick={() => onPerson(hash)}>
                    {t('eventsOfPerson')}
                  </Anchor>
                </Group>
              ))}
              <Text size="xs" c="dimmed">
                {t('hashedHint', { version: String(subject.hash_version ?? 1) })}
              </Text>
            </Stack>
          ),
        ],
        [t('idempotencyKey'), <Copied key="key" value={event.idempotency_key} />],
        [t('eventId'), <Copied key="id" value={event.id} />],
        [t('revision'), event.revision > 1 ? t('rewritten', { count: event.revision - 1 }) : undefined],
        [t('shape'), String(event.schema_version)],
      ]}
    />
  );
}

function Copied({ value }: { value: string }) {
  return (
    <Group gap={4} wrap="nowrap" align="flex-start">
      <Text span className="mono break isolated" lh="20px">
        {value}
      </Text>
      <Copy value={value} />
    </Group>
  );
}

/** An exact time in the viewer's time zone and in UTC. `after` adds how long after another time it was. */
function Moment({ at, after }: { at: string; after?: { of: string; text: 'afterEvent' | 'afterArrival' } }) {
  const t = useTexts(eventTexts);
  const language = useLanguage();
  const seconds = after ? (Date.parse(at) - Date.parse(after.of)) / 1000 : 0;
  return (
    <div>
      <time dateTime={at}>{formatDateTime(at, language)}</time>
      {after && seconds >= 0 && (
        <Text span size="xs" c="dimmed">
          {' · '}
          {t(after.text, { time: formatDuration(seconds, language) })}
        </Text>
      )}
      <Text size="xs" c="dimmed" className="mono">
        {formatUtc(at)}
      </Text>
    </div>
  );
}
