import { useQuery } from '@tanstack/react-query';
import { Sparkline } from '../../ui/charts.tsx';
import { connectionTrends } from './queries.ts';

const nothing = Array.from({ length: 24 }, () => 0);

/** Records per hour of one connection; one request serves every row of the list. */
export function Trend({ orgId, connectionId, label }: { orgId: string; connectionId: string; label: string }) {
  const trends = useQuery({ ...connectionTrends(orgId), refetchInterval: 60_000 });
  return <Sparkline values={trends.data?.get(connectionId) ?? nothing} label={label} />;
}
