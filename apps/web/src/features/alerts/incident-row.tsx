import { Badge, Box, Button, Group, Text, Tooltip } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconCheck } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { AlertIncident } from '@tributary/shared/alerts.ts';
import { formatDuration } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { type ActiveIncident, invalidateIncidents, valueAndLimit } from '../../lib/incidents.ts';
import { useOrg } from '../../lib/orgs.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { incidentTexts } from '../../ui/incident-texts.ts';
import { LevelBadge } from '../../ui/level.tsx';
import { AnchorLink } from '../../ui/links.tsx';
import { Time } from '../../ui/values.tsx';
import { changeIncident } from './queries.ts';
import { alertTexts } from './texts.ts';

/** `isOver`: the incident ended while the reader had it before them; the row stays where it is. */
type Row = ActiveIncident & Partial<Pick<AlertIncident, 'peakLevel' | 'resolvedAt' | 'resolution'>> & { isOver?: boolean };

/** One incident in a list: kind, connection, time and value, with the actions beside it. */
export function IncidentRow({ incident }: { incident: Row }) {
  const t = useTexts(incidentTexts);
  const alerts = useTexts(alertTexts);
  const language = useLanguage();
  const org = useOrg();
  return (
    <Box component="li" py="xs" style={{ borderTop: '1px solid var(--mantine-color-default-border)' }}>
      <Group justify="space-between" gap="xs">
        <Box style={{ flex: '1 1 300px', minWidth: 0 }}>
          <Group gap={8}>
            <LevelBadge level={incident.peakLevel ?? incident.level} />
            <AnchorLink
              to="/o/$org/alerts"
              params={{ org: org.slug }}
              search={(old: object) => ({ ...old, incident: incident.id })}
              resetScroll={false}
              size="sm"
              fw={600}
            >
              {t(incident.kind)}
            </AnchorLink>
            <AnchorLink
              to="/o/$org/connections/$connectionId"
              params={{ org: org.slug, connectionId: incident.connectionId }}
              size="sm"
              c="dimmed"
              className="break"
            >
              {incident.connectionName}
              {incident.connections > 1 && ` ${t('andMore', { count: incident.connections - 1 })}`}
            </AnchorLink>
            {/* People who can acknowledge read it on the button, which takes no more room than before. */}
            {incident.status === 'acknowledged' && !org.canWrite && (
              <Badge variant="default" tt="none">
                {t('acknowledged')}
              </Badge>
            )}
          </Group>
          <Text size="sm" c="dimmed" mt={2}>
            {incident.status === 'resolved' ? <Ended incident={incident} /> : <Since incident={incident} />}
            {t(`${incident.kind}Value`, valueAndLimit(incident, language))}
          </Text>
        </Box>
        {incident.isOver ? (
          <Badge variant="default" tt="none">
            {alerts('resolved')}
          </Badge>
        ) : (
          incident.status !== 'resolved' && <IncidentActions incident={incident} short />
        )}
      </Group>
    </Box>
  );
}

function Since({ incident }: { incident: Row }) {
  return (
    <>
      <Time at={incident.openedAt} />
      {' · '}
    </>
  );
}

function Ended({ incident }: { incident: Row }) {
  const t = useTexts(alertTexts);
  const language = useLanguage();
  const seconds = (Date.parse(incident.resolvedAt ?? '') - Date.parse(incident.openedAt)) / 1_000;
  return (
    <>
      <Time at={incident.resolvedAt} />
      {` · ${t('lasted', { duration: formatDuration(seconds, language) })} · ${t(incident.resolution ?? 'recovered')} · `}
    </>
  );
}

/** Wide enough for the texts before and after the acknowledgement, in both languages. */
const acknowledgeWidth = 148;

/**
 * The buttons Acknowledge and Resolve, for owners and admins. After the acknowledgement both stay where they are, so that a second click meets
 * no other button.
 */
export function IncidentActions({ incident, short = false }: { incident: Pick<AlertIncident, 'id' | 'status'>; short?: boolean }) {
  const t = useTexts(alertTexts);
  const org = useOrg();
  const queryClient = useQueryClient();
  const [isResolving, resolving] = useDisclosure(false);
  const change = async (step: 'acknowledge' | 'resolve') => {
    await changeIncident(incident.id, step);
    await invalidateIncidents(queryClient, org.id);
  };
  const acknowledge = useMutation({ mutationFn: () => change('acknowledge') });
  return (
    <AdminOnly short={short}>
      <Group gap="xs">
        {incident.status === 'open' ? (
          <Tooltip label={t('acknowledgeHint')} multiline maw={260}>
            <Button size="xs" miw={acknowledgeWidth} variant="light" loading={acknowledge.isPending} onClick={() => acknowledge.mutate()}>
              {t('acknowledge')}
            </Button>
          </Tooltip>
        ) : (
          <Button size="xs" miw={acknowledgeWidth} variant="default" disabled leftSection={<IconCheck size={14} aria-hidden />}>
            {t('acknowledged')}
          </Button>
        )}
        <Tooltip label={t('resolveHint')} multiline maw={260}>
          <Button size="xs" variant="default" onClick={resolving.open}>
            {t('resolve')}
          </Button>
        </Tooltip>
      </Group>
      <Confirm
        opened={isResolving}
        onClose={resolving.close}
        title={t('resolveTitle')}
        confirm={t('resolve')}
        onConfirm={() => change('resolve')}
      >
        <Text size="sm">{t('resolveBody')}</Text>
      </Confirm>
      {acknowledge.error && (
        <Text size="xs" c="red" role="alert">
          {acknowledge.error.message}
        </Text>
      )}
    </AdminOnly>
  );
}
