import { keepPreviousData, type QueryClient, queryOptions } from '@tanstack/react-query';
import { type CreateReplay, ReplayList, ReplayPlan, ReplayPreview } from '@tributary/shared/replays.ts';
import { api } from '../../lib/api.ts';

export type NewPlan = Omit<CreateReplay, 'dryRun' | 'orgId'>;

/** Newest first, at most this many: the API's own limit. */
export const plansMax = 200;

export const replayPlans = (orgId: string) =>
  queryOptions({
    queryKey: ['replays', orgId],
    queryFn: async () => (await api(ReplayList, 'GET', `/api/replays?orgId=${orgId}`)).plans,
  });

export const invalidateReplays = (client: QueryClient, orgId: string) =>
  client.invalidateQueries({ queryKey: replayPlans(orgId).queryKey });

/** The list alone, not the plans one by one. */
export const invalidateReplayList = (client: QueryClient, orgId: string) =>
  client.invalidateQueries({ queryKey: replayPlans(orgId).queryKey, exact: true });

/** One plan, for owners and admins with its audit trail. */
export const replayPlan = (orgId: string, id: string) =>
  queryOptions({
    queryKey: ['replays', orgId, id],
    queryFn: () => api(ReplayPlan, 'GET', `/api/replays/${id}`),
  });

/** Counted only. A count that nobody waits for any more is given up. */
export const countPlan = (orgId: string, plan: NewPlan, signal?: AbortSignal) =>
  api(ReplayPreview, 'POST', '/api/replays', { ...plan, orgId, dryRun: true }, signal ? { signal } : {});

export const replayPreview = (orgId: string, plan: NewPlan) =>
  queryOptions({
    queryKey: ['replay-preview', orgId, plan],
    queryFn: ({ signal }) => countPlan(orgId, plan, signal),
    placeholderData: keepPreviousData,
    retry: false,
  });

export const createPlan = (orgId: string, plan: NewPlan) => api(ReplayPlan, 'POST', '/api/replays', { ...plan, orgId });

export type Step = 'approve' | 'run' | 'pause' | 'resume' | 'cancel';
export const stepPlan = (id: string, step: Step, body: { reference?: string } = {}) =>
  api(ReplayPlan, 'POST', `/api/replays/${id}/${step}`, body);

/** While a plan runs its figures change twice a second; otherwise a colleague's step is soon enough. */
export const pace = (isRunning: boolean | undefined) => (isRunning ? 2_000 : 10_000);
