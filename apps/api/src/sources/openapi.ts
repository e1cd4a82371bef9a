import { SourceEntry } from '@tributary/shared/api.ts';
import { describeRoute } from 'hono-openapi';
import { z } from 'zod';
import { answers } from '../platform/openapi-parts.ts';

/** The OpenAPI description of each route. */
export const describe = {
  listSources: describeRoute({
    operationId: 'listSources',
    tags: ['Sources'],
    summary: 'List the sources',
    security: [],
    responses: answers(200, 'Every platform that this version can receive events from.', z.array(SourceEntry).max(500)),
  }),
};
