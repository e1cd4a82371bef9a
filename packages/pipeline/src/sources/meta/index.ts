import { z } from 'zod';
import type { Source } from '../../source.ts';
import { personalIds } from './ids.ts';
import { keptOf } from './kept.ts';
import { portuguese } from './portuguese.ts';
import { read } from './read.ts';
import { samples } from './samples.ts';
import { split } from './split.ts';
import { handshake, readSecret, sign, verify } from './verify.ts';

const config = z.strictObject({
  defaultCountry: z
    .string()
    .regex(/^[A-Z]{2}$/)
    .optional()
    .describe('Two-letter country (ISO 3166-1) assumed for phone numbers without a country code.'),
});

export type MetaConfig = z.infer<typeof config>;

/** Facebook pages, lead ads, Instagram, WhatsApp and Messenger. Rule: Graph API webhooks, "Getting Started". */
export const meta: Source<MetaConfig> = {
  type: 'meta',
  label: 'Meta (Facebook, Instagram, WhatsApp, Messenger)',
  setup: [
    'In the Meta app dashboard, open App settings → Basic and copy the App secret into this connection.',
    'Open Webhooks (or the WhatsApp or Messenger product) and choose the object: Page, Instagram or WhatsApp Business Account.',
    "Paste {{url}} as the callback URL and this connection's verify token as the verify token, then save.",
    'Subscribe to the fields you need: leadgen and feed for pages, messages for WhatsApp and Messenger. Leave "Include values" on.',
    'Subscribe the page or the WhatsApp Business Account to the app, and press "Test" beside a field.',
  ],
  secrets: [
    {
      name: 'app_secret',
      label: 'App secret',
      help: 'App settings → Basic in the Meta app dashboard. It signs every delivery of the app, for all its pages and numbers.',
      issuedBy: 'platform',
      required: true,
    },
    {
      name: 'verify_token',
      label: 'Verify token',
      help: 'Paste it beside the callback URL. Meta sends it back once, to make sure that the URL is yours.',
      issuedBy: 'tributary',
      required: true,
    },
  ],
  portuguese,
  config,
  samples,
  keptFor: (_, record) => keptOf(record),
  personalIds,
  credentials: { body: [], query: ['hub.verify_token'] },
  volatile: [],
  handshake,
  verify,
  split,
  read,
  readSecret,
  // "Payload size": webhooks of the WhatsApp Business Platform have up to 3 MB (developers.facebook.com, WhatsApp, Webhooks, Overview).
  bodyBytesMax: () => 3_145_728,
  sign,
};
