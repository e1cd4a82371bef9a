import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, startTestApi, type TestApi } from '../test/api.ts';
import type { TestOrg } from '../test/make.ts';
import { expectNoPlaintext, type Plaintext, plaintextAt } from '../test/plaintext.ts';
import { type Connection, type Expected, expectAccepted, expectDuplicate, expectRefused, loadSamples } from '../test/samples.ts';

const samples = loadSamples('hotmart');

const everything = ['document', 'email', 'external_id', 'phone'] as const;

/** What the panel's test button sends for a purchase: one made-up sale, another id and time for each event. */
const panelPurchase = (sourceEventType: string, type: string, id: string, time: number): Expected => ({
  type,
  sourceEventType,
  sourceEventId: id,
  time,
  amount: ['150000', 'BRL'],
  orderRef: 'HP16015479281022',
  isTest: true,
  key: id,
  subject: everything,
});

/** Events without money: who did it, by which of the person's identifiers. */
const other = (sourceEventType: string, type: string, id: string, time: number, more: Partial<Expected>): Expected => ({
  type,
  sourceEventType,
  sourceEventId: id,
  time,
  key: id,
  ...more,
});
const test1 = { isTest: true } as const;
const subscriber = { subject: ['email', 'external_id'] } as const;
const member = { subject: ['email'] } as const;

/** Of the legacy form: no id; of a refund it gives no time. */
const legacyPurchase = (status: string, type: string, time: Expected['time']): Expected => ({
  type,
  sourceEventType: status,
  time,
  amount: ['500', 'BRL'],
  orderRef: 'HP00000000000001',
  key: `HP00000000000001:${status}:SELLER`,
  subject: everything,
});

const expectedByFile: Readonly<Record<string, Expected>> = {
  'CLUB_FIRST_ACCESS.json': other('CLUB_FIRST_ACCESS', 'course.first_access', '7fe795fa-285c-430f-9a91-afce10a9216f', 1763247745996, {
    ...test1,
    ...member,
  }),
  'CLUB_MODULE_COMPLETED.docs.json': other(
    'CLUB_MODULE_COMPLETED',
    'course.module_completed',
    '27b52d28-acf4-448a-bc5f-4ab4bc8dcb35',
    1632411406874,
    member,
  ),
  'CLUB_MODULE_COMPLETED.json': other(
    'CLUB_MODULE_COMPLETED',
    'course.module_completed',
    '082eb61b-20b4-4627-9f84-de030e548080',
    1763247745900,
    { ...test1, ...member },
  ),
  'ORDER_FULFILLMENT.docs.json': other('ORDER_FULFILLMENT', 'order.fulfilled', '27b52d28-acf4-448a-bc5f-4ab4bc8dcb35', 1716400000000, {
    amount: ['8990', 'BRL'],
    orderRef: 'HP17163000001234',
    subject: ['document', 'email', 'phone'],
  }),
  // Bodies of 2022 name the currency with one of their prices only, and know neither document nor phone.
  'PURCHASE_APPROVED.igorxavier-2022.json': {
    ...panelPurchase('PURCHASE_APPROVED', 'order.paid', 'd49b2661-a446-4b2a-aa9d-c3b2f1d8ee11', 1669954903916),
    orderRef: 'HP1121336654889',
    ...subscriber,
  },
  'PURCHASE_APPROVED.json': panelPurchase('PURCHASE_APPROVED', 'order.paid', '545e7d21-8fc4-4906-8fba-dcd7889f6481', 1763247745737),
  'PURCHASE_APPROVED.olivervlz.json': panelPurchase(
    'PURCHASE_APPROVED',
    'order.paid',
    '1f1ab22e-ae66-4f58-a76c-8f0e4d0db59b',
    1759194927364,
  ),
  'PURCHASE_BILLET_PRINTED.json': panelPurchase(
    'PURCHASE_BILLET_PRINTED',
    'order.pending',
    '3c290891-8c78-410e-b6cb-5edd7ca9a88e',
    1763247745671,
  ),
  'PURCHASE_CANCELED.json': panelPurchase('PURCHASE_CANCELED', 'order.canceled', 'ea409c21-53f7-4478-a870-89a03d6df8d5', 1763247746014),
  'PURCHASE_CHARGEBACK.json': panelPurchase(
    'PURCHASE_CHARGEBACK',
    'order.chargeback',
    '8b2839d3-8d3c-4dee-ad79-a487d7814d6d',
    1763247745854,
  ),
  // The end of the guarantee, not a second sale.
  'PURCHASE_COMPLETE.json': panelPurchase('PURCHASE_COMPLETE', 'order.completed', 'a11df2c9-4b6c-4836-a1c0-60ea3d4b49da', 1763247745782),
  'PURCHASE_COMPLETE.olivervlz.json': panelPurchase(
    'PURCHASE_COMPLETE',
    'order.completed',
    'd1e959b9-0ef3-4cfd-9928-71c3dcb95c5c',
    1759194927250,
  ),
  'PURCHASE_DELAYED.json': panelPurchase('PURCHASE_DELAYED', 'order.delayed', '21f767f2-fa94-4bf7-b68a-002979678a8a', 1763247745919),
  'PURCHASE_EXPIRED.json': panelPurchase('PURCHASE_EXPIRED', 'order.expired', '1d85822f-fa41-4c58-8c09-0ac945198972', 1763247746098),
  // Its phone has no area code: no number that could be told from others, so it is dropped and not hashed.
  'PURCHASE_OUT_OF_SHOPPING_CART.json': other(
    'PURCHASE_OUT_OF_SHOPPING_CART',
    'cart.abandoned',
    'fd17c748-fa1a-405a-907f-2eb014b2f99a',
    1763247745960,
    { ...test1, ...member },
  ),
  'PURCHASE_PROTEST.json': panelPurchase('PURCHASE_PROTEST', 'order.dispute', '6e401e42-f0d8-4416-a082-e95b3e35c2e3', 1763247746136),
  'PURCHASE_PROTEST.olivervlz.json': panelPurchase(
    'PURCHASE_PROTEST',
    'order.dispute',
    '18e79aba-ca64-42d6-911e-50ff07c57e23',
    1759195726356,
  ),
  'PURCHASE_REFUNDED.json': panelPurchase('PURCHASE_REFUNDED', 'order.refunded', '0efd923f-c6ef-405e-bbd5-df409a5b36e5', 1763247746059),
  'PURCHASE_REFUNDED.olivervlz.json': panelPurchase(
    'PURCHASE_REFUNDED',
    'order.refunded',
    'd7321ad2-82e4-43e3-a9a8-d2fc05b6a02e',
    1759195726425,
  ),
  'SUBSCRIPTION_CANCELLATION.json': other(
    'SUBSCRIPTION_CANCELLATION',
    'subscription.canceled',
    'e276dd75-8c7d-43d2-8398-f42e62060b99',
    1763247745837,
    { ...test1, ...subscriber },
  ),
  'SUBSCRIPTION_CANCELLATION.olivervlz.json': other(
    'SUBSCRIPTION_CANCELLATION',
    'subscription.canceled',
    'a75428a4-7d61-4405-b86b-ecc5a84f9792',
    1759194927318,
    { ...test1, ...subscriber },
  ),
  'SWITCH_PLAN.json': other('SWITCH_PLAN', 'subscription.plan_changed', '0c0ced4b-d92d-4b2a-b438-0a6473c6b4d5', 1763247745719, {
    ...test1,
    ...subscriber,
  }),
  'SWITCH_PLAN.olivervlz.json': other('SWITCH_PLAN', 'subscription.plan_changed', 'be776db7-77c1-4b3f-a14f-79d59a38f4c6', 1759194927441, {
    ...test1,
    ...subscriber,
  }),
  'UPDATE_SUBSCRIPTION_CHARGE_DATE.docs.json': other(
    'UPDATE_SUBSCRIPTION_CHARGE_DATE',
    'subscription.charge_date_changed',
    'bc91fa06-0bd3-4cf5-853a-1fbf4716a10b',
    1663951146081,
    subscriber,
  ),
  'UPDATE_SUBSCRIPTION_CHARGE_DATE.json': other(
    'UPDATE_SUBSCRIPTION_CHARGE_DATE',
    'subscription.charge_date_changed',
    'adb0a577-8574-4fab-93e5-051473f97fb6',
    1763247745640,
    { ...test1, ...subscriber },
  ),
  'UPDATE_SUBSCRIPTION_CHARGE_DATE.olivervlz.json': other(
    'UPDATE_SUBSCRIPTION_CHARGE_DATE',
    'subscription.charge_date_changed',
    'e3e23f82-04a3-4a53-a633-4cf8ab029e07',
    1759194927490,
    { ...test1, ...subscriber },
  ),
  'legacy_v1_approved.form': legacyPurchase('approved', 'order.paid', '2022-06-23T16:19:54.891Z'),
  'legacy_v1_cart_abandoned.json': {
    type: 'cart.abandoned',
    sourceEventType: 'PURCHASE_OUT_OF_SHOPPING_CART',
    time: 'arrival',
    subject: ['email', 'phone'],
  },
  'legacy_v1_refunded.form': legacyPurchase('refunded', 'order.refunded', 'arrival'),
  // Its composite key has the subscriber in it, so a digest stands for it.
  'legacy_v1_subscription_cancellation.json': {
    type: 'subscription.canceled',
    sourceEventType: 'SUBSCRIPTION_CANCELLATION',
    time: '2022-06-23T19:38:39.173Z',
    key: /[0-9a-f]{64}/,
    ...subscriber,
  },
};

const personalPaths = [
  'hottok',
  ...['buyer', 'purchase.shopper', 'billing', 'subscriber', 'user', 'subscription.user'].flatMap((person) =>
    ['email', 'name', 'first_name', 'last_name', 'phone', 'checkout_phone', 'checkout_phone_code', 'document', 'address.address'].map(
      (field) => `data.${person}.${field}`,
    ),
  ),
  'data.buyer_ip',
  'data.purchase.buyer_ip',
  'data.producer.name',
  'data.producer.document',
  'data.affiliates.*.name',
  'data.delivery.destination.address',
  'data.product.support_email',
  'data.line_items.*.product.seller.name',
  'data.line_items.*.product.seller.email',
  'data.line_items.*.product.support_email',
  // Legacy.
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
  file.endsWith('.form') ? Object.fromEntries(new URLSearchParams(body.toString())) : JSON.parse(body.toString());

describe.skipIf(samples.size === 0)('captured Hotmart deliveries', () => {
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
    // Where the body carries a hottok, that one proves it: such deliveries are sent without the header.
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
      const expected = expectedByFile[file];
      if (expected === undefined) throw new Error('no expected event');
      const first = await deliver();
      await expectAccepted(api, connection, first, [expected]);
      await expectDuplicate(api, connection, first, await deliver());
    });

    test('with a wrong hottok, or none, is refused and kept', async () => {
      const wrongHeader = () => deliver(body, `${hottok.slice(0, -1)}!`);
      const wrongBody = () => deliver(Buffer.from(body.toString().replace(hottok, `${hottok.slice(0, -1)}Z`)));
      const none = () => api.send(connection.url, body, contentType);
      await expectRefused(api, connection, 'INVALID_HOTTOK', [wrongHeader, inBody === undefined ? none : wrongBody]);
    });
  });

  test('leave no e-mail, phone, document, name or hottok that anyone may read', async () => {
    await expectNoPlaintext(api, org, sent);
  });
});
