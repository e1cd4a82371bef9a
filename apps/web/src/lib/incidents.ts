import { type QueryClient, queryOptions } from '@tanstack/react-query';
import { type AlertKind, type AlertUnit, alertUnits } from '@tributary/shared/alert-kinds.ts';
import type { AlertIncident, AlertLevel } from '@tributary/shared/alerts.ts';
import { formatDuration, formatNumber, formatShare } from './format.ts';
import type { Language } from './i18n.ts';
import { read, supabase } from './supabase.ts';

export type ActiveIncident = Pick<
  AlertIncident,
  | 'id'
  | 'kind'
  | 'status'
  | 'level'
  | 'connectionId'
  | 'connectionName'
  | 'sourceType'
  | 'connections'
  | 'value'
  | 'threshold'
  | 'openedAt'
  | 'acknowledgedAt'
>;

export const incidentsKey = (orgId: string) => ['incidents', orgId];

/** Invalidates the active and resolved incidents and their details. */
export const invalidateIncidents = (client: QueryClient, orgId: string) => client.invalidateQueries({ queryKey: incidentsKey(orgId) });

/** Gravest first. */
export const levels = ['critical', 'warning', 'info'] as const satisfies readonly AlertLevel[];

/**
 * The incidents that are not resolved, the gravest first, and the newest first within a level. One request serves the badge in the menu,
 * the overview and the alerts page, because there is at most one such incident for each cause.
 *
 * With a connection, only the incidents that this connection is in.
 */
export const activeIncidents = (orgId: string, connectionId?: string) =>
  queryOptions({
    queryKey: [...incidentsKey(orgId), 'active', connectionId ?? 'all'],
    queryFn: async (): Promise<ActiveIncident[]> => {
      const only = connectionId === undefined ? undefined : await incidentsOf(orgId, connectionId);
      if (only?.length === 0) return [];
      const all = supabase()
        .data.from('alert_incidents')
        .select(
          'id, kind, status, level, value, threshold, opened_at, acknowledged_at, connections, source_connection_id, source_connections (name, type)',
        )
        .eq('org_id', orgId)
        .neq('status', 'resolved');
      const rows = await read((only ? all.in('id', only) : all).order('opened_at', { ascending: false }).limit(500));
      return rows
        .map((row) => ({
          id: row.id,
          kind: row.kind as AlertKind,
          status: row.status as AlertIncident['status'],
          level: row.level as AlertLevel,
          connectionId: row.source_connection_id,
          connectionName: row.source_connections.name,
          sourceType: row.source_connections.type,
          connections: row.connections,
          value: row.value,
          threshold: row.threshold,
          openedAt: row.opened_at,
          acknowledgedAt: row.acknowledged_at,
        }))
        .sort((a, b) => levels.indexOf(a.level) - levels.indexOf(b.level));
    },
  });

/** The ids of the open incidents that a connection is in. It is in one of each family of alerts at most. */
async function incidentsOf(orgId: string, connectionId: string): Promise<string[]> {
  const rows = await read(
    supabase()
      .data.from('alert_incident_connections')
      .select('incident_id')
      .eq('org_id', orgId)
      .eq('source_connection_id', connectionId)
      .is('left_at', null)
      .limit(20),
  );
  return rows.map((row) => row.incident_id);
}

/** Formats a threshold or value of a rule in its unit. */
export function formatAlertValue(value: number, unit: AlertUnit, language: Language): string {
  // A threshold is written as it was set: 100 s must not become 2 min.
  if (unit === 'seconds' && Number.isInteger(value) && value % 60 !== 0 && value < 5_400) return `${formatNumber(value, language)}\u00a0s`;
  if (unit === 'seconds') return formatDuration(value, language);
  return unit === 'share' ? formatShare(value, language, 2) : formatNumber(value, language);
}

/** The value and limit of an incident, for the texts that contain them. */
export const valueAndLimit = ({ kind, value, threshold }: Pick<AlertIncident, 'kind' | 'value' | 'threshold'>, language: Language) => ({
  value: formatAlertValue(value, alertUnits[kind], language),
  limit: formatAlertValue(threshold, alertUnits[kind], language),
});
