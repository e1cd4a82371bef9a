import type { Mode } from '@tributary/shared/flow.ts';
import { LRUCache } from 'lru-cache';
import type { Metrics } from '../platform/metrics.ts';
import { Refusal } from '../platform/refusal.ts';
import { createTokenBucket, type Rate, type TokenBucket, takeTokens, tokensDueInMs } from '../platform/token-bucket.ts';

/** The fields of a connection that the limits need. */
export interface LimitedConnection {
  id: string;
  orgId: string;
  priority: 'normal' | 'low';
  /** Deliveries a second over all instances. */
  rateLimitPerSecond: number | undefined;
  orgRateLimitPerSecond: number | undefined;
}

export interface Limits {
  /** Throws Refusal `rate_limited` or `brownout`, with the time after which a retry can succeed, when a delivery must wait. */
  take(connection: LimitedConnection): void;
  /** Returns the tokens of a delivery that failed verification: a sender who only knows the URL must not use up the owner's quota. */
  giveBack(connection: LimitedConnection): void;
}

export interface LimitsDeps {
  /** The mode that this instance obeys now. `instances` share the limits that people set. */
  obeyed(): { mode: Mode; keptShare: number; instances: number };
  /** Deliveries a second of one org in this process, while the process is throttled and more than one org sends. */
  fairShare: Rate;
  metrics: Metrics;
  nowMs?(): number;
  random?(): number;
}

const bucketsMax = 20_000;
/**
 * The fair share applies for this long after deliveries of two orgs arrived one after the other. An org that sends alone starves no other.
 */
const contentionMs = 10_000;
const brownoutRetrySeconds = 15;

const details = {
  connection_rate: 'the rate limit of this connection is reached',
  org_rate: 'the rate limit of this org is reached',
  fair_share: 'the server is under load, and this org has used its fair share',
} as const;
type Reason = keyof typeof details;

export function createLimits({ obeyed, fairShare, metrics, nowMs = () => performance.now(), random = Math.random }: LimitsDeps): Limits {
  // A bucket that the cache evicts is full when it is created again: because of the bound on memory, too many deliveries may pass, never
  // too few.
  const buckets = new LRUCache<string, TokenBucket>({ max: bucketsMax });
  const shares = new LRUCache<string, TokenBucket>({ max: bucketsMax });
  const rateLimited = createRefusals();
  const shed = new Refusal('brownout', undefined, { retryAfterSeconds: brownoutRetrySeconds });
  const isContended = watchContention();

  return {
    take({ id, orgId, priority, rateLimitPerSecond, orgRateLimitPerSecond }) {
      const { mode, keptShare, instances } = obeyed();
      const isThrottled = mode !== 'normal';
      if (!isThrottled && rateLimitPerSecond === undefined && orgRateLimitPerSecond === undefined) return;

      if (mode === 'brownout' && priority === 'low' && random() >= keptShare) {
        metrics.shed.inc({ reason: 'brownout' });
        throw shed;
      }
      const now = nowMs();
      // Every bucket is checked before a token is taken from any of them: a refused delivery uses up no token.
      const takes: [TokenBucket, Rate][] = [];
      const check = (reason: Reason, bucket: TokenBucket, rate: Rate) => {
        const dueInMs = tokensDueInMs(bucket, rate, now);
        if (dueInMs > 0) {
          metrics.shed.inc({ reason });
          throw rateLimited(reason, dueInMs);
        }
        takes.push([bucket, rate]);
      };
      if (rateLimitPerSecond !== undefined) {
        const rate = partOf(rateLimitPerSecond, instances);
        check('connection_rate', bucketOf(buckets, id, rate, now), rate);
      }
      if (orgRateLimitPerSecond !== undefined) {
        const rate = partOf(orgRateLimitPerSecond, instances);
        check('org_rate', bucketOf(buckets, orgId, rate, now), rate);
      }
      if (isThrottled && isContended(orgId, now)) check('fair_share', bucketOf(shares, orgId, fairShare, now), fairShare);
      for (const [bucket, rate] of takes) takeTokens(bucket, rate, now);
    },

    giveBack({ id, orgId, rateLimitPerSecond, orgRateLimitPerSecond }) {
      // The next `take` cuts the tokens down to the bucket's size.
      const own = rateLimitPerSecond === undefined ? undefined : buckets.peek(id);
      const orgs = orgRateLimitPerSecond === undefined ? undefined : buckets.peek(orgId);
      const share = obeyed().mode === 'normal' ? undefined : shares.peek(orgId);
      for (const bucket of [own, orgs, share]) if (bucket) bucket.tokens += 1;
    },
  };
}

/** Each refusal is created once: under load, a refusal must cost next to nothing, and a new Error captures its stack. */
function createRefusals(): (reason: Reason, dueInMs: number) => Refusal {
  const refusals = new Map<string, Refusal>();
  return (reason, dueInMs) => {
    const seconds = Math.max(1, Math.ceil(dueInMs / 1000));
    let refusal = refusals.get(`${reason} ${seconds}`);
    if (!refusal) {
      refusal = new Refusal('rate_limited', details[reason], { retryAfterSeconds: seconds });
      if (refusals.size < 1_000) refusals.set(`${reason} ${seconds}`, refusal);
    }
    return refusal;
  };
}

/**
 * The returned function must be called for every delivery. It returns whether deliveries of two orgs have recently arrived one after the
 * other.
 */
function watchContention(): (orgId: string, now: number) => boolean {
  let lastOrgId = '';
  let contendedAtMs = Number.NEGATIVE_INFINITY;
  return (orgId, now) => {
    if (orgId !== lastOrgId) {
      if (lastOrgId !== '') contendedAtMs = now;
      lastOrgId = orgId;
    }
    return now - contendedAtMs < contentionMs;
  };
}

function bucketOf(of: LRUCache<string, TokenBucket>, id: string, rate: Rate, now: number): TokenBucket {
  let bucket = of.get(id);
  if (!bucket) {
    bucket = createTokenBucket(rate, now);
    of.set(id, bucket);
  }
  return bucket;
}

/** One instance's part of a limit. The deliveries of a whole second may arrive at once. */
function partOf(perSecond: number, instances: number): Rate {
  const part = perSecond / Math.max(1, instances);
  return { perSecond: part, burst: Math.max(1, part) };
}
