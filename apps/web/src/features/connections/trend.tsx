import { useQuery } from '@tanstack/react-query';
import { Sparkline } from '../../ui/charts.tsx';
import { connectionTrends } from './queries.ts';

const nothing = Array.from({ length: 24 }, () => 0);

/** Records per hour of one connection; one request serves every row of its page, which are `ids`. */
export function Trend({ orgId, ids, connectionId, label }: { orgId: string; ids: readonly string[]; connectionId: string; label: string }) {
  const trends = useQuery({ ...connectionTrends(orgId, ids), refetchInterval: 60_000 });
  return <Sparkline values={trends.data?.get(connectionId) ?? nothing} label={label} />;
}
