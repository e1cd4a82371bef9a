import { useQueryClient } from '@tanstack/react-query';
import type { ReplayPlan } from '@tributary/shared/replays.ts';
import { useOrg } from '../../lib/orgs.ts';
import { invalidateReplays, replayPlan, type Step, stepPlan } from './queries.ts';

/** Takes a step and invalidates every list and panel that shows the plan. */
export function useStep(plan: ReplayPlan, step: Step) {
  const org = useOrg();
  const queryClient = useQueryClient();
  return async (body?: { reference?: string }) => {
    try {
      queryClient.setQueryData(replayPlan(org.id, plan.id).queryKey, await stepPlan(plan.id, step, body));
    } finally {
      // A refused step also means that the page shows an outdated state.
      await invalidateReplays(queryClient, org.id);
    }
  };
}
