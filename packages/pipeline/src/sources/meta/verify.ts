import { safeEqualAny } from '../../crypto/constant-time.ts';
import { type HmacScheme, signHmac, verifyHmac } from '../../proofs/hmac.ts';
import { secretsNamed, trimSecret } from '../../proofs/secrets.ts';
import { refused } from '../../proofs/verdicts.ts';
import type { Delivery, Secret, SecretProblem, Signed, Verdict } from '../../source.ts';

// Meta documents the challenge as an integer-like string. Only letters, digits, "-" and "_" are echoed, and no more than this
// many, so that an answer on our origin never contains markup that a stranger chose.
const challengePattern = /^[A-Za-z0-9_-]{1,128}$/;

/** `X-Hub-Signature-256: sha256=<lower-case hex>`, HMAC-SHA256 of the raw body with the app secret. */
const scheme: HmacScheme = {
  signature: { in: 'header', name: 'x-hub-signature-256' },
  algorithm: 'sha256',
  encoding: 'hex',
  prefix: 'sha256=',
  template: '{body}',
};

/**
 * The GET that Meta sends when a callback URL is saved: 200 with the raw challenge, 403 when the verify token is wrong,
 * undefined when the request carries no `hub.*` parameter. Rule: Graph API webhooks, "Verification Requests".
 */
export function handshake(query: URLSearchParams, secrets: readonly Secret[]): { status: 200 | 403; body: string } | undefined {
  if (![...query.keys()].some((key) => key.startsWith('hub.'))) return undefined;
  const token = query.get('hub.verify_token') ?? '';
  const challenge = query.get('hub.challenge') ?? '';
  const known = safeEqualAny(token, secretsNamed(secrets, 'verify_token'));
  if (!known || query.get('hub.mode') !== 'subscribe' || !challengePattern.test(challenge)) return { status: 403, body: 'Forbidden' };
  return { status: 200, body: challenge };
}

/**
 * The older SHA-1 header alone is refused. Meta signs no time: a replayed delivery is stopped by the idempotency key, not by its signature.
 */
export function verify(delivery: Delivery, secrets: readonly Secret[]): Verdict {
  const { headers } = delivery;
  if (!headers['x-hub-signature-256'] && headers['x-hub-signature'])
    return refused('Only a SHA-1 signature was sent; X-Hub-Signature-256 is required.');
  return verifyHmac(delivery, secretsNamed(secrets, 'app_secret'), scheme, { nowMs: 0 });
}

/** Signs as Meta does, with the first app secret. Throws when there is none. */
export function sign(body: string, secrets: readonly Secret[]): Signed {
  const [key] = secretsNamed(secrets, 'app_secret');
  if (key === undefined) throw new Error('An app secret is needed to sign');
  const { headers } = signHmac(body, key, scheme, { nowMs: 0 });
  return { headers: { 'content-type': 'application/json', ...headers } };
}

/** The values beside the app secret in Meta's panel are pasted by mistake, and no delivery would match them. */
export function readSecret({ name, value }: Secret): { value: string } | { problem: SecretProblem } {
  const text = trimSecret(value);
  const another = (message: string) => ({ problem: { code: 'secret_of_another_kind', message } as const });
  if (name === 'app_secret' && /^EAA[A-Za-z0-9]{20,}$/.test(text))
    return another('is an access token of Meta: the app secret is in App settings → Basic');
  if (name === 'app_secret' && /^\d{13,20}$/.test(text))
    return another('is the id of the app: the app secret is beside it in App settings → Basic');
  return { value: text };
}
