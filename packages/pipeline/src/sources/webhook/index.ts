import type { Source } from '../../source.ts';
import { configSchema, settingsOf, type WebhookConfig } from './config.ts';
import { credentialsFor } from './credentials.ts';
import { nameOutside, volatileFor } from './identity.ts';
import { keptFor } from './kept.ts';
import { portuguese } from './portuguese.ts';
import { credentialForms, newSecret, readSecret, sign, verify } from './proof.ts';
import { read } from './read.ts';
import { exampleConfigs, samples } from './samples.ts';
import { split } from './split.ts';

/** Members of the contract that a connection's config decides. */
type ByConfig = Required<Pick<Source<WebhookConfig>, 'credentialsFor' | 'volatileFor' | 'newSecret'>>;

/** Any system that can POST. The connection's config says how a delivery proves that it is genuine and where the fields of a record are. */
export const webhook: Source<WebhookConfig> & ByConfig = {
  type: 'webhook',
  label: 'Webhook (any system)',
  setup: [
    'Choose how a delivery proves that it is genuine: a signature (HMAC), Standard Webhooks, an API key or HTTP Basic.',
    'Paste {{url}} as the webhook URL in the sending system.',
    "Paste this connection's secret there too, or put the secret that the system shows you into this connection.",
    'Say where id, type and time are in a record, if they are not found automatically, and send a test event.',
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
  exampleConfig: exampleConfigs['standard-webhooks'],
  samples,
  keptFor,
  credentials: { body: [], query: [] },
  volatile: [],
  volatileFor,
  nameOutside,
  credentialsFor,
  credentialForms,
  newSecret,
  readSecret,
  bodyBytesMax: (config) => settingsOf(config)?.bodyBytesMax,
  verify,
  split,
  read,
  sign,
};
