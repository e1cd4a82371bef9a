import { infiniteQueryOptions, keepPreviousData, type QueryClient, queryOptions } from '@tanstack/react-query';
import {
  Connection,
  type CreateConnection,
  CreatedConnection,
  RotatedSecret,
  TestedConnection,
  type UpdateConnection,
} from '@tributary/shared/api.ts';
import { DlqAnalysis } from '@tributary/shared/dlq.ts';
import type { ErrorClass } from '@tributary/shared/errors.ts';
import { ConnectionFields } from '@tributary/shared/kept.ts';
import type { ConnectionVerdict } from '@tributary/shared/verdicts.ts';
import { z } from 'zod';
import { api } from '../../lib/api.ts';
import { openStatuses } from '../../lib/dead-letters.ts';
import { queryKeys } from '../../lib/query-keys.ts';
import { read, supabase } from '../../lib/supabase.ts';

const keyOf = (id: string) => [...queryKeys.connections, id];

export const connectionDetail = (id: string) =>
  queryOptions({
    queryKey: keyOf(id),
    queryFn: () => api(Connection, 'GET', `/api/connections/${id}`),
  });

/** Invalidates one connection with its latest events and failures. */
export const invalidateConnection = (client: QueryClient, id: string) => client.invalidateQueries({ queryKey: keyOf(id) });

export const createConnection = (body: CreateConnection) => api(CreatedConnection, 'POST', '/api/connections', body);
export const updateConnection = (id: string, body: UpdateConnection) => api(Connection, 'PATCH', `/api/connections/${id}`, body);
export const deleteConnection = (id: string) => api(z.undefined(), 'DELETE', `/api/connections/${id}`);
export const rotateSecret = (id: string, body: { name?: string; secret?: string; graceSeconds?: number }) =>
  api(RotatedSecret, 'POST', `/api/connections/${id}/secret`, body);
export const sendTest = (id: string, sample: string | undefined) =>
  api(TestedConnection, 'POST', `/api/connections/${id}/test`, sample === undefined ? {} : { sample });

/** What is stored of the newest delivery of a connection, field by field. It is kept under the connection, whose settings decide. */
export const fieldsOfConnection = (id: string) =>
  queryOptions({
    queryKey: [...keyOf(id), 'fields'],
    staleTime: 60_000,
    queryFn: () => api(ConnectionFields, 'GET', `/api/connections/${id}/fields`),
  });

/** The open dead letters of a connection of these classes, in clusters by class and field. */
export const openClusters = (orgId: string, id: string, classes: readonly ErrorClass[]) =>
  queryOptions({
    queryKey: [...keyOf(id), 'clusters', orgId, classes],
    queryFn: async () => {
      const query = new URLSearchParams({
        orgId,
        connectionIds: id,
        quarantine: 'false',
        classes: classes.join(),
        statuses: openStatuses.join(),
      });
      return (await api(DlqAnalysis, 'GET', `/api/dlq/analyze?${query}`)).clusters;
    },
  });

/** The rejected deliveries of a connection by reason, the latest reason first. */
export const rejectionsOfConnection = (orgId: string, id: string) =>
  queryOptions({
    queryKey: [...keyOf(id), 'rejections'],
    queryFn: async () => read(supabase().data.rpc('rejections_by_reason', { org_id: orgId, connection_id: id })),
  });

/** The newest events and dead letters of a connection; the wizard waits for the first of them. */
export const latestOfConnection = (id: string) =>
  queryOptions({
    queryKey: [...keyOf(id), 'latest'],
    queryFn: async () => {
      const [events, failures] = await Promise.all([
        read(
          supabase()
            .data.from('canonical_events')
            .select('id, type, event_time, ingested_at, is_test, amount_minor, currency, order_ref')
            .eq('source_connection_id', id)
            .order('event_time', { ascending: false })
            .limit(8),
        ),
        read(
          supabase()
            .data.from('dlq_events')
            .select('id, error_class, last_error_message, status, is_quarantine, created_at')
            .eq('source_connection_id', id)
            .order('created_at', { ascending: false })
            .limit(8),
        ),
      ]);
      return { events, failures };
    },
  });

/** Connections in one page of the list. */
const pageSize = 50;

/** The connections whose name or type contains `search`, by name, page by page, with their figures of the last 24 hours. */
export const connectionPages = (
  orgId: string,
  { search, verdicts }: { search: string | undefined; verdicts: readonly ConnectionVerdict[] | undefined },
) =>
  infiniteQueryOptions({
    queryKey: [...queryKeys.connectionHealth, orgId, 'pages', search, verdicts],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      read(
        supabase().data.rpc('connection_health', {
          org_id: orgId,
          page_limit: pageSize,
          ...(search === undefined ? {} : { search }),
          ...(verdicts === undefined ? {} : { verdicts: [...verdicts] }),
          ...(pageParam === undefined ? {} : { after: pageParam }),
        }),
      ),
    getNextPageParam: (page) => (page.length === pageSize ? page.at(-1)?.source_connection_id : undefined),
    placeholderData: keepPreviousData,
  });

/** Records received per hour over the last 24, oldest first, of each of these connections. */
export const connectionTrends = (orgId: string, ids: readonly string[]) =>
  queryOptions({
    queryKey: ['connection-trends', orgId, ids],
    staleTime: 30_000,
    queryFn: async () => {
      const rows = await read(supabase().data.rpc('connection_sparklines', { org_id: orgId, ids: [...ids] }));
      return new Map(rows.map((row) => [row.source_connection_id, row.received]));
    },
  });
