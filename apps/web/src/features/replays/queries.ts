import { keepPreviousData, type QueryClient, queryOptions } from '@tanstack/react-query';
import { type CreateReplay, ReplayList, ReplayPlan, ReplayPreview } from '@tributary/shared/replays.ts';
import { api } from '../../lib/api.ts';

export type NewPlan = Omit<CreateReplay, 'dryRun' | 'orgId'>;

/** The most plans that the API returns; they are the newest ones. */
export const plansMax = 200;

export const replayPlans = (orgId: string) =>
  queryOptions({
    queryKey: ['replays', orgId],
    queryFn: async () => (await api(ReplayList, 'GET', `/api/replays?orgId=${orgId}`)).plans,
  });

export const invalidateReplays = (client: QueryClient, orgId: string) =>
  client.invalidateQueries({ queryKey: replayPlans(orgId).queryKey });

/** Invalidates the list, but not the single plans. */
export const invalidateReplayList = (client: QueryClient, orgId: string) =>
  client.invalidateQueries({ queryKey: replayPlans(orgId).queryKey, exact: true });

/** One plan. For owners and admins it contains its audit trail. */
export const replayPlan = (orgId: string, id: string) =>
  queryOptions({
    queryKey: ['replays', orgId, id],
    queryFn: () => api(ReplayPlan, 'GET', `/api/replays/${id}`),
  });

/** Counts the deliveries of a plan without creating it. `signal` cancels a count that is no longer wanted. */
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

/**
 * The polling interval. The figures of a running plan change twice a second; otherwise the page only has to notice the steps of colleagues.
 */
export const pollingMs = (isRunning: boolean | undefined) => (isRunning ? 2_000 : 10_000);
