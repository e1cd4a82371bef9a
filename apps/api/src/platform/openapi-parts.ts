import { ApprovalRequested } from '@tributary/shared/approvals.ts';
import { resolver } from 'hono-openapi';
import type { z } from 'zod';

// The parts that the descriptions of routes share. The description of each route is in the openapi.ts of its feature.

/** Schemas are described as callers see them: fields with a default are optional, and answers may gain fields. */
export const schemaOptions = { options: { io: 'input', unrepresentable: 'any' } } as const;

export const problems = {
  400: { name: 'InvalidRequest', description: 'A field is missing or not valid: `errors` lists them.' },
  401: { name: 'Unauthorized', description: 'The access token is missing, expired or not valid.' },
  403: { name: 'Forbidden', description: 'Only an owner or admin of the org may do this.' },
  404: { name: 'NotFound', description: 'There is no such object, or it belongs to another org.' },
  409: { name: 'Conflict', description: 'The current state of the data does not allow the request: `detail` says why.' },
  413: { name: 'PayloadTooLarge', description: 'The body is too large.' },
  415: { name: 'UnsupportedMediaType', description: 'The content type or encoding is not supported.' },
  429: { name: 'TooManyRequests', description: 'Slow down: `Retry-After` says for how long.' },
  503: { name: 'Unavailable', description: 'Nothing was stored. Try again after `Retry-After` seconds.' },
} as const;

export type ProblemStatus = keyof typeof problems;

/** Signed-in people have a limited number of requests, so every route that answers 401 also answers 429. */
export const refuses = (...statuses: ProblemStatus[]) =>
  Object.fromEntries(
    [...new Set(statuses.includes(401) ? [...statuses, 429 as const] : statuses)].map((status) => [
      status,
      { $ref: `#/components/responses/${problems[status].name}` },
    ]),
  );

export const answers = (status: number, description: string, schema: z.ZodType) => ({
  [status]: { description, content: { 'application/json': { schema: resolver(schema, schemaOptions) } } },
});

/** The answer to a command that waits for a second person. */
export const waits = answers(202, 'The org requires a second person for this act: nothing has been done yet.', ApprovalRequested);

export const user = [{ user: [] }];
export const operator = [{ operator: [] }];
export const command: ProblemStatus[] = [400, 401, 403, 404, 413, 415, 503];
