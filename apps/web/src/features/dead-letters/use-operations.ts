import { useQuery, useQueryClient } from '@tanstack/react-query';
import type { DlqOperation } from '@tributary/shared/dlq.ts';
import { useEffect, useRef, useState } from 'react';
import { live } from '../../ui/live.tsx';
import { isOpen } from './operations.tsx';
import { invalidateAfterRetry, operations } from './queries.ts';

/**
 * The org's bulk operations, and those to follow at the top of the page: the running ones, and those that were started here until they are
 * hidden.
 */
export function useOperations(orgId: string) {
  const queryClient = useQueryClient();
  const all = useQuery({
    ...operations(orgId),
    ...live(),
    refetchInterval: ({ state }) => (state.data?.some(isOpen) ? 1_500 : 15_000),
  });
  const [started, setStarted] = useState<readonly string[]>([]);
  const open = all.data?.filter(isOpen).map(({ id }) => id) ?? [];
  // The lists are refreshed as soon as an operation has ended.
  const before = useRef<readonly string[]>([]);
  useEffect(() => {
    const ended = before.current.some((id) => !open.includes(id));
    before.current = open;
    if (ended) void invalidateAfterRetry(queryClient);
  });
  const follow = (operation: DlqOperation) => {
    setStarted((ids) => [operation.id, ...ids]);
    // Added as open at once, so that its end is noticed even when it ends before the next poll.
    queryClient.setQueryData(operations(orgId).queryKey, (known = []) => [operation, ...known.filter(({ id }) => id !== operation.id)]);
  };
  return {
    all,
    follow,
    hide: (id: string) => setStarted((ids) => ids.filter((one) => one !== id)),
    followed: all.data?.filter((operation) => isOpen(operation) || started.includes(operation.id)) ?? [],
  };
}
