import { type RegisteredRouter, type UseNavigateResult, useNavigate } from '@tanstack/react-router';
import { useCallback } from 'react';

/**
 * Navigates within the open page by changing only its search. The scroll position is kept, whereas a new page starts at its top. Links
 * within a page set `resetScroll={false}`.
 */
export function useNavigateWithin<const From extends keyof RegisteredRouter['routesByPath']>(page: {
  from: From;
}): UseNavigateResult<From> {
  const navigate = useNavigate(page);
  return useCallback((options) => navigate({ resetScroll: false, ...options }), [navigate]);
}
