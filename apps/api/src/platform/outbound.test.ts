import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createOutbound, isPublicAddress, type Outbound, OutboundRefused } from './outbound.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;
const servers: Server[] = [];
let connections = 0;
let requests = 0;
let handler: Handler = (_request, response) => response.end('ok');

/** A receiver on a loopback address that counts its connections. */
async function listen(host: string, port = 0): Promise<number> {
  const server = createServer((request, response) => {
    requests++;
    handler(request, response);
  });
  server.on('connection', () => connections++);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  return (server.address() as AddressInfo).port;
}

let port: number;
const opened: Outbound[] = [];
const make = (...args: Parameters<typeof createOutbound>) => {
  const outbound = createOutbound(...args);
  opened.push(outbound);
  return outbound;
};
/** A resolver that answers each look-up with the next of these lists of addresses. */
const answering = (...lists: string[][]) => {
  const asked: string[] = [];
  return {
    asked,
    lookup: (hostname: string, callback: (error: Error | null, addresses: { address: string; family: number }[]) => void) => {
      asked.push(hostname);
      const list = lists[Math.min(asked.length, lists.length) - 1] ?? [];
      setImmediate(() =>
        callback(
          null,
          list.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
        ),
      );
    },
  };
};

beforeAll(async () => {
  port = await listen('127.0.0.1');
});
afterEach(() => {
  connections = 0;
  requests = 0;
  handler = (_request, response) => response.end('ok');
});
afterAll(async () => {
  await Promise.all(opened.map((outbound) => outbound.close()));
  for (const server of servers) server.close();
});

/** Ways to write addresses that no request may reach. Most of them lead to the receiver of this test, which listens on every interface. */
const refusedHosts = [
  ...[
    '127.0.0.1',
    '127.1',
    '127.0.1',
    '127.255.255.254',
    '0.0.0.0',
    '0',
    '2130706433',
    '0x7f000001',
    '0x7f.1',
    '0177.0.0.1',
    '017700000001',
  ],
  ...['127.0.0.1.', 'localhost', 'LOCALHOST', 'localhost.', 'api.localhost', '%6c%6f%63alhost', '①②⑦.⓪.⓪.①', '127。0。0。1'],
  ...['10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.0.1', '100.64.0.1', '100.127.255.255'],
  ...[
    '169.254.169.254',
    '169.254.170.2',
    '2852039166',
    '0xa9fea9fe',
    '0251.0376.0251.0376',
    '100.100.100.200',
    '192.0.0.192',
    '168.63.129.16',
  ],
  ...[
    'metadata.google.internal',
    'metadata',
    'instance-data',
    'metadata.goog',
    'db.internal',
    'printer.local',
    'router.lan',
    'intranet',
    'postgres',
  ],
  ...[
    '192.0.0.1',
    '192.0.2.1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.1',
    '192.88.99.1',
    '224.0.0.1',
    '239.255.255.255',
    '240.0.0.1',
    '255.255.255.255',
  ],
  ...[
    '[::1]',
    '[::]',
    '[0:0:0:0:0:0:0:1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::ffff:8.8.8.8]',
    '[::127.0.0.1]',
    '[::ffff:0:127.0.0.1]',
  ],
  ...[
    '[fe80::1]',
    '[febf::1]',
    '[fec0::1]',
    '[fc00::1]',
    '[fd00::1]',
    '[fd00:ec2::254]',
    '[ff02::1]',
    '[100::1]',
    '[64:ff9b::7f00:1]',
    '[64:ff9b:1::7f00:1]',
  ],
  ...[
    '[2002:7f00:1::]',
    '[2001::1]',
    '[2001:db8::1]',
    '[2001:2::1]',
    '[2001:10::1]',
    '[2001:20::1]',
    '[3fff::1]',
    '[5f00::1]',
    '[4000::1]',
  ],
];

describe('addresses that are not public', () => {
  const outbound = make({ allowPrivate: false });

  it.each(refusedHosts)('http://%s is refused without a connection', async (host) => {
    await expect(outbound.request(`http://${host}:${port}/`, {})).rejects.toThrow(OutboundRefused);
    expect(() => outbound.check(`https://${host}/hook`)).toThrow(OutboundRefused);
    expect(connections).toBe(0);
  });

  it.each([
    '127.0.0.1',
    '10.0.0.1',
    '169.254.169.254',
    '::1',
    'fd00::1',
    '::ffff:127.0.0.1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '5f00::1',
    'fe80::1%lo',
  ])('a name that resolves to %s is refused without a connection, also beside a public address', async (address) => {
    for (const list of [[address], ['93.184.215.14', address]]) {
      const { asked, lookup } = answering(list);
      await expect(make({ allowPrivate: false, lookup }).request(`http://hooks.example.com:${port}/`, {})).rejects.toThrow(OutboundRefused);
      expect(asked).toEqual(['hooks.example.com']);
    }
    expect(connections).toBe(0);
  });

  it('a name without an address is refused', async () => {
    await expect(make({ allowPrivate: false, ...answering([]) }).request('http://hooks.example.com/', {})).rejects.toThrow(OutboundRefused);
  });

  it('public addresses are accepted', () => {
    for (const address of [
      '8.8.8.8',
      '1.1.1.1',
      '172.15.0.1',
      '172.32.0.1',
      '100.63.0.1',
      '100.128.0.1',
      '2606:4700:4700::1111',
      '2a00:1450::1',
    ])
      expect(isPublicAddress(address), address).toBe(true);
    for (const text of ['', 'localhost', '8.8.8.8:80', '::1%lo']) expect(isPublicAddress(text), text).toBe(false);
    expect(outbound.check('https://hooks.slack.com/services/T/B/x').hostname).toBe('hooks.slack.com');
  });
});

describe('URLs that do not lead to a web server', () => {
  const outbound = make({ allowPrivate: false });

  it.each([
    ...[
      'file:///etc/passwd',
      'ftp://example.com/',
      'gopher://example.com/',
      'data:text/plain,x',
      'javascript:alert(1)',
      'unix:/var/run/docker.sock',
    ],
    ...['https://user@example.com/', 'https://user:pass@example.com/', 'https://example.com@127.0.0.1/', 'https://:pass@example.com/'],
    ...[
      'https://example.com:22/',
      'https://example.com:25/',
      'http://example.com:6379/',
      'http://example.com:5432/',
      'http://example.com:9200/',
      'http://example.com:1/',
    ],
    ...['', 'example.com', 'https://', 'https://exa mple.com/', '//example.com/'],
  ])('%s is refused', async (url) => {
    expect(() => outbound.check(url)).toThrow(OutboundRefused);
    await expect(outbound.request(url, {})).rejects.toThrow(OutboundRefused);
  });

  it('ports of web servers are accepted', () => {
    for (const url of [
      'https://example.com',
      'http://example.com',
      'https://example.com:8443',
      'http://example.com:8080',
      'https://example.com:3000',
    ])
      expect(outbound.check(url).hostname).toBe('example.com');
  });
});

describe('an address that a person saves', () => {
  const failing = (code: string) => ({
    lookup: (_name: string, callback: (error: Error | null, addresses: []) => void) =>
      callback(Object.assign(new Error(code), { code }), []),
  });

  it.each([
    ['whose name is inside a private network', answering(['10.0.0.7']), 'private'],
    ['of which one of several addresses is private', answering(['93.184.215.14', '169.254.169.254']), 'private'],
    ['whose name does not exist', failing('ENOTFOUND'), 'unknown_host'],
  ])('%s is refused', async (_case, names, reason) => {
    await expect(make({ allowPrivate: false, ...names }).verify('https://hooks.example.com/in')).rejects.toMatchObject({ reason });
  });

  it.each([
    ['whose name is public', answering(['93.184.215.14', '2606:2800:21f::1'])],
    ['whose name cannot be looked up now', failing('EAI_AGAIN')],
  ])('%s is accepted', async (_case, names) => {
    await make({ allowPrivate: false, ...names }).verify('https://hooks.example.com/in');
  });
});

describe('DNS rebinding', () => {
  it('connects to the address that was checked and resolves the name once, so that a later answer does not matter', async () => {
    // This address stands for a public one; the receiver of this file listens on the private one, on the same port.
    await listen('127.0.0.2', port);
    const reached: (string | undefined)[] = [];
    handler = (request, response) => {
      reached.push(request.socket.localAddress);
      response.end('ok');
    };
    const { asked, lookup } = answering(['127.0.0.2'], ['127.0.0.1']);
    const outbound = make({ allowPrivate: false, lookup, isAllowed: (address) => address === '127.0.0.2' });
    expect((await outbound.request(`http://rebind.example.com:${port}/`, {})).status).toBe(200);
    expect(asked).toHaveLength(1);
    expect(reached).toEqual(['127.0.0.2']);
    // The next request resolves and checks the name again, and uses no connection that was left open.
    await expect(outbound.request(`http://rebind.example.com:${port}/`, {})).rejects.toThrow(OutboundRefused);
    expect(asked).toHaveLength(2);
    expect(reached).toEqual(['127.0.0.2']);
  });
});

describe('answers', () => {
  const outbound = make({ allowPrivate: true });

  it('reaches a local receiver with the development switch, and only then', async () => {
    const answer = await outbound.request(`http://127.0.0.1:${port}/hook?a=1`, { headers: { 'x-a': 'b' }, body: '{"a":1}' });
    expect(answer).toMatchObject({ status: 200, text: 'ok' });
    expect(requests).toBe(1);
  });

  it.each([301, 302, 303, 307, 308])('a redirect (%s) is answered and not followed', async (status) => {
    handler = (request, response) =>
      request.url === '/inside'
        ? response.end('the secret')
        : response.writeHead(status, { location: `http://127.0.0.1:${port}/inside` }).end();
    expect(await outbound.request(`http://127.0.0.1:${port}/`, { body: '{}' })).toMatchObject({ status, text: '' });
    expect(requests).toBe(1);
  });

  it('are read up to 16 KiB, however large they are', async () => {
    let written = 0;
    handler = (_request, response) => {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && written < 500_000_000 && response.write('x'.repeat(65_536))) written += 65_536;
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    };
    expect((await outbound.request(`http://127.0.0.1:${port}/`, {})).text).toHaveLength(16_384);
    expect(written).toBeLessThan(100_000_000);
  });

  it('that never come, or come very slowly, fail by a timeout', async () => {
    const impatient = make({ allowPrivate: true, timeoutMs: 200 });
    handler = () => {};
    await expect(impatient.request(`http://127.0.0.1:${port}/silent`, {})).rejects.toThrow(/timeout/i);
    handler = (_request, response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write('x'), 50);
      response.on('close', () => clearInterval(drip));
    };
    await expect(impatient.request(`http://127.0.0.1:${port}/drip`, {})).rejects.toThrow(/timeout/i);
  });

  it('over TLS come only from the host that the certificate names', async () => {
    // This machine trusts no certificate for the loopback address, and the plain receiver does not speak TLS at all.
    await expect(outbound.request(`https://127.0.0.1:${port}/`, {})).rejects.toThrow();
    expect(requests).toBe(0);
  });
});
