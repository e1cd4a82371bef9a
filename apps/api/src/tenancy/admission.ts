import { LRUCache } from 'lru-cache';
import type { Allowances } from '../platform/allowances.ts';
import type { VerifyToken } from '../platform/auth.ts';
import { type Claims, type Db, payingOrg } from '../platform/db.ts';
import { type Limits, requestCosts } from '../platform/limits.ts';
import { Refusal } from '../platform/refusal.ts';
import type { Rate } from '../platform/token-bucket.ts';

/** How long a person's orgs are remembered. They only decide whose limits a request counts against, never what it may read. */
const orgsForMs = 30_000;
/** People whose orgs are remembered. */
const peopleMax = 10_000;

/**
 * Lets a signed-in person's request pass when the person and the person's org have tokens for it and not too many requests open, and names the org whose share of the
 * database it uses. It is the org that the query names, when the person is a member, or else the org that the person joined first. Throws
 * Refusal `unauthorized` for a wrong token `rate_limited` without tokens or with too
 * many open requests, and `overloaded` when all people together have too many.
 */
export function createAdmission(deps: {
  db: Pick<Db, 'as'>;
  verifyToken: VerifyToken;
  limits: Limits['requests'];
  allowances: Allowances;
}): VerifyToken {
  const { db, verifyToken, limits, allowances } = deps;
  const open = createCounts();
  const orgsOf = new LRUCache<string, string[], Claims>({
    max: peopleMax,
    ttl: orgsForMs,
    fetchMethod: (_, __, { context }) => findOrgs(db, context),
  });

  return async (token, request) => {
    const claims = await verifyToken(token);
    const cost = requestCosts[request?.route ?? ''] ?? 1;
    await take(`requests of ${claims.sub}`, limits.user, cost, 'you have sent many requests in a short time: slow down');
    if (open.of(claims.sub) >= limits.open.user)
      throw new Refusal('rate_limited', 'too many of your requests are open: read their answers first', { retryAfterSeconds: 2 });
    if (open.of('all') >= limits.open.all) throw new Refusal('overloaded', 'too many requests are open', { retryAfterSeconds: 2 });
    open.add([claims.sub, 'all'], request?.ended);
    const member = (await orgsOf.fetch(claims.sub, { context: claims })) ?? [];
    const org = member.find((id) => id === request?.orgId) ?? member[0];
    if (org === undefined) return claims;
    if (open.of(org) >= limits.open.org)
      throw new Refusal('rate_limited', 'too many requests of your org are open: read their answers first', { retryAfterSeconds: 2 });
    open.add([org], request?.ended);
    await take(`requests of ${org}`, limits.org, cost, 'the people of your org have sent many requests in a short time: slow down');
    return { ...claims, [payingOrg]: org };
  };

  /** Throws Refusal `rate_limited` with `detail` when there are too few tokens. */
  async function take(name: string, rate: Rate, tokens: number, detail: string): Promise<void> {
    const dueInMs = await allowances.take([{ name, rate }], tokens);
    if (dueInMs > 0) throw new Refusal('rate_limited', detail, { retryAfterSeconds: Math.ceil(dueInMs / 1_000) });
  }
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

/** Counts the requests that are open, by key. */
function createCounts() {
  const counts = new Map<string, number>();
  const change = (keys: readonly string[], by: 1 | -1) => {
    for (const key of keys) {
      const count = (counts.get(key) ?? 0) + by;
      if (count === 0) counts.delete(key);
      else counts.set(key, count);
    }
  };
  return {
    of: (key: string) => counts.get(key) ?? 0,
    /** Counts one more until `ended` resolves. */
    add(keys: readonly string[], ended: Promise<void> | undefined): void {
      if (!ended) return;
      change(keys, 1);
      void ended.then(() => change(keys, -1));
    },
  };
}
