import type { ServerResponse } from 'node:http';
import { safeEqual } from '@tributary/pipeline/crypto/constant-time.ts';
import { createMiddleware } from 'hono/factory';
import { matchedRoutes } from 'hono/route';
import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose';
import type { Config } from './config.ts';
import type { Claims } from './db.ts';
import { Refusal } from './refusal.ts';
import { shown, whyRefused } from './refused-token.ts';

export interface AuthVariables {
  claims: Claims;
}

/** What a token is presented for. */
interface Presented {
  /** Method and route, for example `GET /api/dlq/:id`. */
  route: string;
  /** The org that the query names. */
  orgId: string | undefined;
  /** Resolves when the client has read the answer, or is gone. */
  ended: Promise<void>;
}

/** Resolves with the claims of the person who may send the request. */
export type VerifyToken = (token: string, request?: Presented) => Promise<Claims>;

/** Whether the keys of Supabase Auth could not be read. Then the token may be valid, so the client must not be told to discard it. */
const isKeyFetchFailure = (error: unknown): boolean =>
  !(error instanceof errors.JOSEError) || ['ERR_JOSE_GENERIC', 'ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID'].includes(error.code);

/** Verifies Supabase user JWTs. The algorithm comes from the configuration, never from the token (RFC 8725 §3.1). */
export function createTokenVerifier(jwt: Config['jwt'], now: () => number): VerifyToken {
  const options = {
    algorithms: [jwt.algorithm],
    audience: 'authenticated',
    requiredClaims: ['sub', 'exp'],
    clockTolerance: 5,
    ...(jwt.issuer ? { issuer: jwt.issuer } : {}),
  };
  const secret = jwt.secret ? new TextEncoder().encode(jwt.secret) : undefined;
  const jwks = jwt.jwksUrl ? createRemoteJWKSet(new URL(jwt.jwksUrl), { timeoutDuration: 5_000 }) : undefined;
  return async (token) => {
    const optionsNow = { ...options, currentDate: new Date(now()) };
    let payload: JWTPayload;
    try {
      if (secret) ({ payload } = await jwtVerify(token, secret, optionsNow));
      else if (jwks) ({ payload } = await jwtVerify(token, jwks, optionsNow));
      else throw new Error('no key');
    } catch (error) {
      if (jwks && isKeyFetchFailure(error)) throw new Refusal('auth_unavailable');
      const logged = whyRefused(error, token, jwt);
      if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'iss')
        throw new Refusal('unauthorized', `the access token has another issuer than ${jwt.issuer}: the operator sets SUPABASE_JWT_ISSUER`, {
          logged,
        });
      throw new Refusal('unauthorized', 'the access token is missing, expired or not valid', { logged });
    }
    const { sub, role, ...rest } = payload;
    if (typeof sub !== 'string' || !/^[0-9a-f-]{36}$/i.test(sub) || role !== 'authenticated') {
      const logged = `role: the token is of the role ${shown(role)}, and only tokens of signed-in users are accepted`;
      throw new Refusal('unauthorized', 'the access token is not a signed-in user\u2019s', { logged });
    }
    return { ...rest, sub, role, email: typeof rest.email === 'string' ? rest.email : undefined };
  };
}

/** Lets signed-in users pass, with their claims in `c.var.claims`. */
export function requireUser(verifyToken: VerifyToken) {
  return createMiddleware<{ Variables: AuthVariables }>(async (c, next) => {
    // Middleware is registered for all methods, the route that answers for one method.
    const path = matchedRoutes(c).find((matched) => matched.method !== 'ALL')?.path ?? '';
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    // Absent in tests, which call the app without a server.
    const outgoing = (c.env as { outgoing?: ServerResponse } | undefined)?.outgoing;
    const request = { route: `${c.req.method} ${path}`, orgId: c.req.query('orgId'), ended };
    try {
      c.set('claims', await verifyToken(bearer(c.req.header('authorization')), request));
      await next();
    } finally {
      // The request is open until its work is done and its answer is read: a client that goes away does not end the work of its request.
      if (!outgoing || outgoing.closed) end();
      else outgoing.once('close', end);
    }
  });
}

export interface OperatorVariables {
  /** The name of the operator's account. */
  operator: string;
}

/** The name of the account whose token this is. Throws Refusal `unauthorized` or, after too many wrong tokens, `rate_limited`. */
export type RecogniseOperator = (token: string, from: { socket: string | undefined; forwardedFor: string | undefined }) => Promise<string>;

/** Lets operators pass, with the name of the account in `c.var.operator`. */
export function requireOperator(recognise: RecogniseOperator) {
  return createMiddleware<{ Variables: OperatorVariables }>(async (c, next) => {
    const { incoming } = (c.env ?? {}) as { incoming?: { socket?: { remoteAddress?: string } } };
    const address = { socket: incoming?.socket?.remoteAddress, forwardedFor: c.req.header('x-forwarded-for') };
    c.set('operator', await recognise(bearer(c.req.header('authorization')), address));
    await next();
  });
}

/** The token of an `Authorization: Bearer` header. Throws Refusal `unauthorized` when there is none. */
function bearer(header: string | undefined): string {
  const match = /^Bearer ([\w.~+/=-]{1,8192})$/i.exec(header ?? '');
  if (!match?.[1]) throw new Refusal('unauthorized', 'send "Authorization: Bearer <access token>"');
  return match[1];
}

/** Whether a request carries exactly this token. The comparison takes the same time for every wrong token. */
export const hasToken = (header: string | undefined, token: string): boolean => safeEqual(bearer(header), token);
