import { sign } from '@octokit/webhooks-methods';
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

const samples = loadSamples('meta');
const appSecret = 'app-secret-of-captured-deliveries-0123';

const lead = (id: string): Expected => ({
  type: 'lead.created',
  sourceEventType: 'page.leadgen',
  sourceEventId: id,
  time: 1440120384_000,
  key: id,
});
const post = (id: string, seconds: number): Expected => ({
  type: 'page.post_created',
  sourceEventType: 'page.feed.status.add',
  sourceEventId: id,
  time: seconds * 1000,
  key: `${id}:add:${seconds}`,
});
const whatsApp = (type: string, suffix: string, id: string, seconds: number, key = id): Expected => ({
  type,
  sourceEventType: `whatsapp_business_account.messages.${suffix}`,
  sourceEventId: id,
  time: seconds * 1000,
  key,
  subject: ['external_id', 'phone'],
});
const mid = 'm_fd7dhzpy9XXc9mnyuqYCl0m_P0t1RoxyDumMyN8ZHUIfL11cMVS5MWPh-ICumR9Xae1Fwc_eBhDdFsFQYFmWFA';

const expectedByFile: Readonly<Record<string, readonly Expected[]>> = {
  // Ids that come as bare numbers, and a time of the lead that is later than the notification's.
  'leadgen_batch2.json': [lead('123123123123'), lead('123123123124')],
  // The panel's button sends this one id for ever: the fingerprint keeps its events apart.
  'leadgen_test_tool.json': [
    { type: 'lead.created', sourceEventType: 'page.leadgen', sourceEventId: '444444444444', time: 1577376930_000, isTest: true },
  ],
  // Messenger counts milliseconds.
  'messenger_text.json': [
    {
      type: 'message.received',
      sourceEventType: 'page.messages',
      sourceEventId: mid,
      time: 1676981468032,
      key: mid,
      subject: ['external_id'],
    },
  ],
  // Posted by the page itself, who is no person.
  'page_feed_status.json': [post('101259571653026_253689226410059', 1615416577)],
  'page_feed_status_unpublished.json': [post('101259571653026_1130560890795112', 1615416907)],
  // Neither id nor time of its own: the notification's time stands in.
  'user_photos_docs.json': [{ type: 'meta.user_photos', sourceEventType: 'user.photos', time: 1520383571_000, subject: ['external_id'] }],
  'whatsapp_account_update_restriction.json': [
    { type: 'message_account.updated', sourceEventType: 'whatsapp_business_account.account_update', time: 1641330498_000 },
  ],
  'whatsapp_flow_completion.json': [whatsApp('message.received', 'interactive', 'wamid.wegrchytvwcggt==', 1702502473)],
  'whatsapp_message_image.json': [whatsApp('message.received', 'image', 'wamid.xyzxyz', 1697043379)],
  'whatsapp_message_text.json': [whatsApp('message.received', 'text', 'wamid.xyzxyz', 1697043223)],
  // One message id goes through several states.
  'whatsapp_status_sent.json': [whatsApp('message.sent', 'status.sent', 'wamid.xyzxyz', 1698266945, 'wamid.xyzxyz:sent')],
  'whatsapp_template_status_approved.json': [
    {
      type: 'message_template.updated',
      sourceEventType: 'whatsapp_business_account.message_template_status_update',
      time: 1751247548_000,
      key: 'message_template_status_update:1689556908129832:APPROVED:1751247548',
    },
  ],
};

const personalPaths = [
  'entry.*.uid',
  'entry.*.messaging.*.sender.id',
  'entry.*.messaging.*.message.text',
  ...[
    'from.name',
    'message',
    'metadata.display_phone_number',
    'contacts',
    'messages.*.from',
    'messages.*.text.body',
    'messages.*.context.from',
    'messages.*.interactive.nfm_reply.response_json',
    'statuses.*.recipient_id',
  ].map((path) => `entry.*.changes.*.value.${path}`),
];

describe.skipIf(samples.size === 0)('captured Meta deliveries', () => {
  let api: TestApi;
  let org: TestOrg;
  const sent = new Map<string, Plaintext[]>();
  beforeAll(async () => {
    api = await startTestApi();
    org = await api.makeOrg();
  });
  afterAll(() => api.close());

  test('all have their expected events written down', () => {
    expect([...samples.keys()].sort()).toEqual(Object.keys(expectedByFile).sort());
  });

  describe.each([...samples])('%s', (file, body) => {
    let connection: Connection;
    let signature: string;
    beforeAll(async () => {
      connection = await api.connect(org, 'meta', { app_secret: appSecret });
      sent.set(connection.id, plaintextAt(JSON.parse(body.toString()), personalPaths));
      signature = await sign(appSecret, body.toString());
    });

    const deliver = (raw: Uint8Array<ArrayBuffer>, given: string): Promise<Answer> =>
      api.send(connection.url, raw, { 'x-hub-signature-256': given });

    test('signed with the app secret becomes its events, and sent again is a duplicate', async () => {
      const first = await deliver(body, signature);
      await expectAccepted(api, connection, first, expectedByFile[file] ?? []);
      await expectDuplicate(api, connection, first, await deliver(body, signature));
    });

    test('signed with another secret, or not at all, is refused and kept', async () => {
      const stranger = await sign(`${appSecret}!`, body.toString());
      await expectRefused(api, connection, 'INVALID_SIGNATURE', [
        () => deliver(body, stranger),
        () => deliver(body, ''),
        () => api.send(connection.url, body),
      ]);
    });

    test('with one bit of the body turned over is refused and kept', async () => {
      await expectRefused(
        api,
        connection,
        'INVALID_SIGNATURE',
        flippedBodies(body).map((flipped) => () => deliver(flipped, signature)),
      );
    });
  });

  test("leave no phone, name, person's id or message that anyone may read", async () => {
    await expectNoPlaintext(api, org, sent);
  });
});
