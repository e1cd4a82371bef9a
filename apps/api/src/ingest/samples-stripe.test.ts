import { synthetic } from '@tributary/pipeline/sources/stripe/fixtures/expected.ts';
import { captured } from '@tributary/pipeline/sources/stripe/fixtures/expected-captured.ts';
import { describeDeliveries } from '@tributary/pipeline/test/deliveries.ts';
import Stripe from 'stripe';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { type Answer, startTestApi, type TestApi } from '../test/api.ts';
import type { TestOrg } from '../test/make.ts';
import { expectNoPlaintext, type Plaintext, plaintextAt } from '../test/plaintext.ts';
import { type Connection, expectAccepted, expectDuplicate, expectRefused, flippedBodies } from '../test/samples.ts';

const signingSecret = 'whsec_of_captured_deliveries_0123456789';
const sdk = new Stripe('sk_test_of_no_account');

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

describeDeliveries({ folder: 'stripe/fixtures', captured: 'stripe' }, { synthetic, captured }, ({ files, bodyOf, expectedOf }) => {
  let api: TestApi;
  let org: TestOrg;
  const sent = new Map<string, Plaintext[]>();
  beforeAll(async () => {
    api = await startTestApi();
    org = await api.makeOrg();
  });
  afterAll(() => api.close());

  describe.each(files)('%s', (file) => {
    const body = bodyOf(file);
    let connection: Connection;
    beforeAll(async () => {
      connection = await api.connect(org, 'stripe', { signing_secret: signingSecret });
      sent.set(connection.id, plaintextAt(JSON.parse(body.toString()), personalPaths));
    });

    const signed = (secret = signingSecret) => sdk.webhooks.generateTestHeaderString({ payload: body.toString(), secret });
    const deliver = (raw: Uint8Array<ArrayBuffer> = body, signature = signed()): Promise<Answer> =>
      api.send(connection.url, raw, { 'stripe-signature': signature });

    test('signed with the signing secret becomes its event, and sent again is a duplicate', async () => {
      const first = await deliver();
      await expectAccepted(api, connection, first, expectedOf(file));
      await expectDuplicate(api, connection, first, await deliver());
    });

    test('signed with another secret or not signed is refused and kept in quarantine', async () => {
      await expectRefused(api, connection, 'INVALID_SIGNATURE', [
        () => deliver(body, signed(`${signingSecret}!`)),
        () => api.send(connection.url, body),
      ]);
    });

    test('with one bit of the body flipped is refused and kept in quarantine', async () => {
      await expectRefused(
        api,
        connection,
        'INVALID_SIGNATURE',
        flippedBodies(body).map((flipped) => () => deliver(flipped)),
      );
    });
  });

  test('leave no e-mail, phone, name, customer, card or secret that a member can read', async () => {
    await expectNoPlaintext(api, org, sent);
  });
});
