import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readPeerRequests } from './peer-requests.ts';
import { createRequests } from './requests.ts';

it('sends unsigned requests to the root of a server about which nothing is said', () => {
  expect(readPeerRequests('{}')).toEqual({
    path: '/',
    ready: '/',
    headers: {},
    takesBatches: false,
    signed: undefined,
    countSql: undefined,
  });
});

it('signs requests as the server verifies them, and sends its headers', () => {
  const { headers, signed } = readPeerRequests(
    JSON.stringify({
      headers: { authorization: 'Basic a2V5Og==' },
      verification: { scheme: 'hmac', header: 'x-signature' },
      secret: 'bench-secret',
    }),
  );
  const request = createRequests({ url: '', kind: 'purchase', idPrefix: 'm', recordsPerBatch: 1, headers, ...signed })(1);
  expect(request.headers).toMatchObject({ authorization: 'Basic a2V5Og==', 'x-signature': expect.stringMatching(/^[0-9a-f]{64}$/) });
});

it('reads the file that a server wrote', () => {
  const folder = mkdtempSync(join(tmpdir(), 'peer-requests-'));
  try {
    const file = join(folder, 'requests.json');
    writeFileSync(file, '{"path": "/ingest/1", "count": "select count(*) from events"}');
    expect(readPeerRequests(file)).toMatchObject({ path: '/ingest/1', countSql: 'select count(*) from events' });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('refuses a signature without a secret, and a field that does not exist', () => {
  expect(() => readPeerRequests('{"verification": {"scheme": "hmac", "header": "x-signature"}}')).toThrow('a signature needs a secret');
  expect(() => readPeerRequests('{"header": {}}')).toThrow(/header/);
});
