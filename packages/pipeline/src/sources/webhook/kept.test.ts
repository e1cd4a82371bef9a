import { describe, expect, it } from 'vitest';
import { finishKept, keep, prepareSearch } from '../../privacy/keep.ts';
import { compileKept } from '../../privacy/kept-paths.ts';
import { placesFor } from '../../privacy/places.ts';
import { newRecordPerson } from '../../privacy/record-person.ts';
import type { Json, JsonObject, KeptAs } from '../../source.ts';
import { webhook } from './index.ts';
import { idForm, kept, keptFor } from './kept.ts';

const config = (more: object = {}) => webhook.config.parse({ verification: { scheme: 'basic', username: 'x' }, ...more });
/** What a field of the object is, by its name, and by its value where that counts. */
function fateIn(around: JsonObject, key: string, holder: string | undefined): KeptAs | undefined {
  const named = kept.byName?.(key, holder);
  return typeof named === 'function' ? named(around[key] as Json, around) : named;
}
/** What the field at a dotted path of the record is, by its name. */
function fateOf(record: JsonObject, path: string): KeptAs | undefined {
  let around: Json = record;
  let holder: string | undefined;
  const keys = path.split('.');
  for (const [index, key] of keys.entries()) {
    if (index === keys.length - 1) return fateIn(around as JsonObject, key, holder);
    around = (around as JsonObject)[key] as Json;
    if (Array.isArray(around)) continue;
    if (!/^\d+$/.test(key)) holder = key;
    else holder = keys[index - 1];
  }
  return undefined;
}
const field = (key: string, value: Json = 'x', holder?: string) => fateIn({ [key]: value }, key, holder);

describe('fields of declared lists are words', () => {
  it.each([
    ...[
      'status',
      'state',
      'type',
      'event',
      'kind',
      'payment_method',
      'paymentMethod',
      'financial_status',
      'gateway',
      'channel',
      'cancel_reason',
    ],
    ...[
      'currency_code',
      'country_code',
      'locale',
      'card_type',
      'card_brand',
      'document_type',
      'source_name',
      'payment_gateway_names',
      'propertyName',
    ],
    ...[
      'tipo_documento',
      'forma_pagamento',
      'formaPagamento',
      'meioPagamento',
      'situacao',
      'situação',
      'motivo',
      'bandeira',
      'moeda',
      'origem',
    ],
    ...['metodo_de_pago', 'estado', 'tipo', 'moneda', 'pais', 'customer_type', 'customer_locale', 'subscriber_status', 'client_country'],
  ])('%s', (key) => {
    expect(field(key)).toBe('word');
  });
});

describe('fields of ids are ids', () => {
  it.each([
    ...[
      'id',
      'uuid',
      'order_id',
      'orderId',
      'product_id',
      'codigo_venda',
      'transaction',
      'transaction_id',
      'reference',
      'order_ref',
      'plan_key',
    ],
    ...['offer_code', 'nsu', 'numero', 'order_number', 'handle', 'sg_event_id', 'messageId', 'email_id'],
  ])('%s', (key) => {
    expect(field(key)).toBe('id');
  });
  it.each([
    ...[
      '7',
      '1234567',
      'or_ZdnB5BBCmYhk534R',
      'hook_RyEKQO789TRpZjv5',
      '5f7e4a40-fed6-415a-93e0-cbcd8da21789',
      '01DQDVZ0MS8CTJDYVP6KD57J78',
    ],
    ...[
      'gid://shopify/Order/820982911946154508',
      'WH-58D329510W468432D-8HN650336L201105X',
      '#1001',
      'rafZeyc',
      'BCkScGt',
      'HP16015479281022',
      'PROMO10',
    ],
    ...['CURSO-VIP', 'BLACK_FRIDAY', 'example-t-shirt-2'],
  ])('%s has the form of an id', (id) => {
    expect(id).toMatch(idForm);
  });
  it.each([
    'Maria Silva',
    'Maria',
    'maria',
    'MariaSilva',
    'maria.silva',
    'maria@example.com',
    'maria%40example.com',
    '',
    '<x@y.example>',
    'x'.repeat(200),
  ])('%j has not', (id) => {
    expect(id).not.toMatch(idForm);
  });
});

describe('names of things are texts', () => {
  it.each([
    ['product_name', undefined],
    ['productName', undefined],
    ['nome_produto', undefined],
    ['planoNome', undefined],
    ['offer_name', undefined],
    ['campaign', undefined],
    ['campaign_name', undefined],
    ['utm_campaign', undefined],
    ['src', undefined],
    ['sck', undefined],
    ['coupon', undefined],
    ['cupom', undefined],
    ['sku', undefined],
    ['tags', undefined],
    ['curso', undefined],
    ['event_identifier', undefined],
    ['name', 'product'],
    ['nome', 'produto'],
    ['title', 'line_items'],
    ['name', 'items'],
    ['description', 'items'],
    ['name', 'plan'],
    ['nombre', 'curso'],
    ['name', 'campaign'],
    ['source', 'utm'],
    ['vendor', 'line_items'],
  ] as const)('%s in %s', (key, holder) => {
    expect(field(key, 'x', holder)).toBe('text');
  });
  it('the title beside a price or a stock number is the title of a product', () => {
    expect(fateOf({ title: 'T-Shirt', sku: 'A1' }, 'title')).toBe('text');
    expect(fateOf({ title: 'Maria wants her money back' }, 'title')).toBeUndefined();
  });
});

describe('what is about a person is dropped', () => {
  it.each([
    ...[
      'customer',
      'customers',
      'customer_data',
      'dados_do_cliente',
      'buyer',
      'comprador',
      'aluno',
      'student',
      'lead',
      'contact',
      'contacts',
      'user',
      'Customer',
    ],
    ...['payer', 'attendees', 'invitee', 'participante', 'to', 'from', 'cc', 'sender', 'recipient', 'pessoa', 'paciente', 'visitor'],
    ...[
      'name',
      'nome',
      'full_name',
      'first_name',
      'email',
      'customer_email',
      'phone',
      'celular',
      'whatsapp',
      'cpf',
      'cnpj',
      'document',
      'ip',
      'browser_ip',
    ],
    ...[
      'address',
      'billing_address',
      'endereco',
      'zip',
      'cep',
      'birth_date',
      'data_nascimento',
      'gender',
      'idade',
      'latitude',
      'instagram',
    ],
    ...['user_id', 'customer_id', 'distinct_id', 'anonymousId', 'device_id', 'session_id', 'fbclid', 'gclid', 'advertisingId'],
    ...['token', 'api_key', 'writeKey', 'chave_unica', 'password', 'originSecret', 'basic_authentication', 'signature'],
    ...['card_last4digits', 'card_number', 'last4', 'boleto_barcode', 'pix_code', 'linha_digitavel'],
    ...['answers', 'respostas', 'questions_and_answers', 'custom_fields', 'cf_cidade_natal', '$set', 'traits', 'propertyValue'],
  ])('%s', (key) => {
    expect(field(key)).toBe('person');
  });
  it.each([
    [{ fields: [{ label: 'Qual é o seu nome?', value: 'Maria Silva' }] }, 'fields.0.value'],
    [{ fields: [{ label: 'CPF', value: 52_998_224_725 }] }, 'fields.0.value'],
    [{ note_attributes: [{ name: 'Recado', value: 'Para a Maria' }] }, 'note_attributes.0.value'],
    [{ x: [{ question: 'How did you hear about us?', answer: 'From Maria' }] }, 'x.0.answer'],
    [{ meta_data: [{ key: '_billing_cpf', value: '529.982.247-25' }] }, 'meta_data.0.value'],
  ] as [JsonObject, string][])('the answer in %j', (record, path) => {
    expect(fateOf(record, path)).toBe('person');
  });
  it('texts of no announced kind are not kept', () => {
    for (const key of [
      'note',
      'comment',
      'observacao',
      'body',
      'text',
      'subject',
      'summary',
      'description',
      'url',
      'checkout_url',
      'keys_url',
      'city',
      'user_agent',
    ])
      expect(field(key), key).toBeUndefined();
  });
});

describe('what a person has agreed to stays readable in the branch about the person', () => {
  const stored = (record: JsonObject) => {
    const one = keep(record, placesFor(compileKept(kept, [], false)), newRecordPerson());
    prepareSearch(one, []);
    return finishKept(one, { personalIds: (text) => text, digest: (id) => id });
  };
  it.each([
    // https://shopify.dev/docs/api/webhooks: customers/update and orders/create
    [{ customer: { email: 'a@example.com', accepts_marketing: false, accepts_marketing_updated_at: '2026-01-02T00:00:00Z' } }, ['email']],
    [{ customer: { email_marketing_consent: { state: 'unsubscribed', opt_in_level: 'single_opt_in' } } }, []],
    [{ order: { customer: { sms_marketing_consent: { state: 'not_subscribed' }, phone: '11987654321' } } }, ['phone']],
    [{ customer: { state: 'disabled', tax_exempt: false } }, ['state', 'tax_exempt']],
    // https://developers.rdstation.com: legal_bases of a contact
    [{ contact: { name: 'Ana', legal_bases: [{ category: 'communications', type: 'consent', status: 'declined' }] } }, ['name']],
    [{ lead: { consent: { marketing: false }, opt_in: false, optOut: true, lgpd_consent: 'revoked' } }, []],
    [{ subscriber: { status: 'unsubscribed', subscription_status: 'unsubscribed', unsubscribed_at: '2026-01-02T00:00:00Z' } }, ['status']],
    [{ contato: { aceita_marketing: 'nao', nome: 'Ana' } }, ['nome']],
  ] as [JsonObject, string[]][])('%j without %j', (record, lost) => {
    const without = (value: Json): Json =>
      Array.isArray(value)
        ? value.map(without)
        : typeof value === 'object' && value !== null
          ? Object.fromEntries(Object.entries(value).flatMap(([key, item]) => (lost.includes(key) ? [] : [[key, without(item)]])))
          : value;
    const wanted = without(record) as JsonObject;
    expect(stored(record)).toEqual(JSON.stringify(wanted) === '{"customer":{}}' ? {} : wanted);
  });
  it('and a text there does not', () => {
    expect(
      stored({ customer: { opt_in: { by: 'Maria', of: ['Maria'] }, optOut: 'a Maria pediu', consent: { marketing: 'x y', by: 'Maria' } } }),
    ).toEqual({});
  });
});

describe('figures stay beside people', () => {
  it.each([
    [{ customers: 12 }, 'customers'],
    [{ customer_accepts_marketing: true }, 'customer_accepts_marketing'],
    [{ email_opens: 3 }, 'email_opens'],
    [{ pix_fee: 1.99 }, 'pix_fee'],
    [{ pix_expiration: '12/04/2025 02:21' }, 'pix_expiration'],
    [{ boleto_expiry_date: '12/04/2025' }, 'boleto_expiry_date'],
    [{ seller_protection: { status: 'ELIGIBLE' } }, 'seller_protection'],
    [{ seller_receivable_breakdown: { gross: 1 } }, 'seller_receivable_breakdown'],
    [{ totals: [{ name: 'Frete', value: 10.5 }] }, 'totals.0.value'],
    [{ price: { currency: 'BRL', value: 197 } }, 'price.value'],
    [{ comissoes: [{ nome: 'Ana Lima', valor: '45.00' }] }, 'comissoes.0.valor'],
    [{ from: 5, to: 9 }, 'to'],
  ] as [JsonObject, string][])('%j keeps %s', (record, path) => {
    expect(fateOf(record, path)).toBeUndefined();
  });
});

describe('staff of the org’s own account', () => {
  it.each([
    'closer',
    'seller',
    'vendedor',
    'atendente',
    'attendant',
    'agent',
    'owner',
    'assignee',
    'affiliate',
    'producer',
    'seller_name',
    'nome_vendedor',
    'owner_id',
  ])('%s is staff', (key) => {
    expect(field(key)).toBe('staff');
  });
  it('a name in a list of commissions is a seller’s', () => {
    expect(field('nome', 'Ana Lima', 'comissoes')).toBe('staff');
    expect(field('custom_name', 'Ana Lima', 'commissioned_stores')).toBe('staff');
  });
});

describe('settings', () => {
  it('name texts to keep, further people and staff, and where ids and identifiers are', () => {
    const fields = keptFor(
      config({
        fields: { id: 'ref + header:x-topic', email: 'who.mail', externalId: 'who.key', orderRef: 'order.ref', type: 'kind' },
        keep: ['lesson.summary'],
        personal: ['notes.*.body'],
        staffPaths: ['team.leader'],
      }),
    );
    expect(fields).toMatchObject({
      ids: ['ref', 'order.ref'],
      words: [...kept.words, 'kind'],
      texts: ['lesson.summary'],
      people: [...kept.people, 'who.mail', 'who.key', 'notes.*.body'],
      staff: ['team.leader'],
      plain: 'everywhere',
    });
  });
  it('an id that is a person’s address is a person’s', () => {
    expect(keptFor(config({ fields: { id: 'email', email: 'email' } }))).toMatchObject({ ids: [], people: [...kept.people, 'email'] });
  });
  it('give the same object for the same config, which is compiled once', () => {
    const one = config({ keep: ['a'] });
    expect(keptFor(one)).toBe(keptFor(one));
  });
});
