import { hmac, safeEqualAny } from '../../signatures.ts';
import type { Delivery, Secret, Signed, Verdict } from '../../source.ts';

// Meta documents the challenge as an integer-like string. Only letters, digits, "-" and "_" are echoed, and no more than this
// many, so that an answer on our origin can never carry markup of a stranger's choosing.
const challengePattern = /^[A-Za-z0-9_-]{1,128}$/;
const signaturePattern = /^sha256=[0-9a-f]{64}$/;

function valuesOf(secrets: readonly Secret[], name: string): string[] {
  return secrets.filter((secret) => secret.name === name && secret.value !== '').map((secret) => secret.value);
}

function refused(message: string): Verdict {
  return { ok: false, error: 'INVALID_SIGNATURE', message };
}

/**
 * The GET that Meta sends when a callback URL is saved: 200 with the raw challenge, 403 when the verify token is not ours,
 * undefined when the request carries no `hub.*` parameter. Rule: Graph API webhooks, "Verification Requests".
 */
export function handshake(query: URLSearchParams, secrets: readonly Secret[]): { status: 200 | 403; body: string } | undefined {
  if (![...query.keys()].some((key) => key.startsWith('hub.'))) return undefined;
  const token = query.get('hub.verify_token') ?? '';
  const challenge = query.get('hub.challenge') ?? '';
  const known = safeEqualAny(token, valuesOf(secrets, 'verify_token'));
  if (!known || query.get('hub.mode') !== 'subscribe' || !challengePattern.test(challenge)) return { status: 403, body: 'Forbidden' };
  return { status: 200, body: challenge };
}

/**
 * `X-Hub-Signature-256: sha256=<lower-case hex>`, HMAC-SHA256 of the raw body with the app secret. The older SHA-1 header alone
 * is refused. Meta signs no timestamp: replays are stopped by the idempotency key, not here.
 */
export function verify(delivery: Delivery, secrets: readonly Secret[]): Verdict {
  const keys = valuesOf(secrets, 'app_secret');
  if (keys.length === 0) return refused('This connection has no app secret.');
  const given = delivery.headers['x-hub-signature-256'];
  if (given === undefined || given === '') {
    return refused(
      delivery.headers['x-hub-signature']
        ? 'Only a SHA-1 signature was sent; X-Hub-Signature-256 is required.'
        : 'The header X-Hub-Signature-256 is missing.',
    );
  }
  if (!signaturePattern.test(given)) return refused('X-Hub-Signature-256 is not "sha256=" and 64 lower-case hexadecimal digits.');
  const expected = keys.map((key) => `sha256=${hmac('sha256', key, [delivery.raw], 'hex')}`);
  return safeEqualAny(given, expected) ? { ok: true } : refused('X-Hub-Signature-256 does not match the body: check the app secret.');
}

/** Signs as Meta does, with the first app secret. Throws when there is none. */
export function sign(body: string, secrets: readonly Secret[]): Signed {
  const [key] = valuesOf(secrets, 'app_secret');
  if (key === undefined) throw new Error('An app secret is needed to sign');
  return { headers: { 'content-type': 'application/json', 'x-hub-signature-256': `sha256=${hmac('sha256', key, [body], 'hex')}` } };
}
