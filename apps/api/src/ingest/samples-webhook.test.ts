import { randomBytes } from 'node:crypto';
import { captured, idOf, synthetic } from '@tributary/pipeline/sources/webhook/fixtures/expected.ts';
import { describeDeliveries } from '@tributary/pipeline/test/deliveries.ts';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { type Answer, startTestApi, type TestApi } from '../test/api.ts';
import type { TestOrg } from '../test/make.ts';
import { expectNoPlaintext, type Plaintext, plaintextAt } from '../test/plaintext.ts';
import { type Connection, expectAccepted, expectDuplicate, expectRefused, flippedBodies } from '../test/samples.ts';

const makeSecret = () => `whsec_${randomBytes(32).toString('base64')}`;
const secret = makeSecret();

const personalPaths = ['data.fullName', 'data.address', 'data.phoneNumber', 'data.birthday'];

describeDeliveries(
  { folder: 'webhook/fixtures/standard-webhooks', captured: 'standard-webhooks' },
  { synthetic, captured },
  ({ files, bodyOf, expectedOf }) => {
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
      const id = idOf(file);
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
        const first = await deliver();
        await expectAccepted(api, connection, first, expectedOf(file));
        await expectDuplicate(api, connection, first, await deliver());
      });

      test('signed with another secret, for another id, or not signed is refused and kept in quarantine', async () => {
        await expectRefused(api, connection, 'INVALID_SIGNATURE', [
          () => deliver(body, headers(makeSecret())),
          () => deliver(body, headers(secret, new Date(), 'msg_other')),
          () => deliver(body, {}),
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

    test('leave no name, address, phone or birthday that a member can read', async () => {
      await expectNoPlaintext(api, org, sent);
    });
  },
);
