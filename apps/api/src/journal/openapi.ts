import { LatestEntries, ReplayedEntry } from '@tributary/shared/journal.ts';
import { describeRoute } from 'hono-openapi';
import { answers, command, refuses, user } from '../platform/openapi-parts.ts';

/** What OpenAPI says of each route. */
export const describe = {
  latestEntries: describeRoute({
    operationId: 'latestEntries',
    tags: ['Journal'],
    summary: 'The newest deliveries of an org',
    description: 'Newest first. The id of the last one, as `after`, answers those before it.',
    security: user,
    responses: { ...answers(200, 'The deliveries, without their bodies.', LatestEntries), ...refuses(400, 401, 404, 503) },
  }),
  replayEntry: describeRoute({
    operationId: 'replayEntry',
    tags: ['Journal'],
    summary: 'Send a delivery through the pipeline again',
    description:
      'Its bytes run through the pipeline and the mapping of today, as a new journal entry. 409: it was rejected at the door, its body is no ' +
      'longer kept, its connection was deleted, or a legal hold is set (`legal_hold`).',
    security: user,
    responses: { ...answers(200, 'What became of each record, after its commit.', ReplayedEntry), ...refuses(...command, 409) },
  }),
};
