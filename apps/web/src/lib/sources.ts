import { queryOptions } from '@tanstack/react-query';
import { SourceEntry } from '@tributary/shared/api.ts';
import { z } from 'zod';
import { api } from './api.ts';

/** Every platform that the API knows, with its labels, steps, secrets, settings and samples: nothing about one is written down here. */
export const sourceCatalogue = queryOptions({
  queryKey: ['sources'],
  staleTime: Number.POSITIVE_INFINITY,
  queryFn: () => api(z.array(SourceEntry), 'GET', '/api/sources'),
});
