import { infiniteQueryOptions, type QueryClient, queryOptions } from '@tanstack/react-query';
import { OrgDetailForOperator, OrgsForOperator } from '@tributary/shared/operators.ts';
import { Quotas } from '@tributary/shared/quotas.ts';
import { api } from '../../lib/api.ts';

const key = ['installation'];

const listOrgs = (token: string, query: URLSearchParams, signal?: AbortSignal) =>
  api(OrgsForOperator, 'GET', `/api/admin/orgs?${query}`, undefined, { bearer: token, ...(signal ? { signal } : {}) });

/** Asks for one row, to find out whether the token is an operator's. */
export const checkToken = (token: string) => listOrgs(token, new URLSearchParams({ limit: '1' }));

/** `token` is not part of the keys, because keys are cached and shown by developer tools. */
export const orgsOfInstallation = (token: string, search: string | undefined, suspended: boolean) =>
  infiniteQueryOptions({
    queryKey: [...key, 'orgs', search, suspended],
    gcTime: 0,
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page: OrgsPage) => page.next ?? undefined,
    queryFn: ({ pageParam, signal }) =>
      listOrgs(
        token,
        new URLSearchParams({
          ...(search ? { search } : {}),
          ...(suspended ? { suspended: 'true' } : {}),
          ...(pageParam ? { cursor: pageParam } : {}),
        }),
        signal,
      ),
  });
type OrgsPage = Awaited<ReturnType<typeof listOrgs>>;

export const orgOfInstallation = (token: string, id: string) =>
  queryOptions({
    queryKey: [...key, 'org', id],
    gcTime: 0,
    queryFn: ({ signal }) => api(OrgDetailForOperator, 'GET', `/api/admin/orgs/${id}`, undefined, { bearer: token, signal }),
  });

export const invalidateInstallation = (client: QueryClient) => client.invalidateQueries({ queryKey: key });

export const changeSuspension = (token: string, id: string, act: 'suspend' | 'reactivate', reason: string) =>
  api(OrgDetailForOperator, 'POST', `/api/admin/orgs/${id}/${act}`, reason === '' ? {} : { reason }, { bearer: token });

export const setQuota = (token: string, id: string, name: string, value: number | null) =>
  api(Quotas, 'PATCH', `/api/admin/orgs/${id}/quotas`, { quotas: { [name]: value } }, { bearer: token });
