import { LRUCache } from 'lru-cache';
import type { Metrics } from '../platform/metrics.ts';
import { Refusal } from '../platform/refusal.ts';
import { createTokenBucket, type Rate, type TokenBucket, takeTokens, tokensDueInMs } from '../platform/token-bucket.ts';
import type { Obeyed } from './mode.ts';
import { createShares, type Shares } from './shares.ts';
import { createUsage } from './usage.ts';

/** The fields of a connection that the limits need. */
export interface LimitedConnection {
  id: string;
  orgId: string;
  priority: 'normal' | 'low';
  /** Records a second over all instances. */
  rateLimitPerSecond: number | undefined;
  orgRateLimitPerSecond: number | undefined;
}

/** What a delivery costs, which is known after it was read. */
interface Size {
  records: number;
  bytes: number;
}

export interface Limits {
  /** This instance's parts of the limits. */
  shares: Pick<Shares, 'demands' | 'learn'>;
  /**
   * Takes the token of a delivery's first record. Throws Refusal `rate_limited` or `brownout`, with the time after which a retry can succeed,
   * when the delivery must wait.
   */
  take(connection: LimitedConnection): void;
  /**
   * Takes the tokens of the further records, once their number is known. The buckets may come into debt: the next deliveries then wait until
   * the debt is paid off.
   */
  settle(connection: LimitedConnection, size: Size): void;
  /** Returns the tokens of {@link Limits.settle} for a delivery that was not stored, because its sender repeats it. */
  refund(connection: LimitedConnection, size: Size): void;
  /** Returns the token of a delivery that failed verification: a sender who only knows the URL must not use up the owner's quota. */
  giveBack(connection: LimitedConnection): void;
}

export interface LimitsDeps {
  /** The mode that this instance obeys now. `instances` share the limits that people set. */
  obeyed(): Obeyed;
  /** Tokens a second of one org in this process, while the process is throttled and more than one org sends. */
  fairShare: Rate;
  metrics: Metrics;
  /** Called when a part of a limit is used up that is only assumed: the next heartbeat brings the real one. */
  onAssumedPartUsed?(): void;
  nowMs?(): number;
  random?(): number;
}

const bucketsMax = 20_000;
/**
 * The fair share applies for this long after deliveries of two orgs arrived one after the other. An org that sends alone starves no other.
 */
const contentionMs = 10_000;
const brownoutRetrySeconds = 15;
/** A token of the fair share pays for a record, or for so many bytes of the body. */
const bytesPerToken = 8_192;

const details = {
  connection_rate: 'the rate limit of this connection is reached',
  org_rate: 'the rate limit of this org is reached',
  fair_share: 'the server is under load, and this org has used its fair share',
} as const;
type Reason = keyof typeof details;

/** A limit that people set. */
interface Limit {
  /** The id of the connection or org. */
  key: string;
  perSecond: number;
  reason: Reason;
}

export function createLimits(deps: LimitsDeps): Limits {
  const { obeyed, fairShare, metrics, onAssumedPartUsed, nowMs = () => performance.now(), random = Math.random } = deps;
  // A bucket that the cache evicts is full when it is created again: because of the bound on memory, too many deliveries may pass, never
  // too few.
  const buckets = new LRUCache<string, TokenBucket>({ max: bucketsMax });
  const fair = new LRUCache<string, TokenBucket>({ max: bucketsMax });
  const shares = createShares();
  const usage = createUsage();
  const rateLimited = createRefusals();
  const shed = new Refusal('brownout', undefined, { retryAfterSeconds: brownoutRetrySeconds });
  const isContended = watchContention();

  /** A brownout that the operator set concerns every org; an automatic one begins with the orgs that cause the load. */
  function isShed({ orgId, priority }: LimitedConnection, { mode, keptShare, isByOperator }: Obeyed, now: number): boolean {
    return mode === 'brownout' && priority === 'low' && (isByOperator || usage.isCause(orgId, now)) && random() >= keptShare;
  }

  /** Adds tokens to the buckets of the connection, or takes them. The next `take` cuts the tokens down to the bucket's size. */
  function change({ id, orgId, rateLimitPerSecond, orgRateLimitPerSecond }: LimitedConnection, byRecords: number, byShare: number): void {
    const own = rateLimitPerSecond === undefined ? undefined : buckets.peek(id);
    const orgs = orgRateLimitPerSecond === undefined ? undefined : buckets.peek(orgId);
    const share = obeyed().mode === 'normal' ? undefined : fair.peek(orgId);
    for (const bucket of [own, orgs]) if (bucket) bucket.tokens += byRecords;
    if (share) share.tokens += byShare;
  }

  /** The limits that people set for the connection and its org, by their keys. */
  function limitsOf({ id, orgId, rateLimitPerSecond, orgRateLimitPerSecond }: LimitedConnection): Limit[] {
    const limits: Limit[] = [];
    if (rateLimitPerSecond !== undefined) limits.push({ key: id, perSecond: rateLimitPerSecond, reason: 'connection_rate' });
    if (orgRateLimitPerSecond !== undefined) limits.push({ key: orgId, perSecond: orgRateLimitPerSecond, reason: 'org_rate' });
    return limits;
  }

  /** Counts what is asked for where instances share the limits; nothing is to be shared with one instance. */
  function countAsked(connection: LimitedConnection, count: (key: string) => void): void {
    if (obeyed().instances > 1) for (const { key } of limitsOf(connection)) count(key);
  }

  return {
    shares,

    take(connection) {
      const { orgId, priority, rateLimitPerSecond, orgRateLimitPerSecond } = connection;
      const obeying = obeyed();
      const isThrottled = obeying.mode !== 'normal';
      const now = nowMs();
      usage.add(orgId, 1, now);
      if (!isThrottled && rateLimitPerSecond === undefined && orgRateLimitPerSecond === undefined) return;

      if (isShed(connection, obeying, now)) {
        metrics.shed.inc({ reason: 'brownout' });
        throw shed;
      }
      // Every bucket is checked before a token is taken from any of them: a refused delivery uses up no token.
      const takes: [TokenBucket, Rate][] = [];
      const check = (reason: Reason, bucket: TokenBucket, rate: Rate, tokens = 1) => {
        const dueInMs = tokensDueInMs(bucket, rate, now, tokens);
        if (dueInMs > 0) {
          metrics.shed.inc({ reason });
          throw rateLimited(reason, dueInMs);
        }
        takes.push([bucket, rate]);
      };
      const limits = limitsOf(connection);
      const { instances } = obeying;
      try {
        for (const { key, perSecond, reason } of limits) {
          const rate = rateOf(perSecond * shares.partOf(key, instances));
          check(reason, bucketOf(buckets, key, rate, now), rate);
        }
      } catch (error) {
        countAsked(connection, (key) => shares.ask(key, false));
        if (instances > 1 && limits.some(({ key }) => shares.isAssumed(key))) onAssumedPartUsed?.();
        throw error;
      }
      if (isThrottled && isContended(orgId, now)) {
        // The deliveries of low priority leave half of the org's share to those of normal priority.
        check('fair_share', bucketOf(fair, orgId, fairShare, now), fairShare, priority === 'low' ? 1 + fairShare.burst / 2 : 1);
      }
      for (const [bucket, rate] of takes) takeTokens(bucket, rate, now);
      countAsked(connection, (key) => shares.ask(key, true));
    },

    settle(connection, size) {
      const tokens = tokensOf(size);
      usage.add(connection.orgId, tokens - 1, nowMs());
      countAsked(connection, (key) => shares.count(key, Math.max(1, size.records) - 1));
      change(connection, 1 - Math.max(1, size.records), 1 - tokens);
    },

    refund: (connection, size) => change(connection, Math.max(1, size.records) - 1, tokensOf(size) - 1),

    giveBack(connection) {
      change(connection, 1, 1);
      countAsked(connection, (key) => shares.count(key, -1, -1));
    },
  };
}

const tokensOf = ({ records, bytes }: Size): number => Math.max(1, records, bytes / bytesPerToken);

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

/** The records of a whole second may arrive at once. */
const rateOf = (perSecond: number): Rate => ({ perSecond, burst: Math.max(1, perSecond) });
