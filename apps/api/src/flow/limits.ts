import type { Mode } from '@tributary/shared/flow.ts';
import { LRUCache } from 'lru-cache';
import type { Metrics } from '../platform/metrics.ts';
import { Refusal } from '../platform/refusal.ts';
import { createTokenBucket, type Rate, type TokenBucket, takeTokens, tokensDueInMs } from '../platform/token-bucket.ts';

/** What the limits read of a connection. */
export interface LimitedConnection {
  id: string;
  orgId: string;
  priority: 'normal' | 'low';
  /** Deliveries a second over all instances. */
  rateLimitPerSecond: number | undefined;
  orgRateLimitPerSecond: number | undefined;
}

export interface Limits {
  /** Throws Refusal `rate_limited` or `brownout` (429, with an honest Retry-After) when a delivery is not to be taken now. */
  take(connection: LimitedConnection): void;
  /** For a delivery that proved nothing: who only knows the URL cannot use up what its owner may send. */
  giveBack(connection: LimitedConnection): void;
}

export interface LimitsDeps {
  /** What is obeyed now; `instances` share the limits that people set. */
  obeyed(): { mode: Mode; brownoutRate: number; instances: number };
  /** Deliveries a second of one org in this process, once it is throttled and more than one org sends. */
  fairShare: Rate;
  metrics: Metrics;
  nowMs?(): number;
  random?(): number;
}

const bucketsMax = 20_000;
/** An org that sends alone starves nobody. */
const companyMs = 10_000;
const brownoutRetrySeconds = 15;

const details = {
  connection_rate: 'the rate limit of this connection is reached',
  org_rate: 'the rate limit of this org is reached',
  fair_share: 'under load every org gets its fair share, and this one has had it',
} as const;

export function createLimits({ obeyed, fairShare, metrics, nowMs = () => performance.now(), random = Math.random }: LimitsDeps): Limits {
  // A bucket that is pushed out comes back full: the bound on memory may let too much through, never too little.
  const buckets = new LRUCache<string, TokenBucket>({ max: bucketsMax });
  const shares = new LRUCache<string, TokenBucket>({ max: bucketsMax });
  // Made once per answer: under load a refusal must cost next to nothing, and a new Error looks up its stack.
  const refusals = new Map<string, Refusal>();
  const shed = new Refusal('brownout', undefined, { retryAfterSeconds: brownoutRetrySeconds });
  let lastOrgId = '';
  let companyAtMs = Number.NEGATIVE_INFINITY;

  function refuse(reason: keyof typeof details, dueInMs: number): never {
    metrics.shed.inc({ reason });
    const seconds = Math.max(1, Math.ceil(dueInMs / 1000));
    let refusal = refusals.get(`${reason} ${seconds}`);
    if (!refusal) {
      refusal = new Refusal('rate_limited', details[reason], { retryAfterSeconds: seconds });
      if (refusals.size < 1_000) refusals.set(`${reason} ${seconds}`, refusal);
    }
    throw refusal;
  }

  function isInCompany(orgId: string, now: number): boolean {
    if (orgId !== lastOrgId) {
      if (lastOrgId !== '') companyAtMs = now;
      lastOrgId = orgId;
    }
    return now - companyAtMs < companyMs;
  }

  function bucketOf(of: LRUCache<string, TokenBucket>, id: string, rate: Rate, now: number): TokenBucket {
    let bucket = of.get(id);
    if (!bucket) {
      bucket = createTokenBucket(rate, now);
      of.set(id, bucket);
    }
    return bucket;
  }

  /** An instance's part of a limit; a second's worth may come at once. */
  function partOf(perSecond: number, instances: number): Rate {
    const part = perSecond / Math.max(1, instances);
    return { perSecond: part, burst: Math.max(1, part) };
  }

  return {
    take({ id, orgId, priority, rateLimitPerSecond, orgRateLimitPerSecond }) {
      const { mode, brownoutRate, instances } = obeyed();
      const isThrottled = mode !== 'normal';
      if (!isThrottled && rateLimitPerSecond === undefined && orgRateLimitPerSecond === undefined) return;

      if (mode === 'brownout' && priority === 'low' && random() < brownoutRate) {
        metrics.shed.inc({ reason: 'brownout' });
        throw shed;
      }
      const now = nowMs();
      // All are asked before one is taken from: a refusal uses up nothing.
      const takes: [TokenBucket, Rate][] = [];
      const ask = (reason: keyof typeof details, bucket: TokenBucket, rate: Rate) => {
        const dueInMs = tokensDueInMs(bucket, rate, now);
        if (dueInMs > 0) refuse(reason, dueInMs);
        takes.push([bucket, rate]);
      };
      if (rateLimitPerSecond !== undefined) {
        const rate = partOf(rateLimitPerSecond, instances);
        ask('connection_rate', bucketOf(buckets, id, rate, now), rate);
      }
      if (orgRateLimitPerSecond !== undefined) {
        const rate = partOf(orgRateLimitPerSecond, instances);
        ask('org_rate', bucketOf(buckets, orgId, rate, now), rate);
      }
      if (isThrottled && isInCompany(orgId, now)) ask('fair_share', bucketOf(shares, orgId, fairShare, now), fairShare);
      for (const [bucket, rate] of takes) takeTokens(bucket, rate, now);
    },

    giveBack({ id, orgId, rateLimitPerSecond, orgRateLimitPerSecond }) {
      // The next take cuts off what is more than the bucket holds.
      const own = rateLimitPerSecond === undefined ? undefined : buckets.peek(id);
      const orgs = orgRateLimitPerSecond === undefined ? undefined : buckets.peek(orgId);
      const share = obeyed().mode === 'normal' ? undefined : shares.peek(orgId);
      for (const bucket of [own, orgs, share]) if (bucket) bucket.tokens += 1;
    },
  };
}
