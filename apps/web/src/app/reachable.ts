import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { isSilent, onSilenceChange, recordAnswer } from '../lib/contact.ts';
import { supabase } from '../lib/supabase.ts';

/** Whether the API answers and is healthy. */
async function apiAnswers(): Promise<boolean> {
  const answers = await fetch('/health', { cache: 'no-store', signal: AbortSignal.timeout(5_000) }).then(
    (response) => response.ok,
    () => false,
  );
  recordAnswer('api', answers);
  return answers;
}

/**
 * Loads something from the API and keeps trying while the API does not answer. When the API answers and the file is missing, that is an
 * error: the file belongs to an older build.
 */
export async function loadWithRetry<T>(load: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await load();
    } catch (error) {
      if (await apiAnswers()) throw error;
      await new Promise((resolve) => window.setTimeout(resolve, 3_000));
    }
  }
}

/**
 * Whether the servers answer. The API is asked every 15 s while the tab is visible, every 3 s while one of the servers does not answer, and
 * at once when a request got no answer or the network changed.
 */
export function useReachable(): boolean {
  const [reachable, setReachable] = useState(true);
  const queryClient = useQueryClient();
  useEffect(() => {
    let timer: number | undefined;
    let asking = false;
    let stopped = false;
    let before = true;
    async function ask() {
      if (asking || stopped) return;
      window.clearTimeout(timer);
      asking = true;
      if (document.visibilityState === 'visible') {
        // The fetch of the Data API client records whether it was answered (lib/supabase.ts).
        const data = isSilent('data') ? supabase().data.from('orgs').select('id').limit(1) : undefined;
        const [answers] = await Promise.all([apiAnswers(), data]);
        const now = answers && !isSilent('data');
        // Queries that failed in the meantime are fetched again, once.
        if (now && !before && !stopped)
          void queryClient.invalidateQueries({ predicate: (query) => query.state.status === 'error' || query.isStale() });
        before = now;
        if (!stopped) setReachable(now);
      }
      asking = false;
      if (!stopped) timer = window.setTimeout(ask, before ? 15_000 : 3_000);
    }
    const now = () => void ask();
    window.addEventListener('online', now);
    window.addEventListener('offline', now);
    document.addEventListener('visibilitychange', now);
    // While a server does not answer, it is asked every three seconds anyway: answers with errors to other requests must not add to that.
    const ignore = onSilenceChange(() => {
      if (before) now();
    });
    now();
    return () => {
      stopped = true;
      window.clearTimeout(timer);
      window.removeEventListener('online', now);
      window.removeEventListener('offline', now);
      document.removeEventListener('visibilitychange', now);
      ignore();
    };
  }, [queryClient]);
  return reachable;
}
