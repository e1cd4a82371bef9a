import { z } from 'zod';
import { type HmacScheme, signHmac, verifyHmac } from '../../proofs/hmac.ts';
import { secretsNamed, trimSecret } from '../../proofs/secrets.ts';
import { isObject } from '../../reading/fields.ts';
import { RecordError, type Source } from '../../source.ts';
import { liftCampaign } from './campaign.ts';
import { keptFields } from './kept.ts';
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
    // In Stripe's library zero disables the check, and a signature without an age limit could be replayed forever.
    .min(1)
    .max(86_400)
    .default(300)
    .describe('Largest distance between the time in Stripe-Signature and the time of arrival, in seconds.'),
});

/**
 * `Stripe-Signature: t=<unix s>,v1=<hex>[,v1=…]`, HMAC-SHA256 over `<t>.<raw body>` with the whole `whsec_…` text as key. Other versions
 * than v1 do not count; there are several signatures while a secret is being rolled. The rules are those of the `stripe` npm package
 * (cjs/Webhooks.js), which takes the last of repeated times. The package accepts times in the future; this source refuses them.
 */
const scheme: HmacScheme = {
  signature: { in: 'header', name: 'stripe-signature' },
  algorithm: 'sha256',
  encoding: 'hex',
  combined: { timestampKey: 't', signatureKey: 'v1', separator: ',', repeatedTime: 'last' },
  template: '{timestamp}.{body}',
};

/** Stripe events: snapshot events, and thin v2 events by their own id and time. */
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
  keptFor: (_config, event) => keptFields(event),
  // No part of the body may be masked: a rejected delivery must still match its signature once the secret is corrected.
  credentials: { body: [], query: [] },
  /*
   * An event id is one event for good. What is delivered with it differs: the count of pending deliveries, the request in the form of the endpoint's
   * API version, and the object as that version renders it (docs.stripe.com/webhooks/versioning).
   */
  volatile: ['pending_webhooks', 'request', 'api_version', 'account', 'context', 'data', 'campaign'],

  verify(delivery, secrets, { toleranceSeconds }, nowMs) {
    return verifyHmac(delivery, secretsNamed(secrets, 'signing_secret'), scheme, { nowMs, toleranceSeconds });
  },

  split(body) {
    if (body.kind === 'empty') throw new RecordError('INVALID_PAYLOAD', 'The body is empty');
    if (body.kind !== 'json' || !isObject(body.value)) throw new RecordError('SCHEMA_DRIFT', 'A Stripe delivery is one JSON event');
    return [{ value: liftCampaign(body.value) }];
  },

  read(record) {
    return readEvent(record.value);
  },

  readSecret({ value }) {
    const text = trimSecret(value);
    if (!/^(?:(?:sk|pk|rk)_(?:test|live)_|(?:we|acct|evt)_)/.test(text)) return { value: text };
    const message = 'is an API key or an id of Stripe: the signing secret of an endpoint starts with whsec_';
    return { problem: { code: 'secret_of_another_kind', message } };
  },

  sign(body, secrets, _config, nowMs) {
    const [key] = secretsNamed(secrets, 'signing_secret');
    if (key === undefined) throw new Error('A Stripe delivery cannot be signed without a signing secret');
    const { headers } = signHmac(body, key, scheme, { nowMs });
    return { headers: { 'content-type': 'application/json', ...headers } };
  },
};
