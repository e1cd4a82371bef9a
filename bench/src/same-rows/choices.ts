import { createRandom } from '../../../chaos/src/random.ts';

/** Random choices from a seed: the same seed makes the same choices in every process. */
export interface Choices {
  /** A whole number from 0 up to, and without, `below`. */
  below(below: number): number;
  /** True in `percent` of 100 calls. */
  chance(percent: number): boolean;
  one<T>(of: readonly T[]): T;
}

export function createChoices(seed: number): Choices {
  const random = createRandom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  return { below, chance: (percent) => random() * 100 < percent, one: <T>(of: readonly T[]) => of[below(of.length)] as T };
}
