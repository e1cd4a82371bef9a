import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type HmacScheme, signHmac, verifyHmac } from '../proofs/hmac.ts';
import { secretsNamed } from '../proofs/secrets.ts';
import { isObject, requireText, text } from '../reading/fields.ts';
import { parseTime } from '../reading/time.ts';
import { type Body, type KeptFields, RecordError, type Source } from '../source.ts';
import { type Given, nowMs } from './proof-cases.ts';
import { promisesOf, proveSource } from './prove-source.ts';

const scheme: HmacScheme = {
  signature: { in: 'header', name: 'x-greengrocer-signature' },
  algorithm: 'sha256',
  encoding: 'hex',
  template: '{body}',
};

const objectOf = (body: Body) => {
  if (body.kind !== 'json' || !isObject(body.value)) throw new RecordError('INVALID_PAYLOAD', 'A delivery is one JSON object');
  return body.value;
};

const kept: KeptFields = {
  words: ['kind'],
  ids: ['id', 'order'],
  idForm: /^[\w-]{1,100}$/,
  texts: ['stall'],
  people: ['buyer', 'customer'],
  staff: [],
  plain: 'everywhere',
};

/** The smallest source that keeps every promise. */
const greengrocer: Source = {
  type: 'greengrocer',
  label: 'Greengrocer',
  setup: ['Open the settings.', 'Paste {{url}}.'],
  secrets: [{ name: 'key', label: 'Key', help: 'It is in the settings.', issuedBy: 'platform', required: true }],
  portuguese: {
    setup: ['Abra as configurações.', 'Cole {{url}}.'],
    secrets: { key: { label: 'Chave', help: 'Está nas configurações.' } },
    samples: { sold: 'Vendido' },
    settings: { region: { help: 'Região da loja.' } },
  },
  config: z.strictObject({ region: z.string().default('south').describe('Region of the shop.') }),
  samples: [
    {
      name: 'sold',
      label: 'Sold',
      becomes: 'greengrocer.sold',
      contentType: 'application/json',
      body: ({ id, nowMs }) =>
        JSON.stringify({
          id,
          at: new Date(nowMs).toISOString(),
          kind: 'Pear',
          stall: 'Pears of Ilda',
          attempt: 1,
          order: `p-${id}`,
          buyer: { name: 'Ilda Moura' },
        }),
    },
  ],
  keptFor: () => kept,
  credentials: { body: [], query: [] },
  volatile: ['attempt'],
  verify: (delivery, secrets) => verifyHmac(delivery, secretsNamed(secrets, 'key'), scheme, { nowMs }),
  split: (body) => [{ value: objectOf(body) }],
  read: ({ value }) => ({
    type: 'greengrocer.sold',
    sourceEventType: 'sold',
    sourceEventId: text(value, 'id'),
    idempotencyKey: requireText(value, 'id').slice(0, 255),
    eventTimeMs: value.at === undefined ? undefined : parseTime(value.at, 'iso', 'at'),
    orderRef: text(value, 'order'),
  }),
  sign(body, secrets) {
    const [key] = secretsNamed(secrets, 'key');
    if (key === undefined) throw new Error('A key is needed to sign');
    return signHmac(body, key, scheme, { nowMs });
  },
};
const given: Given = { signsBody: true, people: ['Ilda Moura'] };

proveSource(greengrocer, given);

const sampleWith = (fields: object) =>
  [{ ...greengrocer.samples[0], body: ({ id }: { id: string }) => JSON.stringify({ id, ...fields }) }] as unknown as Source['samples'];
const digest = (key: string, body: string | Uint8Array) => createHmac('sha256', key).update(body).digest('hex');

const slugOf = (name = '') => `greengrocer.${name.toLowerCase().replaceAll(/[^a-z]+/g, '_')}`;
const withNames: KeptFields = { ...kept, people: ['customer'], texts: ['buyer.name'] };

/** One way to break each promise: a change of the source, or of the facts that are given about the source. */
const broken: Readonly<Record<string, [Partial<Source>, Partial<Given>?][]>> = {
  'tells a person how to set it up, with the URL to paste and at least one required secret': [
    [{ setup: ['Open the settings.', 'Paste the URL.'] }],
    [{ secrets: greengrocer.secrets.map((secret) => ({ ...secret, required: false })) }],
  ],
  'refuses settings that it does not know, and describes every one that it knows': [
    [{ config: z.object({}) }],
    [{ config: z.strictObject({ region: z.string().optional() }) }],
  ],
  'says in Portuguese everything that it says in English': [
    [{ portuguese: { ...greengrocer.portuguese, settings: {} } }],
    [{ portuguese: { ...greengrocer.portuguese, samples: {} } }],
    [{ portuguese: { ...greengrocer.portuguese, setup: ['Abra as configurações.', 'Cole a URL.'] } }],
  ],
  'accepts every sample that it signs itself': [[{ sign: () => ({ headers: {} }) }]],
  'accepts the old and the new secret while a rotation lasts': [
    [{ verify: (delivery, secrets) => verifyHmac(delivery, secretsNamed(secrets, 'key').slice(0, 1), scheme, { nowMs }) }],
  ],
  'refuses a delivery that was signed with another secret': [[{ verify: () => ({ ok: true }) }]],
  'refuses every delivery while the connection has no secret, or only a blank secret or one of another name': [
    [
      {
        verify: (delivery, secrets) =>
          secrets.length === 0 ? { ok: true } : verifyHmac(delivery, secretsNamed(secrets, 'key'), scheme, { nowMs }),
      },
    ],
    [
      {
        sign: (body, secrets) => ({ headers: { 'x-greengrocer-signature': digest(secrets[0]?.value ?? '', body) } }),
        verify: ({ headers, raw }, secrets) =>
          secrets.some(({ value }) => headers['x-greengrocer-signature'] === digest(value, raw))
            ? { ok: true }
            : { ok: false, error: 'INVALID_SIGNATURE', message: 'No.' },
      },
    ],
  ],
  'refuses a delivery without its proof, and one whose proof is empty': [
    [
      {
        verify: (delivery, secrets, config, at) =>
          delivery.headers['x-greengrocer-signature'] ? greengrocer.verify(delivery, secrets, config, at) : { ok: true },
      },
    ],
  ],
  'refuses a body of which one bit was flipped, where the proof covers the body': [
    [
      {
        sign: (_body, secrets) => ({ headers: { 'x-greengrocer-signature': secrets[0]?.value ?? '' } }),
        verify: ({ headers }, secrets) =>
          secrets.some(({ value }) => value === headers['x-greengrocer-signature'])
            ? { ok: true }
            : { ok: false, error: 'INVALID_SIGNATURE', message: 'No.' },
      },
    ],
  ],
  'repeats neither a secret nor a credential in the reason for a refusal': [
    [
      {
        verify: (delivery) => ({
          ok: false,
          error: 'INVALID_SIGNATURE',
          message: `${delivery.headers['x-greengrocer-signature']} is wrong.`,
        }),
      },
    ],
  ],
  'names every place where a delivery contains the secret, so that the secret is masked before anything is stored': [
    [{ sign: (body, secrets) => ({ headers: { 'x-key': secrets[0]?.value ?? '' }, body }) }],
    [{ sign: (body, secrets) => ({ headers: {}, query: { of_its_own: secrets[0]?.value ?? '' }, body }) }],
    [{ sign: (body, secrets) => ({ headers: {}, body: JSON.stringify({ ...JSON.parse(body), key: secrets[0]?.value }) }) }],
  ],
  'never throws on a forged delivery, and never accepts one': [
    [
      {
        verify: (delivery, secrets, config, at) =>
          JSON.parse(Buffer.from(delivery.raw).toString()) && greengrocer.verify(delivery, secrets, config, at),
      },
    ],
  ],
  'answers a handshake only with the connection’s own secret': [
    [{ handshake: (query) => ({ status: 200, body: query.get('hub.challenge') ?? '' }) }],
    [{ handshake: (query) => (query.has('hub.mode') ? { status: 200, body: '' } : undefined) }],
  ],
  'turns every sample into canonical events of the sample’s type, or into the expected dead letter': [
    [{ samples: sampleWith({ at: 'yesterday', buyer: { name: 'Ilda Moura' } }) }],
    [{}, { deadLetters: { sold: 'MISSING_FIELD' } }],
    [{}, { deadLetters: { stolen: 'MISSING_FIELD' } }],
    [{ split: () => [] }],
    [{ samples: greengrocer.samples.map((sample) => ({ ...sample, becomes: 'order.paid' })) }],
  ],
  'gives a delivery that is sent again the same key and the same fingerprint, whenever it arrives': [
    [{ read: (record, context) => ({ ...greengrocer.read(record, context), idempotencyKey: `at ${context.receivedAtMs}` }) }],
  ],
  'gives every record of every event a different key': [
    [{ read: (record, context) => ({ ...greengrocer.read(record, context), idempotencyKey: 'one for all' }) }],
    [{ split: (body) => [{ value: objectOf(body) }, { value: objectOf(body) }] }],
  ],
  'keeps out of key and fingerprint what changes between two deliveries of one event': [
    [{ read: (record, context) => ({ ...greengrocer.read(record, context), idempotencyKey: `attempt ${record.value.attempt}` }) }],
  ],
  'keeps the people of its samples out of rows and of samples of dead letters': [
    [{ keptFor: () => withNames }],
    [{ keptFor: () => withNames, samples: sampleWith({ at: 'yesterday', buyer: { name: 'Ilda Moura' } }) }],
    [{}, { people: ['Somebody else'] }],
  ],
  'throws nothing but RecordError on bodies of any type and size, and every outcome is sound': [
    [{ split: (body) => [{ value: JSON.parse(JSON.stringify(body.kind === 'empty' ? '' : body.value)).buyer.name }] }],
    [{ read: (record, context) => ({ ...greengrocer.read(record, context), sourceEventType: String(record.value.kind ?? '') }) }],
    [{ read: (record, context) => ({ ...greengrocer.read(record, context), idempotencyKey: text(record.value, 'id') }) }],
  ],
  'shows a person who is planted in any field of any sample, in any encoding, in no row and in no dead letter': [
    [{ read: (record, context) => ({ ...greengrocer.read(record, context), type: slugOf(text(record.value, 'stall')) }) }],
  ],
  'gives two people who differ in their names only events that differ in hashes only': [
    [{ read: (record, context) => ({ ...greengrocer.read(record, context), orderRef: text(record.value, 'buyer.name')?.split(' ')[0] }) }],
  ],
  'returns the same table of kept fields again, since tables are compiled once': [[{ keptFor: () => ({ ...kept }) }]],
};

describe('proveSource', () => {
  it('breaks every promise in at least one case', () => {
    expect(Object.keys(broken)).toEqual(promisesOf(greengrocer, given).map(({ title }) => title));
  });

  const breakages = Object.entries(broken).flatMap(([title, ways]) => ways.map((way, index) => [title, index + 1, way] as const));
  it.each(breakages)('notices a source that breaks the promise: %s (%i)', (title, _, [change, said]) => {
    const promise = promisesOf({ ...greengrocer, ...change }, { ...given, ...said }).find((one) => one.title === title);
    expect(() => promise?.check()).toThrow();
  });
});
