/** `perSecond` tokens come evenly; at most `burst` are kept. Both above zero. */
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
 * Milliseconds until `tokens` may be taken; 0: now. Takes none. More than `burst` may be taken once the bucket is full: the debt is then
 * waited off by whoever comes next. The rate may differ from call to call, and a clock that runs backwards gives nothing away.
 */
export function tokensDueInMs(bucket: TokenBucket, rate: Rate, nowMs: number, tokens = 1): number {
  const elapsedMs = Math.max(0, nowMs - bucket.filledAtMs);
  bucket.tokens = Math.min(rate.burst, bucket.tokens + (elapsedMs * rate.perSecond) / 1000);
  bucket.filledAtMs = nowMs;
  const missing = Math.min(tokens, rate.burst) - bucket.tokens;
  // Sums of fractions: a billionth of a token is none.
  return missing <= 1e-9 ? 0 : (missing * 1000) / rate.perSecond;
}

/** Takes `tokens` and answers 0, or takes none and answers the milliseconds until they would be there. */
export function takeTokens(bucket: TokenBucket, rate: Rate, nowMs: number, tokens = 1): number {
  const dueInMs = tokensDueInMs(bucket, rate, nowMs, tokens);
  if (dueInMs === 0) bucket.tokens -= tokens;
  return dueInMs;
}
