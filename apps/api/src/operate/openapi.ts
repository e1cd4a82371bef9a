import { FlowState, FlowTransitions, FlushedState } from '@tributary/shared/flow.ts';
import { describeRoute } from 'hono-openapi';
import { answers, operator, refuses } from '../platform/openapi-parts.ts';

/** Every instance obeys a command of the operator within a second. */
const demand = (operationId: string, summary: string, description: string) =>
  describeRoute({
    operationId,
    tags: ['Operation'],
    summary,
    description,
    security: operator,
    responses: { ...answers(200, 'How the fleet stands.', FlowState), ...refuses(400, 401, 413, 415, 503) },
  });

/** The OpenAPI description of each route. */
export const describe = {
  getFlow: describeRoute({
    operationId: 'getFlow',
    tags: ['Operation'],
    summary: 'The mode of the fleet, why, and what each instance holds',
    security: operator,
    responses: { ...answers(200, 'As it is now.', FlowState), ...refuses(401, 503) },
  }),
  listTransitions: describeRoute({
    operationId: 'listFlowTransitions',
    tags: ['Operation'],
    summary: 'Every change of the mode: when, from what to what, why and by whom',
    security: operator,
    responses: { ...answers(200, 'Newest first.', FlowTransitions), ...refuses(400, 401, 503) },
  }),
  drain: demand('drain', 'Take nothing new', 'New deliveries are answered 503; what is in flight is finished, and then `drained` is true.'),
  pause: demand(
    'pause',
    'Take nothing new and run no background jobs',
    'New deliveries are answered 503; running jobs stop at their next chunk.',
  ),
  brownout: demand(
    'brownout',
    'Shed part of what comes to low-priority connections',
    'Their deliveries are answered 429 at this rate, also without load; other connections are left alone.',
  ),
  resume: demand(
    'resume',
    'End a drain, pause or brownout',
    'The automatic mode counts again. Every command survives restarts until then.',
  ),
  flush: describeRoute({
    operationId: 'flush',
    tags: ['Operation'],
    summary: 'Write at once what every instance holds',
    description: 'Answered when that is done, or after 10 seconds with `flushed: false`.',
    security: operator,
    responses: { ...answers(200, 'How the fleet stands.', FlushedState), ...refuses(400, 401, 413, 415, 503) },
  }),
};
