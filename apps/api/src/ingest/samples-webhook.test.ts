import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
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

const samples = loadSamples('standard-webhooks');
const makeSecret = () => `whsec_${randomBytes(32).toString('base64')}`;
const secret = makeSecret();

/** Any id but with a ".", which separates the parts of what is signed. */
const idOf = (name: string) => `msg_${name.replaceAll('.', '_')}`;

/** The id of a delivery is in its header; this specification's documents give their times to the microsecond, and we keep milliseconds. */
const event = (type: string, name: string, more: Partial<Expected> = {}): Expected => ({
  type,
  sourceEventType: name,
  sourceEventId: idOf(name),
  time: '2022-11-03T20:26:10.344Z',
  key: idOf(name),
  ...more,
});

const expectedByFile: Readonly<Record<string, Expected>> = {
  'contact.created.json': event('webhook.contact_created', 'contact.created', { subject: ['phone'] }),
  'example.event.json': event('webhook.example_event', 'example.event'),
};

const personalPaths = ['data.fullName', 'data.address', 'data.phoneNumber', 'data.birthday'];

describe.skipIf(samples.size === 0)('captured Standard Webhooks deliveries', () => {
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
    const id = idOf(file.replace('.json', ''));
    let connection: Connection;
    beforeAll(async () => {
      connection = await api.connect(
        org,
        'webhook',
        { secret },
        { verification: { scheme: 'standard-webhooks' }, fields: { phone: 'data.phoneNumber' }, defaultCountry: 'US' },
      );
      sent.set(connection.id, plaintextAt(JSON.parse(body.toString()), personalPaths));
    });

    const headers = (key = secret, signedAt = new Date(), signedId = id) => ({
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(signedAt.getTime() / 1000)),
      'webhook-signature': new Webhook(key).sign(signedId, signedAt, body.toString()),
    });
    const deliver = (raw: Uint8Array<ArrayBuffer> = body, signed: Record<string, string> = headers()): Promise<Answer> =>
      api.send(connection.url, raw, signed);

    test('signed with the secret becomes its event, and sent again is a duplicate', async () => {
      const expected = expectedByFile[file];
      if (expected === undefined) throw new Error('no expected event');
      const first = await deliver();
      await expectAccepted(api, connection, first, [expected]);
      await expectDuplicate(api, connection, first, await deliver());
    });

    test('signed with another secret, for another id, or not at all, is refused and kept', async () => {
      await expectRefused(api, connection, 'INVALID_SIGNATURE', [
        () => deliver(body, headers(makeSecret())),
        () => deliver(body, headers(secret, new Date(), 'msg_other')),
        () => deliver(body, {}),
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

  test('leave no name, address, phone or birthday that anyone may read', async () => {
    await expectNoPlaintext(api, org, sent);
  });
});
