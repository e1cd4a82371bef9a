import { SourceEntry } from '@tributary/shared/api.ts';
import { describeRoute } from 'hono-openapi';
import { z } from 'zod';
import { answers } from '../platform/openapi-parts.ts';

/** What each route says of itself. */
export const describe = {
  listSources: describeRoute({
    operationId: 'listSources',
    tags: ['Sources'],
    summary: 'The catalogue of sources',
    security: [],
    responses: answers(200, 'Every platform this version understands.', z.array(SourceEntry)),
  }),
};
