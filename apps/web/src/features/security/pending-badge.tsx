import { Badge } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTexts } from '../../lib/i18n.ts';
import { useOrg } from '../../lib/orgs.ts';
import { useSession } from '../../lib/session.ts';
import { live } from '../../ui/live.tsx';
import { approvals } from './queries.ts';
import { securityTexts } from './texts.ts';

/** For the menu: the number of requests of colleagues that wait for this person. */
export function PendingBadge() {
  const t = useTexts(securityTexts);
  const org = useOrg();
  const userId = useSession()?.user.id;
  const { data = [] } = useQuery({ ...approvals(org.id, 'pending'), ...live(60_000), enabled: org.canWrite });
  const waiting = data.filter((approval) => approval.requestedBy !== userId).length;
  if (waiting === 0) return null;
  return (
    <Badge size="sm" circle={waiting < 10} color="orange" aria-label={`${t('pending')}: ${waiting}`} role="img">
      {waiting}
    </Badge>
  );
}
