import { Approval, ApprovalList } from '@tributary/shared/approvals.ts';
import { describeRoute } from 'hono-openapi';
import { answers, refuses, user } from '../platform/openapi-parts.ts';

const tags = ['Approvals'];

/** The OpenAPI description of each route. */
export const describe = {
  listApprovals: describeRoute({
    operationId: 'listApprovals',
    tags,
    summary: 'List the acts that wait for a second person',
    description: 'For owners and admins. With `status=all`, also the decided ones.',
    security: user,
    responses: { ...answers(200, 'A page of requests.', ApprovalList), ...refuses(400, 401, 403, 404, 503) },
  }),
  getApproval: describeRoute({
    operationId: 'getApproval',
    tags,
    summary: 'Read a request for a second person',
    security: user,
    responses: { ...answers(200, 'The request as it is now.', Approval), ...refuses(401, 404, 503) },
  }),
  approve: describeRoute({
    operationId: 'approveAct',
    tags,
    summary: 'Approve an act that another person has requested',
    description:
      'The act is done in the same transaction, exactly as it was requested and once. When it cannot be done, the request stays open and the answer says why. ' +
      'Both people must have the role for the act at this moment.',
    security: user,
    responses: { ...answers(200, 'Approved and done.', Approval), ...refuses(401, 403, 404, 409, 503) },
  }),
  reject: describeRoute({
    operationId: 'rejectAct',
    tags,
    summary: 'Reject an act that another person has requested',
    security: user,
    responses: { ...answers(200, 'Rejected.', Approval), ...refuses(401, 403, 404, 409, 503) },
  }),
  withdraw: describeRoute({
    operationId: 'withdrawAct',
    tags,
    summary: 'Withdraw an act that you have requested',
    security: user,
    responses: { ...answers(200, 'Withdrawn.', Approval), ...refuses(401, 403, 404, 409, 503) },
  }),
};
