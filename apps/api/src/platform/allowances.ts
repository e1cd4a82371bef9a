import { LRUCache } from 'lru-cache';
import { createTokenBucket, type Rate, type TokenBucket, tokensDueInMs } from './token-bucket.ts';

/** A bucket of tokens. Its name says what it limits, and for whom. */
interface Allowance {
  name: string;
  rate: Rate;
}

/** Buckets of tokens that all processes which share a port have in common. */
export interface Allowances {
  /** Takes `tokens` from every bucket and resolves with 0, or takes none and resolves with the milliseconds until they will be there. */
  take(from: readonly Allowance[], tokens?: number): Promise<number>;
  /** Returns tokens that were taken. */
  giveBack(to: readonly Allowance[], tokens?: number): Promise<void>;
  /** Remembers a name. */
  trust(name: string): Promise<void>;
  isTrusted(name: string): Promise<boolean>;
}

/** People, orgs and addresses whose buckets are kept. One that is forgotten is full again. */
const bucketsMax = 50_000;
const trustedMax = 10_000;

export function createAllowances(nowMs: () => number = () => performance.now()): Allowances {
  const buckets = new LRUCache<string, TokenBucket>({ max: bucketsMax });
  const trusted = new LRUCache<string, true>({ max: trustedMax });

  return {
    async take(from, tokens = 1) {
      const now = nowMs();
      const found = from.map(({ name, rate }) => ({ name, rate, bucket: buckets.get(name) ?? createTokenBucket(rate, now) }));
      const dueInMs = Math.max(...found.map(({ bucket, rate }) => tokensDueInMs(bucket, rate, now, tokens)));
      if (dueInMs > 0) return dueInMs;
      // A bucket is kept from the first token that is taken: names that are refused because of another bucket displace no other name.
      for (const { name, bucket } of found) {
        bucket.tokens -= tokens;
        buckets.set(name, bucket);
      }
      return 0;
    },
    async giveBack(to, tokens = 1) {
      for (const { name } of to) {
        const bucket = buckets.get(name);
        if (bucket) bucket.tokens += tokens;
      }
    },
    async trust(name) {
      trusted.set(name, true);
    },
    isTrusted: async (name) => trusted.has(name),
  };
}
