import { ProblemAnswer } from '@tributary/shared/api.ts';
import { HttpResponse } from 'msw';
import type { z } from 'zod';

/** An answer in a shape of packages/shared. Throws, which fails the test, when the shape was changed and the mock was not. */
export const answer = <Schema extends z.ZodType>(schema: Schema, body: z.input<Schema>, init?: { status: number }) =>
  HttpResponse.json(schema.parse(body) as never, init);

export const requestId = 'abababab-0000-4000-8000-000000000001';

/** A refusal of the API, in the format of RFC 9457. */
export const problem = (status: number, code: string, more: Partial<ProblemAnswer> = {}) =>
  answer(ProblemAnswer, { type: 'about:blank', title: code, status, code, requestId, ...more }, { status });

/** A refusal of the Data API, in the format of PostgREST. */
export const dataProblem = (status: number, code: string, message: string) =>
  HttpResponse.json({ code, message, details: null, hint: null }, { status });
