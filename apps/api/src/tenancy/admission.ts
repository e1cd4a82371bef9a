import { LRUCache } from 'lru-cache';
import type { VerifyToken } from '../platform/auth.ts';
import { type Claims, type Db, payingOrg } from '../platform/db.ts';
import { type Limits, requestCosts } from '../platform/limits.ts';
import { Refusal } from '../platform/refusal.ts';
import { createTokenBucket, type Rate, type TokenBucket, tokensDueInMs } from '../platform/token-bucket.ts';

/** How long a person's orgs are remembered. They only decide whose limits a request counts against, never what it may read. */
const orgsForMs = 30_000;
/** People and orgs whose buckets are kept. One that is forgotten begins with a full bucket. */
const bucketsMax = 10_000;

/**
 * Lets a signed-in person's request pass when the person and the person's org have tokens for it, and names the org whose share of the
 * database it uses. It is the org that the query names, when the person is a member, or else the org that the person joined first. Throws
 * Refusal `unauthorized` for a wrong token and `rate_limited` without tokens.
 */
export function createAdmission(deps: {
  db: Pick<Db, 'as'>;
  verifyToken: VerifyToken;
  limits: Limits['requests'];
  now(): number;
}): VerifyToken {
  const { db, verifyToken, limits, now } = deps;
  const users = createBuckets(limits.user, now);
  const orgs = createBuckets(limits.org, now);
  const orgsOf = new LRUCache<string, string[], Claims>({
    max: bucketsMax,
    ttl: orgsForMs,
    fetchMethod: (_, __, { context }) => findOrgs(db, context),
  });

  return async (token, request) => {
    const claims = await verifyToken(token);
    const cost = requestCosts[request?.route ?? ''] ?? 1;
    users.take(claims.sub, cost, 'you have sent many requests in a short time: slow down');
    const member = (await orgsOf.fetch(claims.sub, { context: claims })) ?? [];
    const org = member.find((id) => id === request?.orgId) ?? member[0];
    if (org === undefined) return claims;
    orgs.take(org, cost, 'the people of your org have sent many requests in a short time: slow down');
    return { ...claims, [payingOrg]: org };
  };
}

async function findOrgs(db: Pick<Db, 'as'>, claims: Claims): Promise<string[]> {
  const rows = await db.as(claims, (sql) =>
    sql<{ org_id: string }>(
      `select org_id from public.org_members where user_id = (select auth.uid()) and org_id = any (array(select private.my_orgs()))
       order by created_at, org_id limit 200`,
    ),
  );
  return rows.map(({ org_id }) => org_id);
}

function createBuckets(rate: Rate, now: () => number) {
  const buckets = new LRUCache<string, TokenBucket>({ max: bucketsMax });
  return {
    /** Throws Refusal `rate_limited` with `detail` when there are too few tokens. */
    take(key: string, tokens: number, detail: string): void {
      const bucket = buckets.get(key) ?? createTokenBucket(rate, now());
      buckets.set(key, bucket);
      const dueInMs = tokensDueInMs(bucket, rate, now(), tokens);
      if (dueInMs > 0) throw new Refusal('rate_limited', detail, { retryAfterSeconds: Math.ceil(dueInMs / 1_000) });
      bucket.tokens -= tokens;
    },
  };
}
