import { AcceptedInvite, CreatedInvite, InviteList } from '@tributary/shared/api.ts';
import { describeRoute } from 'hono-openapi';
import { answers, command, refuses, user } from '../platform/openapi-parts.ts';

/** The OpenAPI description of each route. */
export const describe = {
  createInvite: describeRoute({
    operationId: 'createInvite',
    tags: ['Invites'],
    summary: 'Invite somebody to an org',
    description: 'The token is shown only in this answer. Only a user who is signed in with the invited address can use it.',
    security: user,
    responses: { ...answers(201, 'Invited.', CreatedInvite), ...refuses(...command) },
  }),
  listInvites: describeRoute({
    operationId: 'listInvites',
    tags: ['Invites'],
    summary: 'List an org\u2019s invites',
    security: user,
    responses: {
      ...answers(200, 'The invites, newest first, with accepted and expired ones.', InviteList),
      ...refuses(400, 401, 403, 404, 503),
    },
  }),
  deleteInvite: describeRoute({
    operationId: 'deleteInvite',
    tags: ['Invites'],
    summary: 'Withdraw an invite',
    security: user,
    responses: { 204: { description: 'Withdrawn.' }, ...refuses(401, 404, 503) },
  }),
  acceptInvite: describeRoute({
    operationId: 'acceptInvite',
    tags: ['Invites'],
    summary: 'Accept an invite',
    description: 'A token that is wrong, used, expired, withdrawn or for another address gets the same 404.',
    security: user,
    responses: { ...answers(200, 'Joined.', AcceptedInvite), ...refuses(400, 401, 404, 413, 415, 503) },
  }),
};
