import { QueryClient } from '@tanstack/react-query';
import { ApiError } from './errors.ts';

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // What the API refused it refuses again; only silence and trouble on its side are worth another try.
      retry: (failures, error) => failures < 2 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
      refetchOnWindowFocus: true,
      // Whether the server answers is found out by asking it (reachable.ts): what browsers say of the network is wrong for a server on
      // this very machine, and would let a command wait in silence, to be sent when nobody expects it any more.
      networkMode: 'always',
    },
    mutations: { networkMode: 'always' },
  },
});
