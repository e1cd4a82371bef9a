import { ReplayList, ReplayPlan, ReplayPreview } from '@tributary/shared/replays.ts';
import { describeRoute } from 'hono-openapi';
import { answers, command, refuses, user } from '../platform/openapi-parts.ts';

const describeReplayStep = (operationId: string, summary: string, more = '') =>
  describeRoute({
    operationId,
    tags: ['Replay plans'],
    summary,
    description: `${more} Pressed twice is once. 409: the plan is not where this step begins, or a legal hold is set.`.trim(),
    security: user,
    responses: { ...answers(200, 'The plan as it is now.', ReplayPlan), ...refuses(401, 403, 404, 409, 413, 415, 503) },
  });

/** What each route says of itself. */
export const describe = {
  createReplay: describeRoute({
    operationId: 'createReplay',
    tags: ['Replay plans'],
    summary: 'Plan a replay, or count what it would be about',
    description:
      'The count is exact. Deliveries that were rejected at the door are never part of a plan, nor is what arrives after its approval; replays ' +
      'themselves only with `includeReplays`. 409 `legal_hold`: one of its connections, or the org, is under a hold.',
    security: user,
    responses: {
      ...answers(200, 'With `dryRun`: how many, and how long they would take.', ReplayPreview),
      ...answers(201, 'Planned; it waits for approval.', ReplayPlan),
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
    summary: 'Read a replay plan: progress, rate, and who did what',
    security: user,
    responses: { ...answers(200, 'The plan.', ReplayPlan), ...refuses(401, 404, 503) },
  }),
  approveReplay: describeRoute({
    operationId: 'approveReplay',
    tags: ['Replay plans'],
    summary: 'Approve a replay plan',
    description: 'With `needsSecondApproval` by somebody else than who made it, and with a reference.',
    security: user,
    responses: { ...answers(200, 'The plan, counted anew.', ReplayPlan), ...refuses(...command, 409) },
  }),
  runReplay: describeReplayStep('runReplay', 'Start an approved replay plan'),
  pauseReplay: describeReplayStep('pauseReplay', 'Pause a running replay plan', 'It stops after the batch at hand.'),
  resumeReplay: describeReplayStep('resumeReplay', 'Go on with a replay plan that was paused or failed'),
  cancelReplay: describeReplayStep('cancelReplay', 'Cancel a replay plan', 'What it did stays.'),
};
