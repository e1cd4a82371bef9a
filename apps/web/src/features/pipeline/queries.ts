import { type QueryClient, queryOptions } from '@tanstack/react-query';
import { FlowInstance, FlowState, FlowTransition, FlushedState, Mode } from '@tributary/shared/flow.ts';
import { connectionVerdicts } from '@tributary/shared/verdicts.ts';
import { z } from 'zod';
import { api } from '../../lib/api.ts';
import { queryKeys } from '../../lib/query-keys.ts';

/**
 * The part of `GET /health/detailed` that the page shows. It describes the instance that answered, and all instances where the database can
 * say so.
 */
const DetailedHealth = z.object({
  status: z.enum(['ok', 'stopping', 'database_unavailable']),
  instanceId: z.string(),
  uptimeSeconds: z.number(),
  rssBytes: z.number(),
  backpressure: z.object({
    mode: Mode,
    operatorMode: z.string().nullish(),
    brownoutRate: z.number().nullish(),
    reason: z.string().nullish(),
    changedBy: z.enum(['operator', 'automatic']).nullish(),
    changedAt: z.string().nullish(),
    drained: z.boolean().nullish(),
    transitions: z.array(FlowTransition).nullable(),
  }),
  circuits: z.array(
    z.object({
      name: z.string(),
      sink: z.string(),
      state: z.string(),
      lastOpenedAt: z.string().nullable(),
      lastError: z.string().nullable(),
    }),
  ),
  buffer: z.object({
    records: z.number(),
    bytes: z.number(),
    recordsMax: z.number(),
    bytesMax: z.number(),
    oldestAgeSeconds: z.number(),
    flushAgeSeconds: z.number(),
    batchesInFlight: z.number(),
  }),
  inFlight: z.number(),
  workers: z.object({ concurrency: z.number(), running: z.number() }),
  jobs: z
    .array(
      z.object({
        task: z.string(),
        waiting: z.number(),
        scheduled: z.number(),
        running: z.number(),
        failed: z.number(),
        oldest_due_seconds: z.number().nullable(),
      }),
    )
    .nullable(),
  adapters: z
    .record(
      z.string(),
      z.object({
        org: z.string(),
        source: z.string(),
        verdict: z.enum(connectionVerdicts).nullish(),
        last_event_at: z.string().nullable(),
      }),
    )
    .nullable(),
  instances: z.array(FlowInstance).nullable(),
  pools: z.array(z.object({ name: z.string(), open: z.number(), idle: z.number(), waiting: z.number() })),
});
export type DetailedHealth = z.infer<typeof DetailedHealth>;

const key = ['pipeline'];

/** `token` is the operator's. It is not part of the key, because keys are cached and shown by developer tools. */
export const detailedHealth = (token: string) =>
  queryOptions({
    queryKey: key,
    gcTime: 0,
    queryFn: ({ signal }) => api(DetailedHealth, 'GET', '/health/detailed', undefined, { bearer: token, signal }),
  });

/** After a change of the mode: invalidates this page and the status that every org sees. */
export const invalidateMode = async (client: QueryClient) => {
  await client.invalidateQueries({ queryKey: key });
  await client.invalidateQueries({ queryKey: queryKeys.status });
};

export type Command = 'brownout' | 'drain' | 'pause' | 'resume' | 'flush';

export const runCommand = (token: string, name: Command, { reason, rate }: { reason?: string; rate?: number }) =>
  api(
    name === 'flush' ? FlushedState : FlowState,
    'POST',
    `/api/admin/${name}${name === 'brownout' && rate !== undefined ? `?rate=${rate}` : ''}`,
    reason ? { reason } : {},
    { bearer: token },
  );
