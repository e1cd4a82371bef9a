import type { Secret, Signed, Source } from '../../source.ts';
import { configSchema, type WebhookConfig } from './config.ts';
import { credentialsFor, personal, personalFor } from './personal.ts';
import { portuguese } from './portuguese.ts';
import { credentialForms, newSecret, sign, verify } from './proof.ts';
import { read } from './read.ts';
import { samples } from './samples.ts';
import { split } from './split.ts';

/** What the generic source decides by a connection's config instead of once for all. */
interface Configurable extends Required<Pick<Source<WebhookConfig>, 'personalFor' | 'credentialsFor'>> {
  /** A new secret in the form the scheme asks for, from at least 24 random bytes. */
  newSecret(config: WebhookConfig, random: Uint8Array): string;
  /** As `sign` of every source; `url` only where the template signs it. */
  sign(body: string, secrets: readonly Secret[], config: WebhookConfig, nowMs: number, url?: string): Signed;
}

/** Any system that can POST: how it proves itself and where things are in its records is the connection's config. */
export const webhook: Source<WebhookConfig> & Configurable = {
  type: 'webhook',
  label: 'Webhook (any system)',
  setup: [
    'Choose how the sender proves itself: a signature (HMAC), Standard Webhooks, an API key or HTTP Basic.',
    'Paste {{url}} as the webhook URL in the sending system.',
    "Paste this connection's secret there too, or put the secret that the system shows you into this connection.",
    'Say where id, type and time are in a record, if they are not found by themselves, and send a test event.',
  ],
  secrets: [
    {
      name: 'secret',
      label: 'Secret',
      help: 'Signing secret, API key or password, by the scheme chosen. It never leaves this connection.',
      issuedBy: 'tributary',
      required: true,
    },
  ],
  portuguese,
  config: configSchema,
  samples,
  personal,
  credentials: { body: [], query: [] },
  volatile: [],
  personalFor,
  credentialsFor,
  credentialForms,
  newSecret,
  verify,
  split,
  read,
  sign,
};
