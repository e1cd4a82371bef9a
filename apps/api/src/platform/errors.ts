import type { FieldError } from '@tributary/shared/api.ts';
import type { Context } from 'hono';
import { isUnavailable, sqlState } from './db.ts';

/** Every `code` of a problem answer and its status: the one table. */
const statuses = {
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  legal_hold: 409,
  payload_too_large: 413,
  unsupported_encoding: 415,
  unsupported_media_type: 415,
  invalid_request: 400,
  invalid_payload: 400,
  invalid_hottok: 401,
  invalid_signature: 401,
  timestamp_out_of_tolerance: 401,
  connection_inactive: 403,
  overloaded: 503,
  shutting_down: 503,
  database_unavailable: 503,
  circuit_open: 503,
  auth_unavailable: 503,
  draining: 503,
  paused: 503,
  rate_limited: 429,
  brownout: 429,
  internal: 500,
} as const;

export type ProblemCode = keyof typeof statuses;

const titles: Record<ProblemCode, string> = {
  unauthorized: 'Sign in first',
  forbidden: 'Your role does not allow this',
  not_found: 'Not found',
  method_not_allowed: 'Method not allowed',
  conflict: 'Conflicts with what is stored',
  legal_hold: 'A legal hold forbids this',
  payload_too_large: 'The body is too large',
  unsupported_encoding: 'Unsupported content encoding',
  unsupported_media_type: 'Unsupported content type',
  invalid_request: 'The request is not valid',
  invalid_payload: 'The body cannot be read',
  invalid_hottok: 'The hottok is wrong or missing',
  invalid_signature: 'The signature or credential is wrong or missing',
  timestamp_out_of_tolerance: 'The signed timestamp is too far from now',
  connection_inactive: 'The connection is inactive',
  overloaded: 'Too much is waiting to be written; try again',
  shutting_down: 'The server is shutting down; try again',
  database_unavailable: 'The database is unavailable; nothing was accepted; try again',
  circuit_open: 'Writing failed lately and is not tried at the moment; nothing was accepted; try again',
  auth_unavailable: 'Who is signed in cannot be told: the keys of Supabase Auth cannot be read; try again',
  draining: 'The server takes nothing new for now; try again',
  paused: 'Ingestion is paused; try again',
  rate_limited: 'Too many deliveries; slow down',
  brownout: 'Under load, some deliveries of low-priority connections are put off; try again',
  internal: 'Something went wrong on our side',
};

/** An answer by RFC 9457. `detail` is for the caller: it never carries a secret, a payload or a database message. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly status: (typeof statuses)[ProblemCode];
  readonly detail: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly errors: readonly FieldError[] | undefined;
  constructor(code: ProblemCode, detail?: string, headers: Record<string, string> = {}, errors?: readonly FieldError[]) {
    super(detail ?? titles[code]);
    this.name = 'Problem';
    this.code = code;
    this.status = statuses[code];
    this.detail = detail;
    this.errors = errors;
    this.headers = this.status === 503 && !headers['retry-after'] ? { ...headers, 'retry-after': '5' } : headers;
  }
}

/** What a thrown error tells the caller. Unknown ones are 500 and say nothing. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const state = sqlState(error);
  if (state === '42501') return new Problem('forbidden');
  if (state === '23505') return new Problem('conflict');
  if (state !== undefined && /^(22|23)/.test(state)) return new Problem('invalid_request', 'a value was refused by the database');
  if (isUnavailable(error)) return new Problem('database_unavailable');
  return new Problem('internal');
}

export function answerProblem(c: Context, problem: Problem, requestId: string): Response {
  return c.body(
    JSON.stringify({
      type: 'about:blank',
      title: titles[problem.code],
      status: problem.status,
      code: problem.code,
      detail: problem.detail,
      requestId,
      errors: problem.errors,
    }),
    problem.status,
    { 'content-type': 'application/problem+json', ...problem.headers },
  );
}
