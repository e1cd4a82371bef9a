import { describe, expect, it } from 'vitest';
import type { CanonicalRow } from '../../process.ts';
import { at } from '../../reading/fields.ts';
import type { Json, JsonObject, Source } from '../../source.ts';
import { nowMs, outcomesOf } from '../../test/proof-cases.ts';
import { stripe } from './index.ts';

const delivery = { method: 'POST', url: 'https://in.example.com', headers: {}, raw: new Uint8Array() };
const config = stripe.config.parse({});

function eventOf(type: string, object: JsonObject, more: JsonObject = {}): CanonicalRow {
  const value = { id: 'evt_1', object: 'event', created: nowMs / 1000, livemode: true, type, data: { object }, ...more };
  const [outcome] = outcomesOf(stripe as Source, { config }, delivery, { body: { kind: 'json', value } });
  if (!outcome?.ok) throw new Error(`expected an event: ${JSON.stringify(outcome)}`);
  return outcome.event;
}

const objectOf = (type: string, object: JsonObject, more: JsonObject = {}) =>
  at(eventOf(type, object, more).properties as JsonObject, 'data.object') as JsonObject | undefined;

describe('what is kept', () => {
  it('is the name and type of a connected business', () => {
    const event = eventOf(
      'account.updated',
      {
        id: 'acct_1',
        object: 'account',
        type: 'express',
        business_profile: { name: 'Express Account', mcc: '5734' },
        company: { name: 'Ateliê Modelo Ltda', phone: '+5511987654321', address: { line1: 'Rua 1' }, structure: 'sole_establishment' },
        individual: { first_name: 'Ana', last_name: 'Lima' },
        capabilities: { card_payments: 'active', transfers: 'pending' },
        settings: { payments: { statement_descriptor: 'ATELIE' }, dashboard: { display_name: 'Ateliê' } },
      },
      { account: 'acct_1' },
    );
    expect(event).toMatchObject({ type: 'stripe.account_updated', source_event_type: 'account.updated' });
    expect(event.properties).toEqual({
      id: 'evt_1',
      object: 'event',
      created: nowMs / 1000,
      livemode: true,
      type: 'account.updated',
      account: 'acct_1',
      data: {
        object: {
          id: 'acct_1',
          object: 'account',
          type: 'express',
          business_profile: { name: 'Express Account', mcc: '5734' },
          company: { name: 'Ateliê Modelo Ltda', structure: 'sole_establishment' },
          capabilities: { card_payments: 'active', transfers: 'pending' },
          settings: { payments: { statement_descriptor: 'ATELIE' }, dashboard: { display_name: 'Ateliê' } },
        },
      },
    });
  });

  it('is the consent of a checkout, and nothing that its payer wrote', () => {
    const object = objectOf('checkout.session.completed', {
      id: 'cs_test_a1',
      object: 'checkout.session',
      mode: 'payment',
      payment_status: 'paid',
      amount_total: 900,
      currency: 'brl',
      consent: { promotions: 'opt_out', terms_of_service: 'accepted' },
      customer_details: { name: 'Katie Price', email: 'k@example.com', tax_exempt: 'none', business_name: 'Price Ltd' },
      custom_fields: [
        { key: 'cpf', type: 'numeric', label: { type: 'custom', custom: 'CPF' }, numeric: { value: '1234567' } },
        { key: 'size', type: 'dropdown', dropdown: { value: 'Katie' } },
      ],
      client_reference_id: '123456',
      line_items: { object: 'list', data: [{ id: 'li_1', object: 'item', description: 'Método Ana Paula', amount_total: 900 }] },
    });
    expect(object).toEqual({
      id: 'cs_test_a1',
      object: 'checkout.session',
      mode: 'payment',
      payment_status: 'paid',
      amount_total: 900,
      currency: 'brl',
      consent: { promotions: 'opt_out', terms_of_service: 'accepted' },
      customer_details: { tax_exempt: 'none' },
      custom_fields: [
        { key: 'cpf', type: 'numeric', label: { type: 'custom' } },
        { key: 'size', type: 'dropdown' },
      ],
      line_items: { object: 'list', data: [{ id: 'li_1', object: 'item', description: 'Método Ana Paula', amount_total: 900 }] },
    });
  });

  it('is of the fields on an invoice nothing that may be a number of its customer', () => {
    const custom_fields = [
      { name: 'RG', value: '1234567' },
      { name: 'Turma', value: '12' },
      { name: 'Aluno', value: 'Ana Lima' },
    ];
    expect(objectOf('invoice.finalized', { id: 'in_1', object: 'invoice', custom_fields, description: 'Turma 12' })).toEqual({
      id: 'in_1',
      object: 'invoice',
      custom_fields: [{ name: 'RG' }, { name: 'Turma', value: '12' }, { name: 'Aluno' }],
    });
  });

  it('is the state of mandates, verifications and pauses', () => {
    expect(objectOf('mandate.updated', { id: 'mandate_1', object: 'mandate', status: 'inactive', type: 'multi_use' })).toEqual({
      id: 'mandate_1',
      object: 'mandate',
      status: 'inactive',
      type: 'multi_use',
    });
    expect(
      objectOf('customer.tax_id.updated', {
        id: 'txi_1',
        object: 'tax_id',
        type: 'br_cpf',
        value: '52998224725',
        country: 'BR',
        customer: 'cus_1',
        verification: { status: 'verified', verified_name: 'Ana Lima', verified_address: 'Rua 1' },
      }),
    ).toEqual({ id: 'txi_1', object: 'tax_id', type: 'br_cpf', country: 'BR', verification: { status: 'verified' } });
    expect(
      objectOf('customer.subscription.updated', {
        id: 'sub_1',
        object: 'subscription',
        status: 'active',
        pause_collection: { behavior: 'keep_as_draft', resumes_at: nowMs / 1000 },
      }),
    ).toMatchObject({ pause_collection: { behavior: 'keep_as_draft', resumes_at: nowMs / 1000 } });
  });

  it('is the name of a thing in its old and its new form, and of a customer nothing', () => {
    const product = { id: 'prod_1', object: 'product', name: 'Método Ana Paula 2', description: 'Doze aulas', active: true };
    const renamed = eventOf('product.updated', product, { data: { object: product, previous_attributes: { name: 'Método Ana Paula' } } });
    expect(renamed.properties.data).toEqual({ object: product, previous_attributes: { name: 'Método Ana Paula' } });
    const customer = { id: 'cus_1', object: 'customer', name: 'Ana Lima', email: 'ana@example.com', currency: 'brl' };
    const changed = eventOf('customer.updated', customer, { data: { object: customer, previous_attributes: { name: 'Ana Souza' } } });
    expect(changed.properties.data).toEqual({ object: { object: 'customer', currency: 'brl' } });
  });

  it('is what names a campaign, and of other metadata plain numbers only', () => {
    const event = eventOf('payment_intent.succeeded', {
      id: 'pi_1',
      object: 'payment_intent',
      currency: 'brl',
      amount_received: 900,
      receipt_email: 'igor.price@example.com',
      metadata: {
        utm_campaign: 'closer-igor',
        sck: 'price',
        buyer: 'Igor Price',
        note: 'Igor',
        cpf: '52998224725',
        seats: '3',
        status: 'igor',
      },
    });
    expect(event.attribution).toEqual({ utm_campaign: 'closer-igor', sck: 'price' });
    expect(event.properties).toMatchObject({
      campaign: { utm_campaign: 'closer-igor', sck: 'price' },
      data: { object: { metadata: { seats: '3' } } },
    });
    expect(JSON.stringify(event.properties)).not.toMatch(/Igor|52998224725|"igor"|01310|9876543/);
  });

  it('is no secret that stands where an id does', () => {
    for (const id of ['pi_1_secret_abc', 'sk_live_abcdefgh', 'whsec_abcdefgh', 'cus_1', 'person_1', 'ek_test_abc', 'Ana Lima'])
      expect(objectOf('charge.updated', { object: 'charge', payment_intent: id })).toEqual({ object: 'charge' });
    expect(objectOf('charge.updated', { object: 'charge', payment_intent: 'pi_1' })).toEqual({ object: 'charge', payment_intent: 'pi_1' });
  });

  it.each(['Katie Price', 'Express Account', 'Ana Paula', 'Charge Paid', 'Igor Card'])('is the same for a payer called %s', (name) => {
    const paid = (called: string) =>
      eventOf('charge.succeeded', {
        id: 'ch_1',
        object: 'charge',
        amount: 900,
        currency: 'brl',
        captured: true,
        paid: true,
        status: 'succeeded',
        billing_details: { name: called, email: 'k@example.com' },
        payment_method_details: { type: 'card', card: { brand: 'visa', checks: { cvc_check: 'pass' }, last4: '4242' } },
        outcome: { type: 'authorized', risk_level: 'normal', seller_message: 'Payment complete.' },
        metadata: { utm_source: 'price', utm_campaign: 'igor' },
      });
    const { subject: _, ...event } = paid(name);
    const { subject: __, ...plain } = paid('Rui Vaz');
    expect(event).toEqual(plain);
  });
});

describe('a person', () => {
  const name = 'Zulmira Qorvath';
  /** Texts of things and of the merchant’s campaigns, where a name is not known to be a person’s. */
  const texts = /(?:nickname|lines\.data\.\d+\.description|utm_\w+|\.number|product|price\.id)$/;

  it.each(stripe.samples.map((sample) => [sample.name, sample.body] as const))('who is put into any field of %s is not kept', (_, body) => {
    const record: JsonObject = JSON.parse(body({ id: '0f9d5c3e', nowMs }));
    for (const path of textsIn(record)) {
      const outcome = (person: string) => {
        const value = replacedAt(record, path, person);
        return outcomesOf(stripe as Source, { config }, delivery, { body: { kind: 'json', value } })[0];
      };
      for (const person of ['zulmira@example.org', '+5511987654321', '52998224725'])
        expect(JSON.stringify(outcome(person)), path).not.toContain(person);
      for (const person of [name, 'Zulmira']) {
        const named = outcome(person);
        if (!texts.test(path)) expect(JSON.stringify(named?.ok ? named.event.properties : named?.sample), path).not.toContain(person);
      }
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
