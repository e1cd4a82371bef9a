import type { FieldError } from '@tributary/shared/api.ts';
import type { ProblemCode } from '@tributary/shared/problems.ts';

/** The reason of a refusal, as answers name it. `problem.ts` has the HTTP status and the title of each code. */
export type RefusalCode = ProblemCode;

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
