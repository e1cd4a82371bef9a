import type { FieldError } from '@tributary/shared/api.ts';

/** Why something is refused, as answers call it. `problem.ts` says what each code means to an HTTP caller. */
export type RefusalCode =
  | 'unauthorized'
  | 'forbidden'
  | 'not_found'
  | 'method_not_allowed'
  | 'conflict'
  | 'legal_hold'
  | 'payload_too_large'
  | 'unsupported_encoding'
  | 'unsupported_media_type'
  | 'invalid_request'
  | 'invalid_payload'
  | 'invalid_hottok'
  | 'invalid_signature'
  | 'timestamp_out_of_tolerance'
  | 'connection_inactive'
  | 'overloaded'
  | 'shutting_down'
  | 'database_unavailable'
  | 'circuit_open'
  | 'auth_unavailable'
  | 'draining'
  | 'paused'
  | 'rate_limited'
  | 'brownout'
  | 'internal';

/** What the caller should know besides the code. */
export interface RefusalHints {
  /** The caller should wait so many seconds before it tries again. */
  retryAfterSeconds?: number | undefined;
  /** The rest of the request is not read: its connection cannot be used again. */
  closesConnection?: boolean | undefined;
  /** What is wrong with a request, field by field. */
  errors?: readonly FieldError[] | undefined;
}

/**
 * Something that is not done, with a code that says why. `detail` is for the caller: it never carries a secret, a payload or a database message.
 * Code that knows no HTTP throws this; only `problem.ts` turns it into an answer.
 */
export class Refusal extends Error {
  readonly code: RefusalCode;
  readonly detail: string | undefined;
  readonly hints: RefusalHints;
  constructor(code: RefusalCode, detail?: string, hints: RefusalHints = {}) {
    super(detail ?? code);
    this.name = 'Refusal';
    this.code = code;
    this.detail = detail;
    this.hints = hints;
  }
}
