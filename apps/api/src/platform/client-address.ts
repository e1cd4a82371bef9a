import { BlockList, isIP } from 'node:net';

/** A set of IP addresses, given as networks in CIDR notation. */
export interface Networks {
  has(address: string): boolean;
}

/** Throws when a text is not a network or an address. */
export function createNetworks(cidrs: readonly string[]): Networks {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = '', prefix] = cidr.split('/');
    const bits = { 4: 32, 6: 128 }[isIP(address)];
    if (bits === undefined) throw new Error(`"${cidr}" is not a network, for example 203.0.113.0/24`);
    list.addSubnet(address, prefix === undefined ? bits : Number(prefix), bits === 32 ? 'ipv4' : 'ipv6');
  }
  return {
    has(address) {
      const plain = plainAddress(address);
      const version = isIP(plain);
      return version !== 0 && list.check(plain, version === 4 ? 'ipv4' : 'ipv6');
    },
  };
}

/** A socket that listens on IPv6 shows IPv4 addresses as ::ffff:203.0.113.7. */
const plainAddress = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '');

/** Entries of X-Forwarded-For that are read, from its end. The sender may write any number of entries at its beginning. */
const hopsMax = 20;

/**
 * The address of the client. `X-Forwarded-For` is only believed as far as trusted proxies wrote it: from its end, the first address that is
 * not a trusted proxy is the client, and what stands before it may be the client's own invention. Undefined when the address is not known.
 */
export function clientAddress(
  socketAddress: string | undefined,
  forwardedFor: string | undefined,
  trustedProxies: Networks,
): string | undefined {
  if (socketAddress === undefined || !trustedProxies.has(socketAddress)) return socketAddress && plainAddress(socketAddress);
  const hops = (forwardedFor ?? '').split(',').slice(-hopsMax).reverse();
  let nearest = socketAddress;
  for (const hop of hops) {
    // Some proxies add the port: 203.0.113.7:4711 or [2001:db8::7]:4711.
    const address = hop
      .trim()
      .replace(/^\[(.*)\](:\d+)?$/, '$1')
      .replace(/^([\d.]+):\d+$/, '$1');
    if (isIP(address) === 0) return plainAddress(nearest);
    nearest = address;
    if (!trustedProxies.has(address)) break;
  }
  return plainAddress(nearest);
}
