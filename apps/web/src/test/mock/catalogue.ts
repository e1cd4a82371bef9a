import { SourceEntry } from '@tributary/shared/api.ts';

/** Two platforms of the catalogue in the two languages: one that issues its secret, and one whose secret Tributary generates. */
const entries = {
  en: {
    webhook: 'Webhook (any system)',
    setup: ['Open the settings of the platform.', 'Paste {{url}} as its address.'],
    hottok: 'Found under Tools, Webhook.',
    signing: 'Signing secret',
    signingHelp: 'The sender signs each delivery with it.',
    sample: 'An approved purchase',
    country: 'Default country',
    countryHelp: 'For phone numbers without a country code.',
  },
  'pt-BR': {
    webhook: 'Webhook (qualquer sistema)',
    setup: ['Abra as configurações da plataforma.', 'Cole {{url}} como endereço.'],
    hottok: 'Fica em Ferramentas, Webhook.',
    signing: 'Segredo de assinatura',
    signingHelp: 'Quem envia assina cada entrega com ele.',
    sample: 'Uma compra aprovada',
    country: 'País padrão',
    countryHelp: 'Para telefones sem código do país.',
  },
};

const make = (language: keyof typeof entries): SourceEntry[] => {
  const text = entries[language];
  const settings = {
    type: 'object',
    properties: { defaultCountry: { type: 'string', title: text.country, description: text.countryHelp, maxLength: 2 } },
  };
  const common = { setup: text.setup, configSchema: settings, exampleConfig: {}, handshake: false };
  return [
    SourceEntry.parse({
      ...common,
      type: 'hotmart',
      label: 'Hotmart',
      secrets: [{ name: 'hottok', label: 'Hottok', help: text.hottok, issuedBy: 'platform', required: true }],
      samples: [{ name: 'purchase-approved', label: text.sample }],
    } satisfies SourceEntry),
    SourceEntry.parse({
      ...common,
      type: 'webhook',
      label: text.webhook,
      secrets: [{ name: 'signing', label: text.signing, help: text.signingHelp, issuedBy: 'tributary', required: true }],
      samples: [{ name: 'order', label: text.sample }],
    } satisfies SourceEntry),
  ];
};

export const catalogue: Readonly<Record<'en' | 'pt-BR', readonly SourceEntry[]>> = { en: make('en'), 'pt-BR': make('pt-BR') };
