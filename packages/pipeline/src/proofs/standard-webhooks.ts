import { hmac, parseUnixSeconds, safeEqualAny, withinTolerance } from '../../signatures.ts';
import type { Delivery, Verdict } from '../../source.ts';
import { refused, tooOld } from './verdicts.ts';

/** Id of a Standard Webhooks delivery: the same on every attempt, and so its idempotency key. */
export function deliveryId(headers: Delivery['headers']): string | undefined {
  return headers['webhook-id'] || headers['svix-id'] || undefined;
}

/** `v1,<base64>` over `<id>.<timestamp>.<body>`. */
export function standardSignature(key: Uint8Array, id: string, timestamp: string, body: string | Uint8Array): string {
  return `v1,${hmac('sha256', key, [id, '.', timestamp, '.', body], 'base64')}`;
}

/**
 * Standard Webhooks 1.0: any `v1` of the space-separated signatures may match, `v1a` (ed25519) is passed over. The older `svix-*`
 * names are read when `webhook-id` is absent, never mixed. An id with a "." is refused: the signed text would be ambiguous.
 */
export function verifyStandard(delivery: Delivery, keys: readonly Uint8Array[], toleranceSeconds: number, nowMs: number): Verdict {
  const family = delivery.headers['webhook-id'] === undefined && delivery.headers['svix-id'] !== undefined ? 'svix' : 'webhook';
  const [id, timestamp, given] = ['id', 'timestamp', 'signature'].map((name) => delivery.headers[`${family}-${name}`] ?? '') as [
    string,
    string,
    string,
  ];
  if (id === '' || timestamp === '' || given === '')
    return refused('The headers webhook-id, webhook-timestamp and webhook-signature are needed.');
  if (id.includes('.')) return refused('webhook-id contains a ".".');
  const seconds = parseUnixSeconds(timestamp);
  if (seconds === undefined) return refused('webhook-timestamp is not a number of seconds.');
  const signatures = given.split(' ').filter((text) => /^v1,[A-Za-z0-9+/]{43}=$/.test(text));
  if (signatures.length === 0) return refused('webhook-signature carries no "v1" signature; asymmetric ones are not supported.');
  const expected = keys.map((key) => standardSignature(key, id, timestamp, delivery.raw));
  let genuine = false;
  for (const text of signatures) if (safeEqualAny(text, expected)) genuine = true;
  if (!genuine) return refused('No signature in webhook-signature matches the delivery: check the secret.');
  return withinTolerance(seconds, nowMs, toleranceSeconds) ? { ok: true } : tooOld(toleranceSeconds);
}
