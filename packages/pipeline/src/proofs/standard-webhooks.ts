import { createHmac } from 'node:crypto';
import { secretKey } from '../crypto/key-objects.ts';
import type { Delivery, Verdict } from '../source.ts';
import { anyDigestEqual, parseDigest } from './digests.ts';
import { timeProblem } from './signing-time.ts';
import { parseUnixSeconds, refused, signedAt } from './verdicts.ts';

/** More signatures than a sender writes while it changes its key. */
const signaturesMax = 16;
const spelling = { algorithm: 'sha256', encoding: 'base64' } as const;

/** Id of a Standard Webhooks delivery. It is the same on every attempt, so it serves as idempotency key. */
export function deliveryId(headers: Delivery['headers']): string | undefined {
  return headers['webhook-id'] || headers['svix-id'] || undefined;
}

/**
 * Standard Webhooks 1.0: any `v1` of the space-separated signatures may match, and `v1a` (ed25519) is ignored. The older `svix-*` headers
 * are read when `webhook-id` is absent; the two families are never mixed. An id with a "." is refused, because the signed text would be
 * ambiguous.
 */
export function verifyStandardWebhook(
  delivery: Delivery,
  keys: readonly Uint8Array[],
  { nowMs, toleranceSeconds }: { nowMs: number; toleranceSeconds: number },
): Verdict {
  if (keys.length === 0) return refused('This connection has no secret to verify with: set it.');
  const family = delivery.headers['webhook-id'] === undefined && delivery.headers['svix-id'] !== undefined ? 'svix' : 'webhook';
  const part = (name: string) => delivery.headers[`${family}-${name}`] ?? '';
  const [id, timestamp, given] = [part('id'), part('timestamp'), part('signature')];
  const missing = ['id', 'timestamp', 'signature'].filter((name) => part(name) === '').map((name) => `${family}-${name}`);
  if (missing.length > 0)
    return refused(`Missing or empty: ${missing.join(', ')}. Standard Webhooks needs the id, the time and the signature of a delivery.`);
  if (id.includes('.')) return refused(`${family}-id contains a ".".`);
  const seconds = parseUnixSeconds(timestamp);
  if (seconds === undefined) return refused(`${family}-timestamp ${timeProblem(timestamp, 'seconds')}.`);
  const signatures = given.split(' ').flatMap((text) => (text.startsWith('v1,') ? (parseDigest(text.slice(3), spelling) ?? []) : []));
  if (signatures.length === 0) return refused(`${family}-signature carries no "v1" signature; asymmetric ones are not supported.`);
  if (signatures.length > signaturesMax) return refused(`${family}-signature carries more than ${signaturesMax} signatures.`);
  const expected = keys.map((key) => digestOf(key, id, timestamp, delivery.raw));
  if (!anyDigestEqual(signatures, expected))
    return refused(`No signature in ${family}-signature matches the delivery: check the secret and how it is read.`);
  return signedAt(seconds, nowMs, toleranceSeconds);
}

/** The three headers that make `body` a genuine delivery. */
export function signStandardWebhook(key: Uint8Array, id: string, body: string, nowMs: number): Record<string, string> {
  const timestamp = String(Math.floor(nowMs / 1000));
  const signature = `v1,${digestOf(key, id, timestamp, body).toString('base64')}`;
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature };
}

/** The HMAC over `<id>.<timestamp>.<body>`. */
function digestOf(key: Uint8Array, id: string, timestamp: string, body: string | Uint8Array): Buffer {
  return createHmac('sha256', secretKey(key)).update(`${id}.${timestamp}.`).update(body).digest();
}
