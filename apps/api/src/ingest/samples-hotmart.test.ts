import { synthetic } from '@tributary/pipeline/sources/hotmart/fixtures/expected.ts';
import { captured } from '@tributary/pipeline/sources/hotmart/fixtures/expected-captured.ts';
import { describeDeliveries } from '@tributary/pipeline/test/deliveries.ts';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { type Answer, startTestApi, type TestApi } from '../test/api.ts';
import type { TestOrg } from '../test/make.ts';
import { expectNoPlaintext, type Plaintext, plaintextAt } from '../test/plaintext.ts';
import { type Connection, expectAccepted, expectDuplicate, expectRefused } from '../test/samples.ts';

/** Without the producer’s name, which is that of a business in most of these deliveries, and is kept then. */
const personalPaths = [
  'hottok',
  ...['buyer', 'purchase.shopper', 'billing', 'subscriber', 'user', 'subscription.user'].flatMap((person) =>
    ['email', 'name', 'first_name', 'last_name', 'phone', 'checkout_phone', 'checkout_phone_code', 'document', 'address.address'].map(
      (field) => `data.${person}.${field}`,
    ),
  ),
  'data.buyer_ip',
  'data.purchase.buyer_ip',
  'data.producer.document',
  'data.affiliates.*.name',
  'data.delivery.destination.address',
  'data.product.support_email',
  'data.line_items.*.product.seller.name',
  'data.line_items.*.product.seller.email',
  'data.line_items.*.product.support_email',
  // The legacy format:
  'email',
  'name',
  'first_name',
  'last_name',
  'doc',
  'phone_number',
  'phone_checkout_number',
  'producer_name',
  'producer_document',
  'product_support_email',
  'buyerVO',
  'userName',
  'userEmail',
];

const parse = (file: string, body: Buffer): Record<string, unknown> =>
  body.length === 0 ? {} : file.endsWith('.form') ? Object.fromEntries(new URLSearchParams(body.toString())) : JSON.parse(body.toString());

describeDeliveries({ folder: 'hotmart/fixtures', captured: 'hotmart' }, { synthetic, captured }, ({ files, bodyOf, expectedOf }) => {
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
    // When the body contains a hottok, the delivery is sent without the header.
    const inBody = parse(file, body).hottok as string | undefined;
    const hottok = inBody ?? 'hottok-of-this-account-0123456789';
    const contentType = { 'content-type': file.endsWith('.form') ? 'application/x-www-form-urlencoded' : 'application/json' };
    let connection: Connection;
    beforeAll(async () => {
      connection = await api.connect(org, 'hotmart', { hottok });
      sent.set(connection.id, plaintextAt(parse(file, body), personalPaths));
    });

    const deliver = (raw: Buffer<ArrayBuffer> = body, token = inBody === undefined ? hottok : undefined): Promise<Answer> =>
      api.send(connection.url, raw, { ...contentType, ...(token === undefined ? {} : { 'x-hotmart-hottok': token }) });

    test('with the hottok becomes its event, and sent again is a duplicate', async () => {
      const first = await deliver();
      await expectAccepted(api, connection, first, expectedOf(file));
      await expectDuplicate(api, connection, first, await deliver());
    });

    test('with a wrong hottok or without one is refused and kept in quarantine', async () => {
      const wrongHeader = () => deliver(body, `${hottok.slice(0, -1)}!`);
      const wrongBody = () => deliver(Buffer.from(body.toString().replace(hottok, `${hottok.slice(0, -1)}Z`)));
      const none = () => api.send(connection.url, body, contentType);
      await expectRefused(api, connection, 'INVALID_HOTTOK', [wrongHeader, inBody === undefined ? none : wrongBody]);
    });
  });

  test('leave no e-mail, phone, document, name or hottok that a member can read', async () => {
    await expectNoPlaintext(api, org, sent);
  });
});
