import { Quotas } from '@tributary/shared/quotas.ts';
import { describeRoute } from 'hono-openapi';
import { answers, refuses, user } from '../platform/openapi-parts.ts';

/** The OpenAPI description of each route. */
export const describe = {
  listQuotas: describeRoute({
    operationId: 'listOrgQuotas',
    tags: ['Orgs'],
    summary: 'List the quotas of an org, and what is used of them',
    description:
      'For owners and admins. A command beyond a quota is answered 429 `quota_exceeded`; its detail names the quota and its value. A delivery ' +
      'beyond `events_per_day`, `bytes_per_day` or `stored_bytes` is answered in the same way. The operator of the server can raise a quota.',
    security: user,
    responses: { ...answers(200, 'Every quota.', Quotas), ...refuses(401, 403, 404, 503) },
  }),
};
