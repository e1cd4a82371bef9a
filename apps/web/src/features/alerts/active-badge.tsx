import { Badge } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTexts } from '../../lib/i18n.ts';
import { activeIncidents } from '../../lib/incidents.ts';
import { useOrg } from '../../lib/orgs.ts';
import { incidentTexts } from '../../ui/incident-texts.ts';
import { levelColor } from '../../ui/level.tsx';
import { live } from '../../ui/live.tsx';

/** For the menu: the number of incidents that are not resolved, in the colour of the gravest one. */
export function ActiveBadge() {
  const t = useTexts(incidentTexts);
  const { data = [] } = useQuery({ ...activeIncidents(useOrg().id), ...live(30_000) });
  const [gravest] = data;
  if (!gravest) return null;
  return (
    <Badge
      size="sm"
      circle={data.length < 10}
      color={levelColor(gravest.level)}
      aria-label={`${t('openIncidents')}: ${data.length}`}
      role="img"
    >
      {data.length > 99 ? '99+' : data.length}
    </Badge>
  );
}
