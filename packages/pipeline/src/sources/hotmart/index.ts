import { secretsNamed } from '../../proofs/secrets.ts';
import { isObject } from '../../reading/fields.ts';
import { type Json, type JsonObject, RecordError, type Source } from '../../source.ts';
import { config, type HotmartConfig } from './config.ts';
import { keptFields } from './kept.ts';
import { portuguese } from './portuguese.ts';
import { samples } from './samples.ts';
import { readV1 } from './v1.ts';
import { isV2, readV2 } from './v2.ts';
import { verifyHottok } from './verify.ts';

/**
 * Hotmart: v2 JSON events and the legacy v1 postback (form, and flat JSON for carts and subscriptions). A delivery is proved genuine by the
 * account's hottok, a shared secret. Hotmart does not sign the body. Source of the rules: developers.hotmart.com, webhook pages 1.0.0 and
 * 2.0.0.
 */
export const hotmart: Source<HotmartConfig> = {
  type: 'hotmart',
  label: 'Hotmart',
  setup: [
    'In Hotmart open Tools → Webhook (API and notifications) and choose "Register webhook".',
    'Paste {{url}} as the URL, choose version 2.0.0, the products, and every event you want to receive.',
    'Open the Authentication tab of the same page, copy the hottok and paste it here: it is one per account.',
    'Save, then use "Test" in the panel: the events appear here marked as tests.',
  ],
  secrets: [
    {
      name: 'hottok',
      label: 'Hottok',
      help: 'Tools → Webhook → Authentication. One token per Hotmart account; only Hotmart support can change it.',
      issuedBy: 'platform',
      required: true,
    },
  ],
  portuguese,
  config,
  samples,
  keptFor: (_config, record) => keptFields(record),
  credentials: { body: ['hottok'], query: ['hottok'], headers: ['x-hotmart-hottok'] },
  // A body with the hottok differs after the token was changed, and one that is sent again by hand may have another time and version of the envelope.
  volatile: ['hottok', 'creation_date', 'creationDate', 'version'],

  verify(delivery, secrets) {
    return verifyHottok(delivery, secretsNamed(secrets, 'hottok'));
  },

  split(body) {
    if (body.kind === 'empty') throw new RecordError('INVALID_PAYLOAD', 'The body is empty');
    if ((body.kind !== 'json' && body.kind !== 'form') || !isObject(body.value)) {
      throw new RecordError('SCHEMA_DRIFT', 'A Hotmart delivery is one JSON object or one form');
    }
    return [{ value: body.value }];
  },

  read(record, context) {
    return isV2(record.value) ? readV2(record.value, context) : readV1(record.value, context);
  },

  sign(body, secrets) {
    const [hottok] = secretsNamed(secrets, 'hottok');
    if (hottok === undefined) throw new Error('A Hotmart delivery cannot be signed without a hottok');
    const json = parseObject(body);
    if (json && isV2(json)) return { headers: { 'content-type': 'application/json', 'x-hotmart-hottok': hottok } };
    if (json) return { headers: { 'content-type': 'application/json' }, body: JSON.stringify({ ...json, hottok }) };
    const form = new URLSearchParams(body);
    form.set('hottok', hottok);
    return { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: form.toString() };
  },
};

function parseObject(body: string): JsonObject | undefined {
  try {
    const value: Json = JSON.parse(body);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
