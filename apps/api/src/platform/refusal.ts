import type { FieldError } from '@tributary/shared/api.ts';

/** The reason of a refusal, as answers name it. `problem.ts` has the HTTP status and the title of each code. */
export type RefusalCode =
  | 'unauthorized'
  | 'forbidden'
  | 'mfa_required'
  | 'not_found'
  | 'method_not_allowed'
  | 'conflict'
  | 'legal_hold'
  | 'approval_required'
  | 'org_suspended'
  | 'quota_exceeded'
  | 'payload_too_large'
  | 'unsupported_encoding'
  | 'unsupported_media_type'
  | 'invalid_request'
  | 'invalid_payload'
  | 'invalid_hottok'
  | 'invalid_signature'
  | 'timestamp_out_of_tolerance'
  | 'connection_inactive'
  | 'connection_suspended'
  | 'address_not_allowed'
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

/** Details of a refusal besides its code. */
export interface RefusalHints {
  /** How many seconds the caller should wait before it tries again. */
  retryAfterSeconds?: number | undefined;
  /** Whether the connection must be closed, because the rest of the request is not read. */
  closesConnection?: boolean | undefined;
  /** The invalid fields of the request. */
  errors?: readonly FieldError[] | undefined;
  /** What only the log of the server says, in the line of the request: never a secret, a token or a payload. */
  logged?: string | undefined;
}

/**
 * Thrown when a request is refused, with a code that says why. `detail` is for the caller: it never contains a secret, a payload or a
 * database message. Code that knows no HTTP throws this; only `problem.ts` turns it into an HTTP answer.
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
