import { Badge, Box, Button, Group, Text, Tooltip } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { AlertIncident } from '@tributary/shared/alerts.ts';
import { formatDuration } from '../../lib/format.ts';
import { useLanguage, useTexts } from '../../lib/i18n.ts';
import { type ActiveIncident, invalidateIncidents, valueAndLimit } from '../../lib/incidents.ts';
import { useOrg } from '../../lib/orgs.ts';
import { AdminOnly } from '../../ui/admin-only.tsx';
import { incidentTexts } from '../../ui/incident-texts.ts';
import { LevelBadge } from '../../ui/level.tsx';
import { AnchorLink } from '../../ui/links.tsx';
import { Time } from '../../ui/values.tsx';
import { changeIncident } from './queries.ts';
import { alertTexts } from './texts.ts';

type Row = ActiveIncident & Partial<Pick<AlertIncident, 'peakLevel' | 'resolvedAt' | 'resolution'>>;

/** One incident in a list: kind, connection, time and value, with the actions beside it. */
export function IncidentRow({ incident }: { incident: Row }) {
  const t = useTexts(incidentTexts);
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
            {incident.status === 'acknowledged' && (
              <Badge variant="default" tt="none">
                {t('acknowledged')}
              </Badge>
            )}
            <AnchorLink
              to="/o/$org/connections/$connectionId"
              params={{ org: org.slug, connectionId: incident.connectionId }}
              size="sm"
              c="dimmed"
              className="break"
            >
              {incident.connectionName}
            </AnchorLink>
          </Group>
          <Text size="sm" c="dimmed" mt={2}>
            {incident.status === 'resolved' ? <Ended incident={incident} /> : <Since incident={incident} />}
            {t(`${incident.kind}Value`, valueAndLimit(incident, language))}
          </Text>
        </Box>
        {incident.status !== 'resolved' && <IncidentActions incident={incident} short />}
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

/** The buttons Acknowledge and Resolve, for owners and admins. */
export function IncidentActions({ incident, short = false }: { incident: Pick<AlertIncident, 'id' | 'status'>; short?: boolean }) {
  const t = useTexts(alertTexts);
  const org = useOrg();
  const queryClient = useQueryClient();
  const change = useMutation({
    mutationFn: (step: 'acknowledge' | 'resolve') => changeIncident(incident.id, step),
    onSuccess: () => invalidateIncidents(queryClient, org.id),
  });
  return (
    <AdminOnly short={short}>
      <Group gap="xs">
        {incident.status === 'open' && (
          <Tooltip label={t('acknowledgeHint')} multiline maw={260}>
            <Button
              size="xs"
              variant="light"
              loading={change.isPending && change.variables === 'acknowledge'}
              onClick={() => change.mutate('acknowledge')}
            >
              {t('acknowledge')}
            </Button>
          </Tooltip>
        )}
        <Tooltip label={t('resolveHint')} multiline maw={260}>
          <Button
            size="xs"
            variant="default"
            loading={change.isPending && change.variables === 'resolve'}
            onClick={() => change.mutate('resolve')}
          >
            {t('resolve')}
          </Button>
        </Tooltip>
      </Group>
      {change.error && (
        <Text size="xs" c="red" role="alert">
          {change.error.message}
        </Text>
      )}
    </AdminOnly>
  );
}
