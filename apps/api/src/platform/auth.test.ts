import { createHmac, generateKeyPairSync, randomUUID, type webcrypto } from 'node:crypto';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { Hono } from 'hono';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jwt, makeToken } from '../test/make.ts';
import { type AuthVariables, createTokenVerifier, requireUser, type VerifyToken } from './auth.ts';
import { answerProblem, toRefusal } from './problem.ts';
import type { Refusal } from './refusal.ts';

const user = { id: randomUUID(), email: 'ana@example.com' };

function appWith(verifyToken: VerifyToken) {
  const app = new Hono<{ Variables: AuthVariables }>();
  app.onError((error, c) => answerProblem(c, toRefusal(error), 'id'));
  app.get('/me', requireUser(verifyToken), (c) => c.json(c.var.claims));
  return app;
}

const base64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const claims = () => ({ sub: user.id, role: 'authenticated', aud: 'authenticated', exp: Math.floor(Date.now() / 1000) + 3600 });

async function statusOf(app: Hono<{ Variables: AuthVariables }>, authorization: string | undefined) {
  return (await app.request('/me', authorization === undefined ? {} : { headers: { authorization } })).status;
}

describe('a token signed with a shared secret (HS256)', () => {
  const app = appWith(createTokenVerifier(jwt, Date.now));

  it('is accepted', async () => {
    const answer = await app.request('/me', { headers: { authorization: `Bearer ${await makeToken(user)}` } });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ sub: user.id, email: user.email, role: 'authenticated' });
  });

  it.each([
    ['no token', async () => undefined],
    ['another scheme', async () => `Basic ${await makeToken(user)}`],
    ['an empty token', async () => 'Bearer '],
    ['nonsense', async () => 'Bearer nonsense'],
    ['an expired token', async () => `Bearer ${signed({ exp: Math.floor(Date.now() / 1000) - 60 })}`],
    ['a token without an expiry', async () => `Bearer ${signed({ exp: undefined })}`],
    ['a token that is not valid yet', async () => `Bearer ${signed({ nbf: Math.floor(Date.now() / 1000) + 600 })}`],
    ['another secret', async () => `Bearer ${await makeToken(user, {}, 'another secret of at least thirty-two characters')}`],
    ['another audience', async () => `Bearer ${signed({ aud: 'other' })}`],
    ['the anonymous role', async () => `Bearer ${signed({ role: 'anon' })}`],
    ['the service role', async () => `Bearer ${signed({ role: 'service_role' })}`],
    ['a subject that is not a user id', async () => `Bearer ${signed({ sub: 'somebody' })}`],
    ['algorithm none', async () => `Bearer ${base64({ alg: 'none', typ: 'JWT' })}.${base64(claims())}.`],
    ['HS512 under the same secret', async () => `Bearer ${signed({}, 'HS512')}`],
    ['a changed claim', async () => (await makeToken(user)).replace(/\.[^.]+\./, `.${base64({ ...claims(), sub: randomUUID() })}.`)],
  ])('refuses %s with 401', async (_, authorization) => {
    expect(await statusOf(app, await authorization())).toBe(401);
  });

  it('refuses a token signed by a key pair', async () => {
    const { privateKey } = await generateKeyPair('RS256');
    const token = await new SignJWT(claims()).setProtectedHeader({ alg: 'RS256' }).sign(privateKey);
    expect(await statusOf(app, `Bearer ${token}`)).toBe(401);
  });

  it('refuses another issuer than the configured one', async () => {
    const strict = appWith(createTokenVerifier({ ...jwt, issuer: 'https://auth.example.com' }, Date.now));
    expect(await statusOf(strict, `Bearer ${await makeToken(user)}`)).toBe(401);
    expect(await statusOf(strict, `Bearer ${await makeToken(user, { iss: 'https://auth.example.com' })}`)).toBe(200);
  });
});

describe('the log line of a refused token', () => {
  const strict = createTokenVerifier({ ...jwt, issuer: 'https://auth.example.com' }, Date.now);
  const issuer = { iss: 'https://auth.example.com' };

  it.each([
    [
      'another issuer',
      signed({ iss: 'https://other.example.com' }),
      'issuer: the token was issued by "https://other.example.com", and this server expects "https://auth.example.com"',
    ],
    ['no issuer', signed({}), 'issuer: the token was issued by nobody'],
    [
      'another audience',
      signed({ ...issuer, aud: 'other' }),
      'audience: the token is for "other", and this server expects "authenticated"',
    ],
    ['an expiry in the past', signed({ ...issuer, exp: 1_700_000_000 }), 'expiry: the token expired at 2023-11-14T22:13:20.000Z'],
    ['a start in the future', signed({ ...issuer, nbf: 4_000_000_000 }), 'expiry: the token is not valid before 2096-10-02T07:06:40.000Z'],
    ['no expiry', signed({ ...issuer, exp: undefined }), 'exp: the claim is missing'],
    [
      'another secret',
      signed(issuer, 'HS256', 'another secret of at least thirty-two characters'),
      'signature: it does not match the secret in SUPABASE_JWT_SECRET',
    ],
    ['another algorithm', signed(issuer, 'HS512'), 'signature: the token is signed with another algorithm than HS256'],
    ['the service role', signed({ ...issuer, role: 'service_role' }), 'role: the token is of the role "service_role"'],
    ['a text that is not a token', 'nonsense', 'form: the text is not a JSON Web Token'],
  ])('says why a token with %s was refused, which the answer does not say', async (_, token, reason) => {
    const refusal: Refusal = await strict(token).then(
      () => expect.unreachable('the token was accepted'),
      (error) => error,
    );
    expect(refusal.hints.logged).toContain(reason);
    expect(refusal.hints.logged).not.toContain(user.id);
  });
});

/** A compact JWS made by hand, because a library would refuse to sign some of these tokens. */
function signed(change: object, alg: 'HS256' | 'HS512' = 'HS256', key: string = jwt.secret): string {
  const input = `${base64({ alg, typ: 'JWT' })}.${base64({ ...claims(), ...change })}`;
  return `${input}.${createHmac(alg === 'HS256' ? 'sha256' : 'sha512', key)
    .update(input)
    .digest('base64url')}`;
}

describe('a token signed with a published key (ES256, RS256)', () => {
  let server: Server;
  let ec: webcrypto.CryptoKeyPair;
  let rsa: webcrypto.CryptoKeyPair;
  let jwksUrl: string;

  beforeAll(async () => {
    ec = (await generateKeyPair('ES256', { extractable: true })) as webcrypto.CryptoKeyPair;
    rsa = (await generateKeyPair('RS256', { extractable: true })) as webcrypto.CryptoKeyPair;
    const keys = [
      { ...(await exportJWK(ec.publicKey)), kid: 'ec', use: 'sig' },
      { ...(await exportJWK(rsa.publicKey)), kid: 'rsa', use: 'sig' },
    ];
    server = createServer((_, response) => response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys })));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    jwksUrl = `http://127.0.0.1:${(server.address() as { port: number }).port}/jwks.json`;
  });
  afterAll(() => server.close());

  const verifierFor = (algorithm: 'ES256' | 'RS256') =>
    createTokenVerifier({ secret: undefined, jwksUrl, algorithm, issuer: undefined }, Date.now);
  const token = (alg: string, kid: string, key: webcrypto.CryptoKey) => new SignJWT(claims()).setProtectedHeader({ alg, kid }).sign(key);

  it('is accepted', async () => {
    expect(await statusOf(appWith(verifierFor('ES256')), `Bearer ${await token('ES256', 'ec', ec.privateKey)}`)).toBe(200);
    expect(await statusOf(appWith(verifierFor('RS256')), `Bearer ${await token('RS256', 'rsa', rsa.privateKey)}`)).toBe(200);
  });

  it('is answered with auth_unavailable, and not with unauthorized, when the keys cannot be read', async () => {
    const ways = [
      (response: ServerResponse) => response.writeHead(503).end(),
      (response: ServerResponse) => response.end('<html>not the keys</html>'),
      (response: ServerResponse) => response.destroy(),
    ];
    let [way] = ways;
    const flaky = createServer((_, response) => way?.(response));
    await new Promise<void>((resolve) => flaky.listen(0, '127.0.0.1', resolve));
    try {
      const keys = `http://127.0.0.1:${(flaky.address() as { port: number }).port}/jwks.json`;
      const authorization = `Bearer ${await token('ES256', 'ec', ec.privateKey)}`;
      for (way of ways) {
        const app = appWith(createTokenVerifier({ secret: undefined, jwksUrl: keys, algorithm: 'ES256', issuer: undefined }, Date.now));
        const answer = await app.request('/me', { headers: { authorization } });
        expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
        expect(await answer.json()).toMatchObject({ code: 'auth_unavailable' });
      }
    } finally {
      flaky.close();
    }
  });

  it('refuses a genuine token with another algorithm than the configured one', async () => {
    expect(await statusOf(appWith(verifierFor('ES256')), `Bearer ${await token('RS256', 'rsa', rsa.privateKey)}`)).toBe(401);
  });

  it('refuses an HMAC keyed with the public key', async () => {
    const pem = await exportSPKI(rsa.publicKey);
    const forged = signed({}, 'HS256', pem);
    expect(await statusOf(appWith(verifierFor('RS256')), `Bearer ${forged}`)).toBe(401);
    expect(await statusOf(appWith(verifierFor('ES256')), `Bearer ${forged}`)).toBe(401);
  });

  it('refuses algorithm none and a key that is not published', async () => {
    expect(await statusOf(appWith(verifierFor('ES256')), `Bearer ${base64({ alg: 'none', kid: 'ec' })}.${base64(claims())}.`)).toBe(401);
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const forged = await new SignJWT(claims()).setProtectedHeader({ alg: 'ES256', kid: 'ec' }).sign(privateKey);
    expect(await statusOf(appWith(verifierFor('ES256')), `Bearer ${forged}`)).toBe(401);
  });
});

it('a token of another issuer is refused with the name of the setting', async () => {
  const app = appWith(createTokenVerifier({ ...jwt, issuer: 'https://project.supabase.co/auth/v1' }, Date.now));
  const asked = async (iss: object) => app.request('/me', { headers: { authorization: `Bearer ${await makeToken(user, iss)}` } });
  expect((await asked({ iss: 'https://project.supabase.co/auth/v1' })).status).toBe(200);
  for (const iss of [{}, { iss: 'https://evil.example/auth/v1' }]) {
    const answer = await asked(iss);
    expect([answer.status, await answer.text()]).toEqual([401, expect.stringContaining('SUPABASE_JWT_ISSUER')]);
  }
});
