import Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, startTestApi, type TestApi } from '../test/api.ts';
import type { TestOrg } from '../test/make.ts';
import { expectNoPlaintext, type Plaintext, plaintextAt } from '../test/plaintext.ts';
import {
  type Connection,
  type Expected,
  expectAccepted,
  expectDuplicate,
  expectRefused,
  flippedBodies,
  loadSamples,
} from '../test/samples.ts';

const samples = loadSamples('stripe');
const signingSecret = 'whsec_of_captured_deliveries_0123456789';
const sdk = new Stripe('sk_test_of_no_account');

/** Stripe counts seconds, and amounts in minor units; events of a sandbox are tests. */
const event = (sourceEventType: string, type: string, id: string, seconds: number, more: Partial<Expected> = {}): Expected => ({
  type,
  sourceEventType,
  sourceEventId: id,
  time: seconds * 1000,
  isTest: true,
  key: id,
  ...more,
});
const customer = { subject: ['external_id'] } as const;

const expectedByFile: Readonly<Record<string, Expected>> = {
  'account.application.deauthorized.connect.json': event(
    'account.application.deauthorized',
    'app.uninstalled',
    'evt_1Iu8ZfA3kq9o1aTcf3b7EknK',
    1621742759,
  ),
  'account.external_account.created.connect.json': event(
    'account.external_account.created',
    'stripe.account_external_account_created',
    'evt_1IuIg0QveW0ONQsdDLp7otQC',
    1621781592,
  ),
  'charge.refunded.json': event('charge.refunded', 'payment.refunded', 'evt_3KtQThJDPojXS6LN0E06aNxq', 1619701111, {
    amount: ['2500', 'USD'],
    orderRef: 'pi_3Kl36gJDPojXS6LN02fQVtKR',
    ...customer,
  }),
  // Its payment intent says the same, and is the one that counts.
  'charge.succeeded.json': event('charge.succeeded', 'stripe.charge_succeeded', 'evt_3KtQThJDPojXS6LN0E06aNxq', 1619701111, {
    amount: ['3000', 'USD'],
    orderRef: 'pi_3KtQThJDPojXS6LN0H9EfsjV',
    ...customer,
  }),
  'checkout.session.completed.json': {
    type: 'order.paid',
    sourceEventType: 'checkout.session.completed',
    sourceEventId: 'evt_T8nSaZqtPudigUMqnnbY4D4v',
    time: 1619697430_000,
    amount: ['999', 'EUR'],
    orderRef: 'pi_1IqxJOJDPojXS6LN9uOebAea',
    key: 'evt_T8nSaZqtPudigUMqnnbY4D4v',
    subject: ['email', 'external_id'],
  },
  'customer.subscription.created.json': event(
    'customer.subscription.created',
    'subscription.created',
    'evt_1J02NfJDPojXS6LNawmt1X8q',
    1623148918,
    customer,
  ),
  'customer.subscription.deleted.json': event(
    'customer.subscription.deleted',
    'subscription.canceled',
    'evt_1J02QdJDPojXS6LNnOJB09Xb',
    1623149102,
    customer,
  ),
  'invoice.paid.json': event('invoice.paid', 'invoice.paid', 'evt_1KJrGtJDPojXS6LN15fcthM3', 1642649111, {
    amount: ['0', 'USD'],
    orderRef: 'in_1KJqKBJDPojXS6LNJbvLUgEy',
    ...customer,
  }),
  'payment_intent.payment_failed.json': event(
    'payment_intent.payment_failed',
    'payment.failed',
    'evt_1IlYUUJDPojXS6LN7NEWYSm2',
    1619697430,
    { amount: ['1000', 'USD'], orderRef: 'pi_1IqxJOJDPojXS6LN9uOebAea' },
  ),
  // What was received counts, not what was asked for: this one says 0.
  'payment_intent.succeeded.json': event('payment_intent.succeeded', 'payment.succeeded', 'evt_1IlYUUJDPojXS6LN7NEWYSm2', 1619697430, {
    amount: ['0', 'USD'],
    orderRef: 'pi_1IqxJOJDPojXS6LN9uOebAea',
  }),
  'refund.created.json': event('refund.created', 'refund.created', 'evt_1KJrGtJDPojXS6LN15fcthM3', 1642649111, {
    amount: ['1000', 'USD'],
    orderRef: 'pi_1GszsK2eZvKYlo2CfhZyoZLp',
  }),
  'setup_intent.succeeded.json': event(
    'setup_intent.succeeded',
    'stripe.setup_intent_succeeded',
    'evt_1IlYUUJDPojXS6LN7NEWYSm2',
    1619697430,
    customer,
  ),
};

const personalPaths = [
  'customer',
  'customer_details.email',
  'customer_details.name',
  'customer_details.phone',
  'customer_email',
  'customer_name',
  'customer_phone',
  'billing_details.email',
  'billing_details.name',
  'billing_details.phone',
  'billing_details.address.postal_code',
  'receipt_email',
  'receipt_url',
  'shipping',
  'client_secret',
  'hosted_invoice_url',
  'last4',
  'fingerprint',
  'payment_method_details.card.last4',
  'payment_method_details.card.fingerprint',
  'destination_details.card.reference',
].map((path) => `data.object.${path}`);

describe.skipIf(samples.size === 0)('captured Stripe deliveries', () => {
  let api: TestApi;
  let org: TestOrg;
  const sent = new Map<string, Plaintext[]>();
  beforeAll(async () => {
    api = await startTestApi();
    org = await api.makeOrg();
  });
  afterAll(() => api.close());

  test('all have their expected event written down', () => {
    expect([...samples.keys()].sort()).toEqual(Object.keys(expectedByFile).sort());
  });

  describe.each([...samples])('%s', (file, body) => {
    let connection: Connection;
    beforeAll(async () => {
      connection = await api.connect(org, 'stripe', { signing_secret: signingSecret });
      sent.set(connection.id, plaintextAt(JSON.parse(body.toString()), personalPaths));
    });

    const signed = (secret = signingSecret) => sdk.webhooks.generateTestHeaderString({ payload: body.toString(), secret });
    const deliver = (raw: Uint8Array<ArrayBuffer> = body, signature = signed()): Promise<Answer> =>
      api.send(connection.url, raw, { 'stripe-signature': signature });

    test('signed with the signing secret becomes its event, and sent again is a duplicate', async () => {
      const expected = expectedByFile[file];
      if (expected === undefined) throw new Error('no expected event');
      const first = await deliver();
      await expectAccepted(api, connection, first, [expected]);
      await expectDuplicate(api, connection, first, await deliver());
    });

    test('signed with another secret, or not at all, is refused and kept', async () => {
      await expectRefused(api, connection, 'INVALID_SIGNATURE', [
        () => deliver(body, signed(`${signingSecret}!`)),
        () => api.send(connection.url, body),
      ]);
    });

    test('with one bit of the body turned over is refused and kept', async () => {
      await expectRefused(
        api,
        connection,
        'INVALID_SIGNATURE',
        flippedBodies(body).map((flipped) => () => deliver(flipped)),
      );
    });
  });

  test('leave no e-mail, phone, name, customer, card or secret that anyone may read', async () => {
    await expectNoPlaintext(api, org, sent);
  });
});
