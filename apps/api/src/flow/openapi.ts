import { ServiceStatus } from '@tributary/shared/flow.ts';
import { describeRoute } from 'hono-openapi';
import { answers, refuses, user } from '../platform/openapi-parts.ts';

/** The OpenAPI description of each route. */
export const describe = {
  getStatus: describeRoute({
    operationId: 'getStatus',
    tags: ['Operation'],
    summary: 'Read the operating mode of the service',
    description:
      'Any signed-in user may read it. The answer contains neither the reason that the operator wrote nor details of the servers, and is at most a second old.',
    security: user,
    responses: { ...answers(200, 'The mode as it is now.', ServiceStatus), ...refuses(400, 401, 503) },
  }),
};
