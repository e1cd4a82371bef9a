import { expect, test } from 'vitest';
import { clientAddress, createNetworks } from './client-address.ts';

const proxies = createNetworks(['10.0.0.0/8', 'fd00::/8']);

test.each([
  ['the socket of a stranger, whatever the header says', '203.0.113.7', '198.51.100.1', '203.0.113.7'],
  ['the address that a trusted proxy wrote', '10.0.0.1', '203.0.113.7', '203.0.113.7'],
  [
    'the last address that is not a proxy, and not what the client wrote before it',
    '10.0.0.1',
    '198.51.100.1, 203.0.113.7, 10.2.3.4',
    '203.0.113.7',
  ],
  ['an address with a port', '10.0.0.1', '203.0.113.7:4711', '203.0.113.7'],
  ['an IPv6 address with a port', 'fd00::1', '[2001:db8::7]:4711', '2001:db8::7'],
  ['an IPv4 address on an IPv6 socket', '::ffff:203.0.113.7', undefined, '203.0.113.7'],
  ['a proxy on an IPv6 socket', '::ffff:10.0.0.1', '203.0.113.7', '203.0.113.7'],
  ['the proxy itself without a header', '10.0.0.1', undefined, '10.0.0.1'],
  ['the nearest address before an entry that is no address', '10.0.0.1', '203.0.113.7, unknown, 10.2.3.4', '10.2.3.4'],
  ['nothing without a socket', undefined, '203.0.113.7', undefined],
])('the client address is %s', (_, socket, forwarded, client) => {
  expect(clientAddress(socket, forwarded, proxies)).toBe(client);
});

test('a text that is not a network is refused', () => {
  for (const wrong of ['10.0.0.0/33', 'example.com', '', '10.0.0']) expect(() => createNetworks([wrong])).toThrow();
  expect(createNetworks(['203.0.113.7']).has('203.0.113.7')).toBe(true);
  expect(createNetworks(['203.0.113.0/24']).has('2001:db8::1')).toBe(false);
});
