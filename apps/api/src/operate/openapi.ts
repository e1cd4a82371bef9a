import { FlowState, FlowTransitions, FlushedState } from '@tributary/shared/flow.ts';
import { describeRoute } from 'hono-openapi';
import { answers, operator, refuses } from '../platform/openapi-parts.ts';

/** Describes a command that sets or ends the operator's mode. Every instance obeys it within a second. */
const describeMode = (operationId: string, summary: string, description: string) =>
  describeRoute({
    operationId,
    tags: ['Operation'],
    summary,
    description,
    security: operator,
    responses: { ...answers(200, 'The state of the fleet.', FlowState), ...refuses(400, 401, 413, 415, 503) },
  });

/** The OpenAPI description of each route. */
export const describe = {
  getFlow: describeRoute({
    operationId: 'getFlow',
    tags: ['Operation'],
    summary: 'Read the mode of the fleet with its reason, and the load of each instance',
    security: operator,
    responses: { ...answers(200, 'The state of the fleet as it is now.', FlowState), ...refuses(401, 503) },
  }),
  listTransitions: describeRoute({
    operationId: 'listFlowTransitions',
    tags: ['Operation'],
    summary: 'List the changes of the mode with their time, cause and author',
    security: operator,
    responses: { ...answers(200, 'The changes, newest first.', FlowTransitions), ...refuses(400, 401, 503) },
  }),
  drain: describeMode(
    'drain',
    'Accept no new deliveries',
    'New deliveries are answered 503. Deliveries in flight are finished; `drained` is true after that.',
  ),
  pause: describeMode(
    'pause',
    'Accept no new deliveries and run no background jobs',
    'New deliveries are answered 503. Running jobs stop at their next chunk.',
  ),
  brownout: describeMode(
    'brownout',
    'Keep only a share of the deliveries to low-priority connections',
    'A random sample of their deliveries, of the size `rate`, is kept; the others are answered 429, also without load. `rate=0.1` keeps a tenth. Other connections are not affected.',
  ),
  resume: describeMode(
    'resume',
    'End a drain, pause or brownout',
    'The automatic mode applies again. Until then, the operator\u2019s mode also survives restarts.',
  ),
  flush: describeRoute({
    operationId: 'flush',
    tags: ['Operation'],
    summary: 'Make every instance write its buffered records now',
    description: 'Answers when every instance has written, or after 10 seconds with `flushed: false`.',
    security: operator,
    responses: { ...answers(200, 'The state of the fleet.', FlushedState), ...refuses(400, 401, 413, 415, 503) },
  }),
};
