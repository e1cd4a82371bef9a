import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';

/** Whether the API answers: asked every 15 s while the tab is seen, every 3 s while it does not, and at once when the network is back. */
export function useReachable(): boolean {
  const [reachable, setReachable] = useState(true);
  const queries = useQueryClient();
  useEffect(() => {
    let timer: number | undefined;
    let stopped = false;
    let before = true;
    async function ask() {
      window.clearTimeout(timer);
      if (document.visibilityState === 'visible') {
        const answers = await fetch('/health', { cache: 'no-store', signal: AbortSignal.timeout(5_000) }).then(
          (response) => response.ok,
          () => false,
        );
        if (stopped) return;
        setReachable(answers);
        // What failed meanwhile is asked again, once.
        if (answers && !before) void queries.invalidateQueries({ predicate: (query) => query.state.status === 'error' || query.isStale() });
        before = answers;
      }
      timer = window.setTimeout(ask, before ? 15_000 : 3_000);
    }
    const now = () => void ask();
    window.addEventListener('online', now);
    window.addEventListener('offline', now);
    document.addEventListener('visibilitychange', now);
    now();
    return () => {
      stopped = true;
      window.clearTimeout(timer);
      window.removeEventListener('online', now);
      window.removeEventListener('offline', now);
      document.removeEventListener('visibilitychange', now);
    };
  }, [queries]);
  return reachable;
}
