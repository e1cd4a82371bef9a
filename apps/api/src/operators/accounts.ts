import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { safeEqual } from '@tributary/pipeline/crypto/constant-time.ts';
import type { Logger } from 'pino';
import type { Allowances } from '../platform/allowances.ts';
import type { RecogniseOperator } from '../platform/auth.ts';
import { clientAddress, type Networks } from '../platform/client-address.ts';
import type { Db } from '../platform/db.ts';
import { Refusal } from '../platform/refusal.ts';
import type { Rate } from '../platform/token-bucket.ts';
import { listActiveOperators, recordUse } from './store.ts';

/** The accounts are read at most this often, so that a revoked token is refused within a second. */
const freshForMs = 1_000;
/** While the database does not answer, the accounts that were read last are trusted for this long: an operator must see a broken server. */
const trustedForMs = 15 * 60_000;
/** Wrong tokens that one address may send. */
const guessesOfAddress: Rate = { perSecond: 1 / 10, burst: 20 };
/** Wrong tokens that all addresses may send together. */
const guessesOfAll: Rate = { perSecond: 1, burst: 200 };
/** A token of this length, if it is random at all, cannot be guessed. */
const unguessableLength = 32;

const tokenPrefix = 'trb_o_';
type Account = Awaited<ReturnType<typeof listActiveOperators>>[number];

/** A token of 256 random bits. Only its SHA-256 is stored: nobody can guess 256 bits, so a slow hash would add nothing. */
export function createOperatorToken(): { token: string; sha256: Uint8Array } {
  const token = `${tokenPrefix}${randomBytes(32).toString('base64url')}`;
  return { token, sha256: sha256(token) };
}

const sha256 = (text: string) => createHash('sha256').update(text).digest();

/**
 * Recognises operators by their tokens, and limits wrong ones. Tokens of named accounts are compared in memory before any limit, because
 * nobody can guess 256 random bits: no number of wrong tokens locks them out. A short token of the environment may have been chosen by a
 * person: beyond the limits it is not compared any more, except for an address that has sent the right token before.
 */
export function createAccounts(deps: {
  db: Pick<Db, 'workerStatement'>;
  bootstrapToken: string;
  trustedProxies: Networks;
  allowances: Allowances;
  log: Logger;
}): RecogniseOperator {
  const { db, bootstrapToken, trustedProxies, allowances, log } = deps;
  const isUnguessable = bootstrapToken.length >= unguessableLength;

  let newest: { at: number; accounts: Promise<Account[]> } | undefined;
  let lastRead: { at: number; accounts: Account[] } | undefined;

  async function readAccounts(): Promise<{ at: number; accounts: Account[] }> {
    if (!newest || performance.now() - newest.at > freshForMs) newest = { at: performance.now(), accounts: listActiveOperators(db) };
    const { at, accounts } = newest;
    try {
      lastRead = { at, accounts: await accounts };
    } catch (error) {
      if (!lastRead || performance.now() - lastRead.at > trustedForMs) throw error;
      log.warn({ err: error }, 'the accounts of the operators could not be read; the last ones are used');
    }
    return lastRead;
  }

  async function findAccount(token: string): Promise<string | undefined> {
    if (!token.startsWith(tokenPrefix)) return undefined;
    const askedAt = performance.now();
    const hash = sha256(token).toString('hex');
    const find = (accounts: readonly Account[]) => accounts.find((one) => safeEqual(one.sha256, hash));
    const { at, accounts } = await readAccounts();
    let account = find(accounts);
    if (!account && at < askedAt) {
      // The account may be newer than the last read: the next read decides.
      await sleep(Math.max(0, at + freshForMs - performance.now()) + 1);
      account = find((await readAccounts()).accounts);
    }
    if (account)
      recordUse(db, account.name).catch((error: unknown) => log.warn({ err: error }, 'the use of an account could not be recorded'));
    return account?.name;
  }

  return async (token, { socket, forwardedFor }) => {
    const address = clientAddress(socket, forwardedFor, trustedProxies) ?? 'unknown';
    const account = await findAccount(token);
    if (account) return account;
    if (isUnguessable && safeEqual(token, bootstrapToken)) return 'bootstrap';
    const name = `operator tokens of ${address}`;
    const guesses = [
      { name, rate: guessesOfAddress },
      { name: 'operator tokens of all', rate: guessesOfAll },
    ];
    // The token is taken before the comparison: guesses that arrive at the same moment, at any process, cannot be more than the tokens.
    const dueInMs = await allowances.take(guesses);
    const isCompared = dueInMs === 0 || (await allowances.isTrusted(name));
    if (isCompared && safeEqual(token, bootstrapToken)) {
      await allowances.trust(name);
      if (dueInMs === 0) await allowances.giveBack(guesses);
      return 'bootstrap';
    }
    if (dueInMs > 0)
      throw new Refusal('rate_limited', 'too many wrong operator tokens were sent: use the token of a named account, or wait', {
        retryAfterSeconds: Math.ceil(dueInMs / 1000),
      });
    throw new Refusal('unauthorized', 'the operator token is missing or wrong');
  };
}
