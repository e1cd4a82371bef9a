/** What went wrong, in one sentence for the person who typed the command. */
export class Failure extends Error {
  override name = 'Failure';
  readonly exitCode: 1 | 2 = 1;
  /** Stable code of the API's problem answer. */
  readonly code: string | undefined;
  readonly status: number | undefined;
  readonly requestId: string | undefined;
  constructor(message: string, problem: { code?: string | undefined; status?: number; requestId?: string | undefined } = {}) {
    super(message);
    this.code = problem.code;
    this.status = problem.status;
    this.requestId = problem.requestId;
  }
}

/** The command itself was wrong: exit code 2. */
export class UsageError extends Failure {
  override name = 'UsageError';
  override readonly exitCode = 2;
}

/** Trouble that passes by itself: the server is away, or asks for patience. */
export class Unavailable extends Failure {
  override name = 'Unavailable';
}

/** Ctrl-C. */
export class Interrupted extends Failure {
  override name = 'Interrupted';
  constructor(message = 'Interrupted.') {
    super(message);
  }
}
