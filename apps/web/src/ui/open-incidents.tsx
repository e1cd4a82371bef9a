import { ActionIcon, Box, Card, Collapse, Flex, Group, Stack, Text, Tooltip } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconChevronDown, IconChevronUp, IconCircleCheck } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useLanguage, useTexts } from '../lib/i18n.ts';
import { type ActiveIncident, activeIncidents, levels, valueAndLimit } from '../lib/incidents.ts';
import { useOrg } from '../lib/orgs.ts';
import { incidentTexts } from './incident-texts.ts';
import { LevelBadge } from './level.tsx';
import { AnchorLink } from './links.tsx';
import { live } from './live.tsx';
import { Loaded } from './states.tsx';
import { Time } from './values.tsx';

/** The same height with and without incidents, so that nothing below moves when they are loaded. Further incidents unfold. */
const height = { base: 76, sm: 48 };
const shownMax = 6;

/** The gravest incident and the number of incidents, of the org or of one connection; a calm line when there is none. */
export function OpenIncidents({ connectionId }: { connectionId?: string }) {
  const t = useTexts(incidentTexts);
  const org = useOrg();
  const query = useQuery({ ...activeIncidents(org.id, connectionId), ...live(15_000) });
  return (
    <Card withBorder component="section" aria-label={t('openIncidents')} px="md" py={0}>
      <Box mih={height}>
        <Loaded query={query} height={48} isEmpty={(incidents) => incidents.length === 0} empty={<NoIncidents />}>
          {(incidents) => <IncidentLines incidents={incidents} connectionId={connectionId} />}
        </Loaded>
      </Box>
    </Card>
  );
}

function NoIncidents() {
  const t = useTexts(incidentTexts);
  return (
    <Group gap={8} mih={height} wrap="nowrap">
      <IconCircleCheck size={18} color="var(--mantine-color-teal-6)" style={{ flexShrink: 0 }} aria-hidden />
      <Text size="sm">
        {t('noIncidents')}{' '}
        <Text span inherit c="dimmed">
          {t('noIncidentsHint')}
        </Text>
      </Text>
    </Group>
  );
}

function IncidentLines({ incidents, connectionId }: { incidents: readonly ActiveIncident[]; connectionId: string | undefined }) {
  const t = useTexts(incidentTexts);
  const org = useOrg();
  const [opened, list] = useDisclosure(false);
  const [gravest, ...others] = incidents;
  if (!gravest) return null;
  const counted = levels.map((level) => ({ level, count: incidents.filter((one) => one.level === level).length }));
  const more = t('more', { count: others.length });
  return (
    <>
      <Group gap={8} mih={height} wrap="nowrap">
        <Flex direction={{ base: 'column', sm: 'row' }} align={{ base: 'stretch', sm: 'center' }} gap={{ base: 4, sm: 8 }} flex={1} miw={0}>
          <Group gap={4} wrap="nowrap" style={{ flexShrink: 0 }}>
            {counted
              .filter(({ count }) => count > 0)
              .map(({ level, count }) => (
                <LevelBadge key={level} level={level} count={count} />
              ))}
          </Group>
          <IncidentLine incident={gravest} withConnection={connectionId === undefined} />
        </Flex>
        {others.length > 0 && (
          <Tooltip label={opened ? t('fewer') : more}>
            <ActionIcon variant="subtle" color="gray" onClick={list.toggle} aria-expanded={opened} aria-label={opened ? t('fewer') : more}>
              {opened ? <IconChevronUp size={16} /> : <IconChevronDown size={16} />}
            </ActionIcon>
          </Tooltip>
        )}
        <AnchorLink
          to="/o/$org/alerts"
          params={{ org: org.slug }}
          search={connectionId === undefined ? {} : { connection: connectionId }}
          size="sm"
          visibleFrom="sm"
          style={{ whiteSpace: 'nowrap' }}
        >
          {t('allIncidents')}
        </AnchorLink>
      </Group>
      <Collapse expanded={opened}>
        <Stack gap={6} pb="sm" component="ul" m={0} pl={0} style={{ listStyle: 'none' }}>
          {others.slice(0, shownMax).map((incident) => (
            <Group key={incident.id} component="li" gap={8} wrap="nowrap">
              <LevelBadge level={incident.level} />
              <IncidentLine incident={incident} withConnection={connectionId === undefined} />
            </Group>
          ))}
        </Stack>
      </Collapse>
    </>
  );
}

function IncidentLine({ incident, withConnection }: { incident: ActiveIncident; withConnection: boolean }) {
  const t = useTexts(incidentTexts);
  const language = useLanguage();
  const org = useOrg();
  return (
    <Text size="sm" truncate style={{ minWidth: 0 }}>
      <AnchorLink to="/o/$org/alerts" params={{ org: org.slug }} search={{ incident: incident.id }} inherit fw={500}>
        {t(incident.kind)}
        {withConnection && `: ${incident.connectionName}`}
        {incident.connections > 1 && ` ${t('andMore', { count: incident.connections - 1 })}`}
      </AnchorLink>{' '}
      <Text span inherit c="dimmed">
        {t(`${incident.kind}Value`, valueAndLimit(incident, language))}, <Time at={incident.openedAt} />
        {incident.status === 'acknowledged' && ` · ${t('acknowledged')}`}
      </Text>
    </Text>
  );
}
