/** A problem that the message explains completely in one sentence: scripts print it without a stack and exit with 1. */
export class StackError extends Error {
  override name = 'StackError';
}
