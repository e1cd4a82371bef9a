import { Badge, Box, Group, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { useClassName } from '../../ui/error-class.tsx';
import { AnchorLink } from '../../ui/links.tsx';
import { live } from '../../ui/live.tsx';
import { Section } from '../../ui/page.tsx';
import { Empty, Loaded } from '../../ui/states.tsx';
import { Money, Time } from '../../ui/values.tsx';
import { latestOfConnection } from './queries.ts';
import { connectionTexts } from './texts.ts';

const height = 320;

/** The newest events; each links to itself in the event explorer. */
export function LatestEvents({ connectionId }: { connectionId: string }) {
  const t = useTexts(connectionTexts);
  const org = useOrg();
  const latest = useQuery({ ...latestOfConnection(connectionId), ...live(10_000) });
  return (
    <Section
      title={t('latestEvents')}
      aside={
        <AnchorLink to="/o/$org/events" params={{ org: org.slug }} search={{ connections: [connectionId] }} size="sm">
          {t('allEvents')}
        </AnchorLink>
      }
    >
      <Loaded query={latest} height={height} isEmpty={({ events }) => events.length === 0} empty={<Empty title={t('noEvents')} />}>
        {({ events }) => (
          <Rows label={t('latestEvents')}>
            {events.map((event) => (
              <Row
                key={event.id}
                name={
                  <>
                    <AnchorLink
                      to="/o/$org/events"
                      params={{ org: org.slug }}
                      search={{ event: event.id, connections: [connectionId] }}
                      size="sm"
                      className="break"
                    >
                      {event.type}
                    </AnchorLink>
                    {event.is_test && (
                      <Badge size="xs" ml={6} variant="dot" color="grape">
                        {t('testMark')}
                      </Badge>
                    )}
                  </>
                }
                at={event.event_time}
                figure={<Money minor={event.amount_minor} currency={event.currency} />}
              />
            ))}
          </Rows>
        )}
      </Loaded>
    </Section>
  );
}

/** The newest dead letters and rejected deliveries, each with its reason. */
export function LatestFailures({ connectionId }: { connectionId: string }) {
  const t = useTexts(connectionTexts);
  const classOf = useClassName();
  const org = useOrg();
  const latest = useQuery({ ...latestOfConnection(connectionId), ...live(10_000) });
  return (
    <Section
      title={t('latestFailures')}
      aside={
        <AnchorLink to="/o/$org/dead-letters" params={{ org: org.slug }} search={{ connections: [connectionId] }} size="sm">
          {t('allFailures')}
        </AnchorLink>
      }
    >
      <Loaded query={latest} height={height} isEmpty={({ failures }) => failures.length === 0} empty={<Empty title={t('noFailures')} />}>
        {({ failures }) => (
          <Rows label={t('latestFailures')}>
            {failures.map((failure) => (
              <Row
                key={failure.id}
                name={
                  <AnchorLink
                    to="/o/$org/dead-letters"
                    params={{ org: org.slug }}
                    search={{ tab: failure.is_quarantine ? 'quarantine' : 'entries', entry: failure.id }}
                    size="sm"
                  >
                    {classOf(failure.error_class)}
                  </AnchorLink>
                }
                at={failure.created_at}
                below={failure.last_error_message}
              />
            ))}
          </Rows>
        )}
      </Loaded>
    </Section>
  );
}

function Rows({ label, children }: { label: string; children: ReactNode }) {
  return (
    <Box component="ul" m={0} p={0} style={{ listStyle: 'none' }} aria-label={label}>
      {children}
    </Box>
  );
}

function Row({ name, at, figure, below }: { name: ReactNode; at: string; figure?: ReactNode; below?: string | null }) {
  return (
    <Box component="li" py={7} style={{ borderBottom: '1px solid var(--mantine-color-default-border)' }}>
      <Group justify="space-between" gap="sm" wrap="nowrap">
        <Box miw={0}>{name}</Box>
        <Group gap="md" wrap="nowrap">
          <Text span size="sm" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
            <Time at={at} />
          </Text>
          {figure && (
            <Text span size="sm" className="tabular" ta="right" miw={88} style={{ whiteSpace: 'nowrap' }}>
              {figure}
            </Text>
          )}
        </Group>
      </Group>
      {below && (
        <Text size="xs" c="dimmed" className="break" lineClamp={2} style={{ unicodeBidi: 'isolate' }}>
          {below}
        </Text>
      )}
    </Box>
  );
}
