import { z } from 'zod';
import { isObject } from '../../fields.ts';
import { hmac, parseUnixSeconds, safeEqualAny, withinTolerance } from '../../signatures.ts';
import { RecordError, type RejectClass, type Secret, type Source } from '../../source.ts';
import { liftCampaign } from './campaign.ts';
import { personal } from './personal.ts';
import { portuguese } from './portuguese.ts';
import { readEvent } from './read.ts';
import { samples } from './samples.ts';

export interface StripeConfig {
  /** Largest distance, in seconds, between a signature's time and ours. */
  toleranceSeconds: number;
}

const config: z.ZodType<StripeConfig> = z.strictObject({
  toleranceSeconds: z
    .int()
    // Zero switches the check off in Stripe's own library; a signature without an age could be replayed for ever.
    .min(1)
    .max(86_400)
    .default(300)
    .describe('Largest distance between the time in Stripe-Signature and the time of arrival, in seconds.'),
});

/**
 * Stripe events: snapshot events, and thin v2 events by their own id and time.
 * Signature: `Stripe-Signature: t=<unix s>,v1=<hex>[,v1=…]`, HMAC-SHA256 over `<t>.<raw body>` with the whole `whsec_…` text as key.
 * Source of the rules: the `stripe` npm package (cjs/Webhooks.js).
 */
export const stripe: Source<StripeConfig> = {
  type: 'stripe',
  label: 'Stripe',
  setup: [
    'In the Stripe Dashboard open Developers → Webhooks and choose "Add destination".',
    'Select the events to receive, then "Webhook endpoint", and paste {{url}} as the endpoint URL.',
    'Open the endpoint, reveal its signing secret (whsec_…) and paste it here.',
    'Use "Send test event", or pay in a sandbox: sandbox events appear here marked as tests.',
  ],
  secrets: [
    {
      name: 'signing_secret',
      label: 'Signing secret',
      help: 'Starts with whsec_. Each endpoint has its own; when you roll it, add the new one before the old one ends.',
      issuedBy: 'platform',
      required: true,
    },
  ],
  portuguese,
  config,
  samples,
  personal,
  // Nothing of the body may be cut out: a rejected delivery must still match its signature once the secret is right.
  credentials: { body: [], query: [] },
  volatile: ['pending_webhooks'],

  verify(delivery, secrets, { toleranceSeconds }, nowMs) {
    const keys = signingSecrets(secrets);
    if (keys.length === 0) return invalid('INVALID_SIGNATURE', 'No signing secret is configured for this connection');
    const header = delivery.headers['stripe-signature'];
    if (header === undefined) return invalid('INVALID_SIGNATURE', 'The Stripe-Signature header is missing');
    const { timestamp, signatures } = parseHeader(header);
    const seconds = parseUnixSeconds(timestamp);
    if (timestamp === undefined || seconds === undefined) return invalid('INVALID_SIGNATURE', 'Stripe-Signature carries no time');
    if (signatures.length === 0) return invalid('INVALID_SIGNATURE', 'Stripe-Signature carries no v1 signature');
    const expected = keys.map((key) => hmac('sha256', key, [`${timestamp}.`, delivery.raw], 'hex'));
    let genuine = false;
    for (const signature of signatures) if (safeEqualAny(signature, expected)) genuine = true;
    if (!genuine) return invalid('INVALID_SIGNATURE', 'No signature matches the body and a signing secret of this connection');
    // After the signature, so that a stranger learns nothing of our clock. Stripe's library lets future times pass; a signature dated
    // ahead would stay replayable until its time has gone by, so the tolerance holds on both sides.
    if (!withinTolerance(seconds, nowMs, toleranceSeconds)) {
      return invalid('TIMESTAMP_OUT_OF_TOLERANCE', `The signature's time is more than ${toleranceSeconds} s from ours`);
    }
    return { ok: true };
  },

  split(body) {
    if (body.kind === 'empty') throw new RecordError('INVALID_PAYLOAD', 'The body is empty');
    if (body.kind !== 'json' || !isObject(body.value)) throw new RecordError('SCHEMA_DRIFT', 'A Stripe delivery is one JSON event');
    return [{ value: liftCampaign(body.value) }];
  },

  read(record) {
    return readEvent(record.value);
  },

  sign(body, secrets, _config, nowMs) {
    const key = signingSecrets(secrets)[0];
    if (key === undefined) throw new Error('A Stripe delivery cannot be signed without a signing secret');
    const timestamp = Math.floor(nowMs / 1000);
    const signature = hmac('sha256', key, [`${timestamp}.`, body], 'hex');
    return { headers: { 'content-type': 'application/json', 'stripe-signature': `t=${timestamp},v1=${signature}` } };
  },
};

function signingSecrets(secrets: readonly Secret[]): string[] {
  return secrets.filter((secret) => secret.name === 'signing_secret' && secret.value.trim() !== '').map((secret) => secret.value);
}

/** Only scheme v1 counts; there are several signatures while a secret is being rolled. The last time wins, as in Stripe's library. */
function parseHeader(header: string): { timestamp: string | undefined; signatures: string[] } {
  let timestamp: string | undefined;
  const signatures: string[] = [];
  for (const item of header.split(',')) {
    const [scheme, value = ''] = item.trim().split('=', 2);
    if (scheme === 't') timestamp = value;
    else if (scheme === 'v1' && /^[0-9a-f]{64}$/.test(value)) signatures.push(value);
  }
  return { timestamp, signatures };
}

function invalid(error: RejectClass, message: string) {
  return { ok: false, error, message } as const;
}
