import { LegalHold, LegalHoldList } from '@tributary/shared/holds.ts';
import { describeRoute } from 'hono-openapi';
import { answers, command, refuses, user, waits } from '../platform/openapi-parts.ts';

/** The OpenAPI description of each route. */
export const describe = {
  listLegalHolds: describeRoute({
    operationId: 'listLegalHolds',
    tags: ['Legal holds'],
    summary: 'List an org\u2019s legal holds',
    description: 'Active holds first. Released holds stay listed.',
    security: user,
    responses: { ...answers(200, 'The holds.', LegalHoldList), ...refuses(400, 401, 404, 503) },
  }),
  createLegalHold: describeRoute({
    operationId: 'createLegalHold',
    tags: ['Legal holds'],
    summary: 'Put a connection or the whole org under a legal hold',
    description:
      'From now on, its data is not replayed, retried, discarded, purged, erased or deleted by retention, and neither the connection nor the ' +
      'org is deleted. Commands that would do so answer 409 `legal_hold`, with the reason of the hold.',
    security: user,
    responses: { ...answers(201, 'Set.', LegalHold), ...refuses(...command) },
  }),
  releaseLegalHold: describeRoute({
    operationId: 'releaseLegalHold',
    tags: ['Legal holds'],
    summary: 'Release a legal hold',
    description: 'A hold that was released before does not change.',
    security: user,
    responses: { ...answers(200, 'The hold as it is now.', LegalHold), ...waits, ...refuses(401, 403, 404, 503) },
  }),
};
