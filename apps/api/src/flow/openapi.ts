import { ServiceStatus } from '@tributary/shared/flow.ts';
import { describeRoute } from 'hono-openapi';
import { answers, refuses, user } from '../platform/openapi-parts.ts';

/** What each route says of itself. */
export const describe = {
  getStatus: describeRoute({
    operationId: 'getStatus',
    tags: ['Operation'],
    summary: 'Whether everything is taken as usual, for everybody who is signed in',
    description: 'Nothing of what the operator wrote down, and nothing of the machines. At most a second old.',
    security: user,
    responses: { ...answers(200, 'As it is now.', ServiceStatus), ...refuses(400, 401, 503) },
  }),
};
