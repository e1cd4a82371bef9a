import { infiniteQueryOptions, type QueryClient, queryOptions } from '@tanstack/react-query';
import {
  AlertChannel,
  AlertChannels,
  AlertIncident,
  AlertIncidentDetail,
  AlertIncidents,
  AlertRule,
  AlertRules,
  type CreateAlertChannel,
  CreatedAlertChannel,
  TestedAlertChannel,
  type UpdateAlertChannel,
  type UpdateAlertRule,
} from '@tributary/shared/alerts.ts';
import { z } from 'zod';
import { api } from '../../lib/api.ts';
import { incidentsKey } from '../../lib/incidents.ts';

export interface IncidentFilter {
  kind?: string | undefined;
  connection?: string | undefined;
}

/** Resolved incidents, newest first, page by page. Active incidents are in `lib/incidents.ts`. */
export const resolvedIncidents = (orgId: string, { kind, connection }: IncidentFilter) =>
  infiniteQueryOptions({
    queryKey: [...incidentsKey(orgId), 'resolved', kind, connection],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) => {
      const query = new URLSearchParams({ orgId, status: 'resolved', limit: '20' });
      if (kind) query.set('kind', kind);
      if (connection) query.set('connectionId', connection);
      if (pageParam) query.set('cursor', pageParam);
      return api(AlertIncidents, 'GET', `/api/alerts/incidents?${query}`);
    },
    getNextPageParam: (last) => last.nextCursor ?? undefined,
  });

export const incidentDetail = (orgId: string, id: string) =>
  queryOptions({
    queryKey: [...incidentsKey(orgId), 'detail', id],
    queryFn: () => api(AlertIncidentDetail, 'GET', `/api/alerts/incidents/${encodeURIComponent(id)}`),
  });

export const changeIncident = (id: string, step: 'acknowledge' | 'resolve') =>
  api(AlertIncident, 'POST', `/api/alerts/incidents/${id}/${step}`, {});

export const alertRules = (orgId: string) =>
  queryOptions({
    queryKey: ['alert-rules', orgId],
    queryFn: async () => (await api(AlertRules, 'GET', `/api/alerts/rules?orgId=${orgId}`)).rules,
  });

export const invalidateAlertRules = (client: QueryClient, orgId: string) =>
  client.invalidateQueries({ queryKey: alertRules(orgId).queryKey });

export const updateRule = (id: string, body: UpdateAlertRule) => api(AlertRule, 'PATCH', `/api/alerts/rules/${id}`, body);

export const alertChannels = (orgId: string) =>
  queryOptions({
    queryKey: ['alert-channels', orgId],
    queryFn: async () => (await api(AlertChannels, 'GET', `/api/alerts/channels?orgId=${orgId}`)).channels,
  });

export const invalidateAlertChannels = (client: QueryClient, orgId: string) =>
  client.invalidateQueries({ queryKey: alertChannels(orgId).queryKey });

export const createChannel = (body: CreateAlertChannel) => api(CreatedAlertChannel, 'POST', '/api/alerts/channels', body);
export const updateChannel = (id: string, body: UpdateAlertChannel) => api(AlertChannel, 'PATCH', `/api/alerts/channels/${id}`, body);
export const deleteChannel = (id: string) => api(z.undefined(), 'DELETE', `/api/alerts/channels/${id}`);
export const askRecipients = (id: string) => api(AlertChannel, 'POST', `/api/alerts/channels/${id}/confirmations`, {});
export const testChannel = (id: string) => api(TestedAlertChannel, 'POST', `/api/alerts/channels/${id}/test`, {});
