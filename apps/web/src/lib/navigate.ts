import { type RegisteredRouter, type UseNavigateResult, useNavigate } from '@tanstack/react-router';
import { useCallback } from 'react';

/**
 * Navigates within the page that is open, of which only the search changes: the reader stays where they are on it, while a new page begins
 * at its top. Links within a page say `resetScroll={false}`.
 */
export function useNavigateWithin<const From extends keyof RegisteredRouter['routesByPath']>(page: {
  from: From;
}): UseNavigateResult<From> {
  const navigate = useNavigate(page);
  return useCallback((options) => navigate({ resetScroll: false, ...options }), [navigate]);
}
