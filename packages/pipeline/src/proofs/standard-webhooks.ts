import { createHmac } from 'node:crypto';
import { anySafeEqual } from '../crypto/constant-time.ts';
import type { Delivery, Verdict } from '../source.ts';
import { parseUnixSeconds, refused, signedAt } from './verdicts.ts';

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
  if (keys.length === 0) return refused('This connection has no secret to verify with.');
  const family = delivery.headers['webhook-id'] === undefined && delivery.headers['svix-id'] !== undefined ? 'svix' : 'webhook';
  const part = (name: string) => delivery.headers[`${family}-${name}`] ?? '';
  const [id, timestamp, given] = [part('id'), part('timestamp'), part('signature')];
  if (id === '' || timestamp === '' || given === '')
    return refused('The headers webhook-id, webhook-timestamp and webhook-signature are needed.');
  if (id.includes('.')) return refused('webhook-id contains a ".".');
  const seconds = parseUnixSeconds(timestamp);
  if (seconds === undefined) return refused('webhook-timestamp is not a number of seconds.');
  const signatures = given.split(' ').filter((text) => /^v1,[A-Za-z0-9+/]{43}=$/.test(text));
  if (signatures.length === 0) return refused('webhook-signature carries no "v1" signature; asymmetric ones are not supported.');
  const expected = keys.map((key) => signatureOf(key, id, timestamp, delivery.raw));
  if (!anySafeEqual(signatures, expected)) return refused('No signature in webhook-signature matches the delivery: check the secret.');
  return signedAt(seconds, nowMs, toleranceSeconds);
}

/** The three headers that make `body` a genuine delivery. */
export function signStandardWebhook(key: Uint8Array, id: string, body: string, nowMs: number): Record<string, string> {
  const timestamp = String(Math.floor(nowMs / 1000));
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatureOf(key, id, timestamp, body) };
}

/** `v1,<base64>` over `<id>.<timestamp>.<body>`. */
function signatureOf(key: Uint8Array, id: string, timestamp: string, body: string | Uint8Array): string {
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64')}`;
}
