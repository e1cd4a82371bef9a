import { setTimeout as sleep } from 'node:timers/promises';
import { sqlState } from './sql-state.ts';

const triesMax = 6;

/**
 * Runs a transaction again after it lost a deadlock or a serialization race, up to six times in all, with pauses of about 5 ms, 10 ms,
 * 20 ms … between the tries. Each pause is half to one and a half times as long at random, so that two transactions do not meet again.
 * Every other error, and the sixth lost race, is thrown. `onLost` is called before each pause.
 */
export async function retryLostRaces<T>(transaction: () => Promise<T>, onLost?: () => void): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await transaction();
    } catch (error) {
      if (!isRetryable(error) || tries === triesMax) throw error;
      onLost?.();
      await sleep(5 * 2 ** (tries - 1) * (0.5 + Math.random()));
    }
  }
}

/** A deadlock or serialization failure: the same statement will probably succeed when it is tried again at once. */
export function isRetryable(error: unknown): boolean {
  const state = sqlState(error);
  return state === '40P01' || state === '40001';
}
