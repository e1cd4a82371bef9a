/** A problem that its one sentence explains completely: scripts print the message without a stack and exit with 1. */
export class StackError extends Error {
  override name = 'StackError';
}
