import { Group, List, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { AlertIncidentDetail } from '@tributary/shared/alerts.ts';
import type { ReactNode } from 'react';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { valueAndLimit } from '../../lib/incidents.ts';
import { useOrg } from '../../lib/orgs.ts';
import { incidentTexts } from '../../ui/incident-texts.ts';
import { LevelBadge } from '../../ui/level.tsx';
import { AnchorLink, ButtonLink } from '../../ui/links.tsx';
import { live } from '../../ui/live.tsx';
import { PanelDrawer } from '../../ui/side-panel.tsx';
import { Loaded } from '../../ui/states.tsx';
import { Id, Time } from '../../ui/values.tsx';
import { guidanceTexts, stepsOf } from './guidance.ts';
import { IncidentActions } from './incident-row.tsx';
import { IncidentTimeline } from './incident-timeline.tsx';
import { incidentDetail } from './queries.ts';
import { alertTexts } from './texts.ts';

/** One incident beside the list: its figures, what to do, and its history. */
export function IncidentPanel({ id, onClose }: { id: string | undefined; onClose: () => void }) {
  const t = useTexts(alertTexts);
  return (
    <PanelDrawer opened={id !== undefined} onClose={onClose} size={520} title={t('incident')}>
      {id !== undefined && <Content id={id} />}
    </PanelDrawer>
  );
}

function Content({ id }: { id: string }) {
  const query = useQuery({ ...incidentDetail(useOrg().id, id), ...live(5_000) });
  return (
    <Loaded query={query} height={480}>
      {(incident) => <Incident incident={incident} />}
    </Loaded>
  );
}

function Incident({ incident }: { incident: AlertIncidentDetail }) {
  const t = useTexts(alertTexts);
  const kinds = useTexts(incidentTexts);
  const guidance = useTexts(guidanceTexts);
  const language = useLanguage();
  const org = useOrg();
  const connection = { org: org.slug, connectionId: incident.connectionId };
  return (
    <Stack gap="lg">
      <Stack gap={6}>
        <Group gap={8}>
          <LevelBadge level={incident.level} />
          <Text size="sm" c="dimmed">
            {t(incident.status)}
          </Text>
        </Group>
        <Title order={2} size="h4">
          {kinds(incident.kind)}
        </Title>
        <Text size="sm">
          <AnchorLink to="/o/$org/connections/$connectionId" params={connection} className="break" inherit>
            {incident.connectionName}
          </AnchorLink>
          : {kinds(`${incident.kind}Value`, valueAndLimit(incident, language))}
        </Text>
        {incident.connections > 1 && (
          <Text size="sm" c="dimmed">
            {kinds('andMore', { count: incident.connections - 1 })}
          </Text>
        )}
        {incident.status !== 'resolved' && <IncidentActions incident={incident} />}
      </Stack>

      {incident.concerned.length > 1 && <Concerned incident={incident} />}
      <Part title={t('meaning')}>
        <Text size="sm">{guidance(`${incident.kind}Meaning`)}</Text>
      </Part>
      <Part title={t('whatToDo')}>
        <List size="sm" spacing={4} type="ordered">
          {stepsOf[incident.kind].map((step) => (
            <List.Item key={step}>{guidance(step)}</List.Item>
          ))}
        </List>
        <NextPages incident={incident} />
      </Part>
      <Part title={t('timeline')}>
        <IncidentTimeline incident={incident} />
      </Part>
      <Text size="xs" c="dimmed" component="div">
        {t('lastSeen')} <Time at={incident.lastSeenAt} /> · <Id value={incident.id} />
      </Text>
    </Stack>
  );
}

/** Every connection that has or had the condition; one cause is one incident. */
function Concerned({ incident }: { incident: AlertIncidentDetail }) {
  const t = useTexts(alertTexts);
  const kinds = useTexts(incidentTexts);
  const language = useLanguage();
  const org = useOrg();
  return (
    <Part title={t('concerned')}>
      <Stack gap={4} component="ul" m={0} p={0} mah={220} style={{ listStyle: 'none', overflowY: 'auto' }} tabIndex={0}>
        {incident.concerned.map((one) => (
          <Group key={one.connectionId} component="li" gap={8} wrap="nowrap" justify="space-between">
            <AnchorLink
              to="/o/$org/connections/$connectionId"
              params={{ org: org.slug, connectionId: one.connectionId }}
              size="sm"
              className="break"
            >
              {one.connectionName}
            </AnchorLink>
            <Text size="xs" c="dimmed" ta="right">
              {one.leftAt === null ? (
                kinds(`${one.kind}Value`, valueAndLimit(one, language))
              ) : (
                <>
                  {t('recoveredAt')} <Time at={one.leftAt} />
                </>
              )}
            </Text>
          </Group>
        ))}
      </Stack>
    </Part>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title}>
      <Title order={3} size="h6" mb={4}>
        {title}
      </Title>
      {children}
    </section>
  );
}

/** Links to the pages that the advice refers to. */
function NextPages({ incident }: { incident: AlertIncidentDetail }) {
  const t = useTexts(alertTexts);
  const { slug } = useOrg();
  const connections = [incident.connectionId];
  const connection = { org: slug, connectionId: incident.connectionId };
  const failures = incident.kind === 'IngestDLQRateHigh' || incident.kind === 'IngestDLQSpike';
  const silent = incident.kind === 'ConnectionSilent' || incident.kind === 'ConnectionLag';
  return (
    <Group gap="xs" mt="sm">
      {failures && (
        <ButtonLink to="/o/$org/dead-letters" params={{ org: slug }} search={{ tab: 'groups', connections }} size="xs" variant="default">
          {t('openDeadLetters')}
        </ButtonLink>
      )}
      {incident.kind === 'RejectedRateHigh' && (
        <>
          <ButtonLink to="/o/$org/connections/$connectionId" params={connection} search={{ tab: 'setup' }} size="xs" variant="default">
            {t('openSecrets')}
          </ButtonLink>
          <ButtonLink
            to="/o/$org/dead-letters"
            params={{ org: slug }}
            search={{ tab: 'quarantine', connections }}
            size="xs"
            variant="default"
          >
            {t('openQuarantine')}
          </ButtonLink>
        </>
      )}
      {silent && (
        <ButtonLink to="/o/$org/connections/$connectionId" params={connection} search={{ tab: 'test' }} size="xs" variant="default">
          {t('openTest')}
        </ButtonLink>
      )}
      <ButtonLink to="/o/$org/connections/$connectionId" params={connection} size="xs" variant="default">
        {t('openConnection')}
      </ButtonLink>
    </Group>
  );
}
