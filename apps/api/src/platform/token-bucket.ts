/** The bucket gains `perSecond` tokens, evenly over time, and keeps at most `burst`. Both are above zero. */
export interface Rate {
  perSecond: number;
  burst: number;
}

export interface TokenBucket {
  tokens: number;
  filledAtMs: number;
}

/** A full bucket. */
export function createTokenBucket(rate: Rate, nowMs: number): TokenBucket {
  return { tokens: rate.burst, filledAtMs: nowMs };
}

/**
 * Milliseconds until `tokens` may be taken, 0 when they may be taken now; this takes no tokens. More than `burst` may be taken once the
 * bucket is full: the bucket is then in debt, and later callers wait until it is paid off. The rate may differ from call to call, and a
 * clock that runs backwards adds no tokens.
 */
export function tokensDueInMs(bucket: TokenBucket, rate: Rate, nowMs: number, tokens = 1): number {
  const elapsedMs = Math.max(0, nowMs - bucket.filledAtMs);
  bucket.tokens = Math.min(rate.burst, bucket.tokens + (elapsedMs * rate.perSecond) / 1000);
  bucket.filledAtMs = nowMs;
  const missing = Math.min(tokens, rate.burst) - bucket.tokens;
  // Adding fractions leaves rounding errors: a billionth of a missing token does not count.
  return missing <= 1e-9 ? 0 : (missing * 1000) / rate.perSecond;
}

/** Takes `tokens` and returns 0, or takes none and returns the milliseconds until they will be available. */
export function takeTokens(bucket: TokenBucket, rate: Rate, nowMs: number, tokens = 1): number {
  const dueInMs = tokensDueInMs(bucket, rate, nowMs, tokens);
  if (dueInMs === 0) bucket.tokens -= tokens;
  return dueInMs;
}
