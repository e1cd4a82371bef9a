import { sign } from '@octokit/webhooks-methods';
import { synthetic } from '@tributary/pipeline/sources/meta/fixtures/expected.ts';
import { captured } from '@tributary/pipeline/sources/meta/fixtures/expected-captured.ts';
import { describeDeliveries, type Expected } from '@tributary/pipeline/test/deliveries.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, startTestApi, type TestApi } from '../test/api.ts';
import type { TestOrg } from '../test/make.ts';
import { expectNoPlaintext, type Plaintext, plaintextAt } from '../test/plaintext.ts';
import { type Connection, expectAccepted, expectDuplicate, expectRefused, flippedBodies } from '../test/samples.ts';

const appSecret = 'app-secret-of-captured-deliveries-0123';

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
    'messages.*.id',
    'messages.*.context.id',
    'statuses.*.id',
    'statuses.*.recipient_id',
  ].map((path) => `entry.*.changes.*.value.${path}`),
];

/** What is stored of an event: a wamid contains the number of the person, so a digest stands for it in the id and in the key. */
function stored(event: Expected): Expected {
  if (!event.sourceEventId?.startsWith('wamid.')) return event;
  const key = typeof event.key === 'string' ? event.key.slice(event.sourceEventId.length) : '';
  return {
    ...event,
    sourceEventId: expect.stringMatching(/^wamid\.[0-9a-f]{32}$/) as string,
    key: new RegExp(`wamid\\.[0-9a-f]{32}${key}`),
  };
}

describeDeliveries({ folder: 'meta/fixtures', captured: 'meta' }, { synthetic, captured }, ({ files, bodyOf, expectedOf }) => {
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
      await expectAccepted(api, connection, first, expectedOf(file).map(stored));
      await expectDuplicate(api, connection, first, await deliver(body, signature));
    });

    test('signed with another secret or not signed is refused and kept in quarantine', async () => {
      const stranger = await sign(`${appSecret}!`, body.toString());
      await expectRefused(api, connection, 'INVALID_SIGNATURE', [
        () => deliver(body, stranger),
        () => deliver(body, ''),
        () => api.send(connection.url, body),
      ]);
    });

    test('with one bit of the body flipped is refused and kept in quarantine', async () => {
      await expectRefused(
        api,
        connection,
        'INVALID_SIGNATURE',
        flippedBodies(body).map((flipped) => () => deliver(flipped, signature)),
      );
    });
  });

  test("leave no phone, name, person's id or message that a member can read", async () => {
    await expectNoPlaintext(api, org, sent);
  });
});
