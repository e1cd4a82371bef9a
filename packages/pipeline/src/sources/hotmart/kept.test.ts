import { describe, expect, it } from 'vitest';
import type { CanonicalRow } from '../../process.ts';
import { at } from '../../reading/fields.ts';
import type { Json, JsonObject, Source } from '../../source.ts';
import { nowMs, outcomesOf } from '../../test/proof-cases.ts';
import { hotmart } from './index.ts';

function eventOf(value: JsonObject, config: JsonObject = {}): CanonicalRow {
  const delivery = { method: 'POST', url: 'https://in.example.com', headers: {}, raw: new Uint8Array() };
  const [outcome] = outcomesOf(hotmart as Source, { config: hotmart.config.parse(config) }, delivery, { body: { kind: 'json', value } });
  if (!outcome?.ok) throw new Error(`expected an event: ${JSON.stringify(outcome)}`);
  return outcome.event;
}

const sale = (change: JsonObject = {}): JsonObject => ({
  id: '0f9d5c3e-7a31-4a0e-9d56-0a4f0c6b2d11',
  creation_date: nowMs,
  event: 'PURCHASE_APPROVED',
  version: '2.0.0',
  data: {
    product: { id: 7, name: 'Método Ana Paula' },
    buyer: { email: 'k@example.com', name: 'Katie Price', document: '52998224725', checkout_phone: '11998765432' },
    affiliates: [{ affiliate_code: 'A11223344B', name: 'Otávio Lemos' }],
    producer: { name: 'Ateliê Modelo Ltda', document: '11222333000181', legal_nature: 'Pessoa Jurídica' },
    commissions: [{ value: 39.2, source: 'AFFILIATE', currency_value: 'BRL' }],
    purchase: {
      transaction: 'HP16015479281099',
      status: 'APPROVED',
      price: { value: 97, currency_value: 'BRL' },
      offer: { code: 'n82b9jqz', coupon_code: 'ANA10' },
      payment: { type: 'CREDIT_CARD', installments_number: 12 },
      origin: { src: 'ana', sck: 'closer-igor', xcod: 'campanha-price' },
      recurrence_number: 2,
      approved_date: nowMs,
    },
    subscription: { status: 'ACTIVE', plan: { id: 123, name: 'Plano Ana' }, subscriber: { code: 'I9OT62C3' } },
    ...change,
  },
});

const called = (name: string) => {
  const [first_name, last_name] = name.split(' ');
  return { buyer: { email: 'k@example.com', name, first_name: first_name ?? '', last_name: last_name ?? '' } };
};

describe('what is kept of a sale', () => {
  it('is everything about product, plan, offer, price, payment, commission and campaign, and nothing about the buyer', () => {
    const event = eventOf(sale());
    expect(event.properties).toEqual({
      id: '0f9d5c3e-7a31-4a0e-9d56-0a4f0c6b2d11',
      creation_date: nowMs,
      event: 'PURCHASE_APPROVED',
      version: '2.0.0',
      data: {
        product: { id: 7, name: 'Método Ana Paula' },
        affiliates: [{ affiliate_code: 'A11223344B' }],
        producer: { name: 'Ateliê Modelo Ltda', legal_nature: 'Pessoa Jurídica' },
        commissions: [{ value: 39.2, source: 'AFFILIATE', currency_value: 'BRL' }],
        purchase: (sale().data as JsonObject).purchase,
        subscription: { status: 'ACTIVE', plan: { id: 123, name: 'Plano Ana' } },
      },
    });
    expect(event.attribution).toEqual({ src: 'ana', sck: 'closer-igor', xcod: 'campanha-price' });
    expect(Object.keys(event.subject).sort()).toEqual(['document', 'email', 'external_id', 'hash_version', 'phone']);
  });

  it.each(['Katie Price', 'Ana Souza', 'Igor Campanha', 'Curso Data', 'Maria Status', 'Plano Active', 'Hotmart Card'])(
    'is the same for a buyer called %s',
    (name) => {
      const { subject: _, ...event } = eventOf(sale(called(name)));
      const { subject: __, ...plain } = eventOf(sale(called('Rui Vaz')));
      expect(event).toMatchObject({ ...plain, properties: expect.anything() });
      expect(event.properties).toEqual(plain.properties);
    },
  );

  it('is an event id that has a part with the form of a postal code', () => {
    const id = '6cf05887-547b-46a8-86f6-f41d8e525dd0';
    const event = eventOf({ ...sale(), id });
    expect([event.source_event_id, event.idempotency_key, event.properties.id]).toEqual([id, id, id]);
  });

  it('masks identifiers of the buyer in the texts of things', () => {
    const event = eventOf(sale({ product: { id: 7, name: 'Mentoria de Katie Price, k@example.com' } }));
    expect(at(event.properties as JsonObject, 'data.product.name')).toBe('Mentoria de [name], [email]');
  });
});

describe('those who sell', () => {
  const names = (value: JsonObject, config: JsonObject = {}) => JSON.stringify(eventOf(value, config).properties);

  it('are removed like buyers, unless the setting keeps them', () => {
    expect(names(sale())).not.toContain('Lemos');
    expect(names(sale(), { staff: 'remove' })).not.toContain('Lemos');
    expect(names(sale(), { staff: 'keep' })).toContain('Otávio Lemos');
    expect(names(sale(), { staff: 'keep' })).not.toContain('Price');
    expect(hotmart.config.safeParse({ staff: 'some' }).success).toBe(false);
  });

  it('are businesses where Hotmart says that the producer is a legal entity', () => {
    const produced = (legal_nature: string) => sale({ producer: { name: 'Rui Modelo', legal_nature, document: '52998224725' } });
    expect(names(produced('Pessoa Jurídica'))).toContain('Rui Modelo');
    for (const nature of ['Pessoa Física', '']) expect(names(produced(nature))).not.toContain('Rui Modelo');
    const legacy = (producer_legal_nature: string): JsonObject => ({
      transaction: 'HP1601547928',
      status: 'approved',
      producer_name: 'Ateliê Modelo',
      producer_document: '11222333000181',
      producer_legal_nature,
    });
    expect(names(legacy('CNPJ'))).toContain('Ateliê Modelo');
    expect(names(legacy('CPF'))).not.toContain('Ateliê Modelo');
    for (const value of [produced('Pessoa Jurídica'), legacy('CNPJ')]) expect(names(value)).not.toMatch(/52998224725|11222333000181/);
  });
});

describe('a person', () => {
  const name = 'Zulmira Qorvath';
  /** Names and texts of things and of campaigns, where a name is not known to be a person’s. */
  const texts =
    /(?:product|products\.\d+|plan|plans\.\d+|module|offer|variant|carrier|producer|country)\.name$|prod|plan|Name$|legal_nature|origin|src|sck|xcod/i;

  it.each(
    hotmart.samples.filter(({ contentType }) => contentType === 'application/json').map((sample) => [sample.name, sample.body] as const),
  )('who is put into any field of %s is not kept', (_, body) => {
    const record: JsonObject = JSON.parse(body({ id: '0f9d5c3e-7a31-4a0e-9d56-0a4f0c6b2d11', nowMs }));
    for (const path of textsIn(record)) {
      const outcome = (person: string) => {
        const delivery = { method: 'POST', url: 'https://in.example.com', headers: {}, raw: new Uint8Array() };
        const value = replacedAt(record, path, person);
        return outcomesOf(hotmart as Source, { config: hotmart.config.parse({}) }, delivery, { body: { kind: 'json', value } })[0];
      };
      for (const person of ['zulmira@example.org', '+5511987654321', '52998224725'])
        expect(JSON.stringify(outcome(person)), path).not.toContain(person);
      const named = outcome(name);
      if (!texts.test(path)) expect(JSON.stringify(named?.ok ? named.event.properties : named?.sample), path).not.toContain(name);
    }
  });
});

/** The paths of all texts. */
function textsIn(value: Json, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return typeof value === 'string' ? [path] : [];
  return Object.entries(value).flatMap(([key, inner]) => textsIn(inner as Json, path === '' ? key : `${path}.${key}`));
}

function replacedAt(record: JsonObject, path: string, text: string): JsonObject {
  const value = structuredClone(record);
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  (keys.length === 0 ? value : (at(value, keys.join('.')) as JsonObject))[last] = text;
  return value;
}
