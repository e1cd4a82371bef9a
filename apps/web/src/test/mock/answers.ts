import { ProblemAnswer } from '@tributary/shared/api.ts';
import { HttpResponse } from 'msw';
import type { z } from 'zod';

/** An answer in a shape of packages/shared. Throws, and so fails the test, when the shape has moved on and the mock has not. */
export const answer = <Schema extends z.ZodType>(schema: Schema, body: z.input<Schema>, init?: { status: number }) =>
  HttpResponse.json(schema.parse(body) as never, init);

export const requestId = 'abababab-0000-4000-8000-000000000001';

/** A refusal of the API, as RFC 9457 has it. */
export const problem = (status: number, code: string, more: Partial<ProblemAnswer> = {}) =>
  answer(ProblemAnswer, { type: 'about:blank', title: code, status, code, requestId, ...more }, { status });

/** A refusal of the Data API, as PostgREST has it. */
export const dataProblem = (status: number, code: string, message: string) =>
  HttpResponse.json({ code, message, details: null, hint: null }, { status });
