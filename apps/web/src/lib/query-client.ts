import { QueryClient } from '@tanstack/react-query';
import { ApiError } from './errors.ts';

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // A request that the API refused would be refused again; only unanswered requests and errors of the server are retried.
      retry: (failures, error) => failures < 2 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
      refetchOnWindowFocus: true,
      // Requests are sent even when the browser reports that it is offline; app/reachable.ts finds out whether the server answers. The
      // browser is wrong about a server on the same machine, and pausing would hold a command back silently and send it later, when the
      // user does not expect it any more.
      networkMode: 'always',
    },
    mutations: { networkMode: 'always' },
  },
});
