import { lookup as systemLookup } from 'node:dns';
import ipaddr from 'ipaddr.js';
import { Agent } from 'undici';

/** Thrown for an address that the API must not send a request to. The message is for the person who typed the address. */
export class OutboundRefused extends Error {
  override readonly name = 'OutboundRefused';
  readonly reason: RefusedAddress;
  constructor(reason: RefusedAddress, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** What is wrong with an address. */
export type RefusedAddress = 'not_url' | 'scheme' | 'credentials' | 'port' | 'private' | 'unknown_host';

interface OutboundRequest {
  method?: 'POST' | 'PUT' | 'GET';
  headers?: Readonly<Record<string, string>>;
  body?: string | Uint8Array;
}

interface OutboundAnswer {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  /** At most the first 16 KiB. */
  text: string;
}

export interface Outbound {
  /** Throws OutboundRefused for a URL that is not allowed as it is written. Host names are looked up only when a request is made. */
  check(url: string): URL;
  /**
   * Checks a URL that a person is saving: {@link check}, and that its host name exists and is at public addresses only. When the look-up is not
   * answered in three seconds, the URL passes: every request checks the address again.
   */
  verify(url: string): Promise<void>;
  /**
   * Sends one request, which is answered or fails within ten seconds by default. A redirect is returned like any other answer, never
   * followed. Throws OutboundRefused before any connection is made, and errors of the network.
   */
  request(url: string, request: OutboundRequest): Promise<OutboundAnswer>;
  close(): Promise<void>;
}

interface Address {
  address: string;
  family: number;
}

export interface OutboundOptions {
  /** For development only: allows loopback and private addresses, and with them every host behind the firewall. */
  allowPrivate: boolean;
  /** Like dns.lookup with `all`; for tests. */
  lookup?(hostname: string, callback: (error: Error | null, addresses: Address[]) => void): void;
  /** Which addresses may be connected to; for tests. */
  isAllowed?(address: string): boolean;
  /** The time for everything from the look-up to the end of the answer. */
  timeoutMs?: number;
}

const answerBytesMax = 16_384;
/** How long a person who saves an address waits for the look-up of its host. */
const lookUpMs = 3_000;

/**
 * Makes every HTTP request to an address that a person typed. A host name is resolved once, by the connection itself; every
 * address it has is checked, and the connection uses exactly those addresses: there is no second look-up with another answer (DNS
 * rebinding).
 */
export function createOutbound(options: OutboundOptions): Outbound {
  const {
    allowPrivate,
    lookup = (hostname, callback) => systemLookup(hostname, { all: true, verbatim: true }, callback),
    isAllowed = allowPrivate ? () => true : isPublicAddress,
    timeoutMs = 10_000,
  } = options;

  const agent = new Agent({
    // No connection is kept open, so that every request is resolved and checked again.
    pipelining: 0,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxHeaderSize: answerBytesMax,
    connect: {
      timeout: timeoutMs,
      lookup(hostname, { all }, callback) {
        lookup(hostname, (error, addresses) => {
          if (error) return callback(error, []);
          const [first] = addresses;
          if (!first || !addresses.every(({ address }) => isAllowed(address))) {
            return callback(new OutboundRefused('private', `${hostname} is at an address that is not public`), []);
          }
          if (all) callback(null, addresses);
          else callback(null, first.address, first.family);
        });
      },
    },
  });

  function check(text: string): URL {
    let url: URL;
    try {
      url = new URL(text);
    } catch {
      throw new OutboundRefused('not_url', 'this is not a URL');
    }
    if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new OutboundRefused('scheme', 'only http and https are supported');
    if (url.username !== '' || url.password !== '') throw new OutboundRefused('credentials', 'user and password do not belong in the URL');
    if (allowPrivate) return url;
    const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
    if ((port < 1024 && port !== 80 && port !== 443) || servicePorts.has(port))
      throw new OutboundRefused('port', `port ${port} is not a port of web servers`);
    // The URL parser has turned decimal, octal, hexadecimal and shortened IPv4 addresses into four numbers.
    const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.+$/, '');
    if (ipaddr.isValid(host) ? !isAllowed(host) : isLocalName(host))
      throw new OutboundRefused('private', `${host} is not a public address`);
    return url;
  }

  function addressesOf(hostname: string): Promise<Address[] | undefined> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => resolve(undefined), lookUpMs);
      lookup(hostname, (error, addresses) => {
        clearTimeout(timer);
        if (error === null) resolve(addresses);
        else if ((error as NodeJS.ErrnoException).code === 'ENOTFOUND')
          reject(new OutboundRefused('unknown_host', `there is no host with the name ${hostname}`));
        else resolve(undefined);
      });
    });
  }

  return {
    check,
    async verify(text) {
      const { hostname } = check(text);
      const host = hostname.replace(/^\[|\]$/g, '');
      if (allowPrivate || ipaddr.isValid(host)) return;
      const addresses = await addressesOf(host);
      if (addresses && !addresses.every(({ address }) => isAllowed(address)))
        throw new OutboundRefused('private', `${host} is at an address that is not public`);
    },
    async request(text, { method = 'POST', headers = {}, body }) {
      const url = check(text);
      const signal = AbortSignal.timeout(timeoutMs);
      const answer = await agent.request({
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method,
        headers: { 'user-agent': 'Tributary', ...headers },
        body: body ?? null,
        signal,
      });
      return { status: answer.statusCode, headers: answer.headers, text: await readStart(answer.body) };
    },
    close: () => agent.close(),
  };
}

async function readStart(body: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of body) {
    parts.push(part);
    length += part.length;
    // Leaving the loop destroys the connection, so the rest of the answer is never read.
    if (length >= answerBytesMax) break;
  }
  return new TextDecoder().decode(Buffer.concat(parts).subarray(0, answerBytesMax));
}

/**
 * Ports of databases, caches, mail and remote shells, and those that browsers refuse: a URL with such a port tries to speak another
 * protocol.
 */
const servicePorts = new Set([
  1433, 1521, 1719, 1720, 1723, 2049, 2375, 2376, 2379, 2380, 3306, 3389, 3659, 4045, 4190, 5060, 5061, 5432, 5672, 5984, 6000, 6379, 6443,
  6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 9042, 9092, 9200, 9300, 10080, 10250, 11211, 27017,
]);

/**
 * Names inside a network, which are refused without a look-up: without a dot, of this machine, of the network, of a cloud's
 * metadata.
 */
function isLocalName(host: string): boolean {
  return (
    !host.includes('.') ||
    /(^|\.)(localhost|local|internal|intranet|lan|home|corp|localdomain|home\.arpa|metadata\.goog|instance-data)$/.test(host)
  );
}

/**
 * Whether an address belongs to one host of the public internet: the registries list it as unicast, and an IPv6 address is out of the range
 * that they hand out (2000::/3). This also refuses IPv4 addresses that are mapped, compatible or translated into IPv6 (::ffff:0:0/96,
 * ::/96, 64:ff9b::/96, 2002::/16), and 5f00::/16.
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== 'unicast') return false;
  if (parsed instanceof ipaddr.IPv6) return parsed.match(ipaddr.IPv6.parse('2000::'), 3);
  // Azure's metadata service, which other clouds have at 169.254.169.254.
  return parsed.toString() !== '168.63.129.16';
}
