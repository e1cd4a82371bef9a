/** An error whose message is one sentence for the person who typed the command. */
export class Failure extends Error {
  override name = 'Failure';
  readonly exitCode: 1 | 2 = 1;
  /** The stable `code` of the API's problem answer. */
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

/** The command line is wrong: the program exits with 2. */
export class UsageError extends Failure {
  override name = 'UsageError';
  override readonly exitCode = 2;
}

/** A temporary failure: the server cannot be reached, or it asks the client to try again later. */
export class Unavailable extends Failure {
  override name = 'Unavailable';
}

/** The user pressed Ctrl-C. */
export class Interrupted extends Failure {
  override name = 'Interrupted';
  constructor(message = 'Interrupted.') {
    super(message);
  }
}
