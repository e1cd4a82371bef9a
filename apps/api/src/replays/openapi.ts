import { ReplayList, ReplayPlan, ReplayPreview } from '@tributary/shared/replays.ts';
import { describeRoute } from 'hono-openapi';
import { answers, command, refuses, user } from '../platform/openapi-parts.ts';

const describeReplayStep = (operationId: string, summary: string, more = '') =>
  describeRoute({
    operationId,
    tags: ['Replay plans'],
    summary,
    description:
      `${more} Repeating the request changes nothing. Answers 409 when the status of the plan does not allow this step, or a legal hold is set.`.trim(),
    security: user,
    responses: { ...answers(200, 'The plan as it is now.', ReplayPlan), ...refuses(401, 403, 404, 409, 413, 415, 503) },
  });

/** The OpenAPI description of each route. */
export const describe = {
  createReplay: describeRoute({
    operationId: 'createReplay',
    tags: ['Replay plans'],
    summary: 'Plan a replay, or count the deliveries that it would replay',
    description:
      'The count is exact. Deliveries that failed verification or that arrive after the approval are never part of a plan. Replays of ' +
      'deliveries are part of it only with `includeReplays`. Answers 409 `legal_hold` when one of its connections, or the org, is under a hold.',
    security: user,
    responses: {
      ...answers(200, 'With `dryRun`: how many deliveries match, and how long the replay would take.', ReplayPreview),
      ...answers(201, 'The plan, which waits for approval.', ReplayPlan),
      ...refuses(...command, 409),
    },
  }),
  listReplays: describeRoute({
    operationId: 'listReplays',
    tags: ['Replay plans'],
    summary: 'List an org\u2019s replay plans',
    security: user,
    responses: { ...answers(200, 'The plans, newest first.', ReplayList), ...refuses(400, 401, 404, 503) },
  }),
  getReplay: describeRoute({
    operationId: 'getReplay',
    tags: ['Replay plans'],
    summary: 'Read a replay plan with its progress, rate and history',
    security: user,
    responses: { ...answers(200, 'The plan.', ReplayPlan), ...refuses(401, 404, 503) },
  }),
  approveReplay: describeRoute({
    operationId: 'approveReplay',
    tags: ['Replay plans'],
    summary: 'Approve a replay plan',
    description:
      'A plan with `needsSecondApproval` must be approved by another person than its creator, and with a reference. The threshold counts the ' +
      'plans together that its creator approved alone in the last 24 hours.',
    security: user,
    responses: { ...answers(200, 'The plan with a new count.', ReplayPlan), ...refuses(...command, 409) },
  }),
  runReplay: describeReplayStep('runReplay', 'Start an approved replay plan'),
  pauseReplay: describeReplayStep('pauseReplay', 'Pause a running replay plan', 'The plan stops after the current batch.'),
  resumeReplay: describeReplayStep('resumeReplay', 'Continue a replay plan that was paused or failed'),
  cancelReplay: describeReplayStep('cancelReplay', 'Cancel a replay plan', 'Deliveries that were replayed stay replayed.'),
};
