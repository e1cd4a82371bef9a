import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { isUnavailable, ownSqlError } from './db.ts';
import { Refusal, type RefusalCode } from './refusal.ts';
import { sqlState } from './sql-state.ts';

/** The HTTP status of each refusal code. No other file maps codes to statuses. */
const statuses = {
  unauthorized: 401,
  forbidden: 403,
  mfa_required: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  legal_hold: 409,
  approval_required: 409,
  org_suspended: 403,
  quota_exceeded: 429,
  payload_too_large: 413,
  unsupported_encoding: 415,
  unsupported_media_type: 415,
  invalid_request: 400,
  invalid_payload: 400,
  invalid_hottok: 401,
  invalid_signature: 401,
  timestamp_out_of_tolerance: 401,
  connection_inactive: 403,
  connection_suspended: 403,
  address_not_allowed: 403,
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
} as const satisfies Record<RefusalCode, number>;

const titles: Record<RefusalCode, string> = {
  unauthorized: 'Sign in first',
  forbidden: 'Your role does not allow this',
  mfa_required: 'The org requires a second factor',
  not_found: 'Not found',
  method_not_allowed: 'Method not allowed',
  conflict: 'The request conflicts with the stored data',
  legal_hold: 'A legal hold forbids this',
  approval_required: 'This needs the approval of a second person',
  org_suspended: 'An operator has suspended the org',
  quota_exceeded: 'A quota is used up',
  payload_too_large: 'The body is too large',
  unsupported_encoding: 'Unsupported content encoding',
  unsupported_media_type: 'Unsupported content type',
  invalid_request: 'The request is not valid',
  invalid_payload: 'The body cannot be read',
  invalid_hottok: 'The hottok is wrong or missing',
  invalid_signature: 'The signature or credential is wrong or missing',
  timestamp_out_of_tolerance: 'The signed timestamp is too far from now',
  connection_inactive: 'The connection is inactive',
  connection_suspended: 'The connection is suspended',
  address_not_allowed: 'This address may not send to the connection',
  overloaded: 'The server is overloaded; try again',
  shutting_down: 'The server is shutting down; try again',
  database_unavailable: 'The database is unavailable; nothing was accepted; try again',
  circuit_open: 'Recent writes failed, so no write is tried at the moment; nothing was accepted; try again',
  auth_unavailable: 'The access token cannot be checked because the keys of Supabase Auth cannot be read; try again',
  draining: 'The server accepts no new deliveries at the moment; try again',
  paused: 'Ingestion is paused; try again',
  rate_limited: 'Too many requests; slow down',
  brownout: 'The server is under load and refuses some deliveries of low-priority connections; try again',
  internal: 'Something went wrong on our side',
};

/** The wait in the answer to a refusal with status 503 that does not say how long to wait. */
const retryAfterSeconds = 5;

export function statusOf({ code }: Refusal): (typeof statuses)[RefusalCode] {
  return statuses[code];
}

/** Turns a thrown error into a refusal. An unknown error becomes `internal` without a detail. */
export function toRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  // Hono throws this when it cannot parse what the client sent.
  if (error instanceof HTTPException && error.status === 400) return new Refusal('invalid_request', 'the request cannot be read');
  const state = sqlState(error);
  if (state === '42501') return refusalByHint(error) ?? new Refusal('forbidden');
  // Our own refusals in SQL, which the Data API answers with the same status. Their texts are written for the caller.
  if (state === 'PT403') return new Refusal('org_suspended', ownSqlError(error).text);
  if (state === 'PT429') {
    const { text, retryAfterSeconds } = ownSqlError(error);
    return new Refusal('quota_exceeded', text, { retryAfterSeconds });
  }
  if (state === '23505') return new Refusal('conflict');
  if (state !== undefined && /^(22|23)/.test(state)) return new Refusal('invalid_request', 'a value was refused by the database');
  if (isUnavailable(error)) return new Refusal('database_unavailable');
  return new Refusal('internal');
}

/** The database names some refusals by the hint of its error, because their SQLSTATE is that of every missing permission. */
function refusalByHint(error: unknown): Refusal | undefined {
  const { hint } = error as { hint?: unknown };
  if (hint === 'mfa_required')
    return new Refusal('mfa_required', 'this org requires a second factor for commands: sign in with your authenticator app');
  if (hint === 'approval_required') return new Refusal('approval_required', 'this act needs the approval of a second person');
  return undefined;
}

/** An answer as the Node handler and the routes of Hono both write it. */
export interface Answer {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: string;
}

/** The answer to a refused request, by RFC 9457. */
export function problemOf(refusal: Refusal, requestId: string): Answer {
  const { code, detail, hints } = refusal;
  const status = statuses[code];
  const wait = hints.retryAfterSeconds ?? (status === 503 ? retryAfterSeconds : undefined);
  const headers: Record<string, string> = { 'content-type': 'application/problem+json' };
  if (hints.closesConnection) headers.connection = 'close';
  if (wait !== undefined) headers['retry-after'] = String(wait);
  const body = JSON.stringify({ type: 'about:blank', title: titles[code], status, code, detail, requestId, errors: hints.errors });
  return { status, headers, body };
}

/** The same answer by a route of Hono. */
export function answerProblem(c: Context, refusal: Refusal, requestId: string): Response {
  const { status, headers, body } = problemOf(refusal, requestId);
  return c.body(body, status as ContentfulStatusCode, headers);
}
