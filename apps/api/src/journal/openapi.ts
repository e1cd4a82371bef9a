import { LatestEntries, ReplayedEntry } from '@tributary/shared/journal.ts';
import { describeRoute } from 'hono-openapi';
import { answers, command, refuses, user } from '../platform/openapi-parts.ts';

/** The OpenAPI description of each route. */
export const describe = {
  latestEntries: describeRoute({
    operationId: 'latestEntries',
    tags: ['Journal'],
    summary: 'List the newest deliveries of an org',
    description: 'Newest first. To read the next page, send the id of the last delivery as `after`.',
    security: user,
    responses: { ...answers(200, 'The deliveries, without their bodies.', LatestEntries), ...refuses(400, 401, 404, 503) },
  }),
  replayEntry: describeRoute({
    operationId: 'replayEntry',
    tags: ['Journal'],
    summary: 'Send a delivery through the pipeline again',
    description:
      'The stored delivery runs through the current pipeline with the current mapping, as a new journal entry. Answers 409 when the delivery ' +
      'was rejected when it arrived, its body is no longer kept, its connection was deleted, or a legal hold is set (`legal_hold`).',
    security: user,
    responses: { ...answers(200, 'The outcome of each record, after the commit.', ReplayedEntry), ...refuses(...command, 409) },
  }),
};
