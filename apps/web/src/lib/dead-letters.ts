import { queryOptions } from '@tanstack/react-query';
import { DlqSummary } from '@tributary/shared/dlq.ts';
import { api } from './api.ts';
import { queryKeys } from './query-keys.ts';

/** The statuses that still need attention: the page of dead letters shows them when no status is chosen. */
export const openStatuses = ['pending', 'retrying', 'exhausted'] as const;

/** How many entries the page of dead letters lists when it is opened: the open ones outside the quarantine, and those in it. */
export const openDeadLetters = (orgId: string) =>
  queryOptions({
    queryKey: [...queryKeys.deadLetters, 'open', orgId],
    queryFn: async () => {
      const count = async (quarantine: boolean) => {
        const query = new URLSearchParams({ orgId, quarantine: String(quarantine), statuses: openStatuses.join() });
        return (await api(DlqSummary, 'GET', `/api/dlq/summary?${query}`)).total;
      };
      const [failed, quarantined] = await Promise.all([count(false), count(true)]);
      return { failed, quarantined };
    },
  });
