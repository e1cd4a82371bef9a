import { AcceptedInvite, CreatedInvite, Invite } from '@tributary/shared/api.ts';
import { describeRoute } from 'hono-openapi';
import { z } from 'zod';
import { answers, command, refuses, user } from '../platform/openapi-parts.ts';

/** What each route says of itself. */
export const describe = {
  createInvite: describeRoute({
    operationId: 'createInvite',
    tags: ['Invites'],
    summary: 'Invite somebody to an org',
    description: 'The token is shown this once. Only a user signed in with the invited address can use it.',
    security: user,
    responses: { ...answers(201, 'Invited.', CreatedInvite), ...refuses(...command) },
  }),
  listInvites: describeRoute({
    operationId: 'listInvites',
    tags: ['Invites'],
    summary: 'List an org\u2019s invites',
    security: user,
    responses: {
      ...answers(200, 'The invites, newest first, accepted and expired ones too.', z.array(Invite)),
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
    description: 'A wrong, used, expired or withdrawn token and one for another address are the same 404.',
    security: user,
    responses: { ...answers(200, 'Joined.', AcceptedInvite), ...refuses(400, 401, 404, 413, 415, 503) },
  }),
};
