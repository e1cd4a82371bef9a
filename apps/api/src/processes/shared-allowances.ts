import { LRUCache } from 'lru-cache';
import { type Allowances, createAllowances } from '../platform/allowances.ts';

/** Names whose last refusal is remembered. */
const refusedMax = 10_000;

/**
 * The buckets that the primary keeps for all processes. A refusal is repeated without asking until its time is over, so that a flood of requests
 * beyond a limit costs the primary, which accepts every connection, no message. While the primary does not answer, this process uses buckets of its own.
 */
export function createSharedAllowances(primary: Allowances): Allowances {
  const own = createAllowances();
  const refused = new LRUCache<string, { tokens: number; untilMs: number }>({ max: refusedMax });
  return {
    async take(from, tokens = 1) {
      const names = from.map(({ name }) => name).join(', ');
      const last = refused.get(names);
      const leftMs = last && tokens >= last.tokens ? last.untilMs - performance.now() : 0;
      if (leftMs > 0) return leftMs;
      const dueInMs = await primary.take(from, tokens).catch(() => own.take(from, tokens));
      if (dueInMs > 0) refused.set(names, { tokens, untilMs: performance.now() + dueInMs });
      return dueInMs;
    },
    giveBack: (to, tokens) => primary.giveBack(to, tokens).catch(() => own.giveBack(to, tokens)),
    trust: (name) => primary.trust(name).catch(() => own.trust(name)),
    isTrusted: (name) => primary.isTrusted(name).catch(() => own.isTrusted(name)),
  };
}
