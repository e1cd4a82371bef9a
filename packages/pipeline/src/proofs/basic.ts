import { safeEqual, safeEqualAny } from '../../signatures.ts';
import type { Delivery, Verdict } from '../../source.ts';
import type { Verification } from './config.ts';
import { refused } from './verdicts.ts';

type ApiKey = Extract<Verification, { scheme: 'api-key' }>;
type Basic = Extract<Verification, { scheme: 'basic' }>;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** A secret sent as it is, in a header or once in the query. The prefix is compared without case, as authentication schemes are. */
export function verifyApiKey(delivery: Delivery, secrets: readonly string[], scheme: ApiKey): Verdict {
  const place = scheme.in === 'header' ? `header ${scheme.name}` : `query parameter ${scheme.name}`;
  const given = scheme.in === 'header' ? delivery.headers[scheme.name.toLowerCase()] : soleParameter(delivery.url, scheme.name);
  if (given === undefined || given === '') return refused(`The ${place} is missing or given more than once.`);
  const prefix = scheme.prefix ?? '';
  if (given.slice(0, prefix.length).toLowerCase() !== prefix.toLowerCase()) return refused(`The ${place} does not begin with "${prefix}".`);
  return safeEqualAny(given.slice(prefix.length), secrets) ? { ok: true } : refused(`The secret in the ${place} is not this connection's.`);
}

/** How senders write out what {@link verifyApiKey} accepts. */
export function apiKeyForms(secret: string, { prefix = '' }: ApiKey): string[] {
  return [...new Set([prefix, prefix.toLowerCase(), prefix.toUpperCase()])].map((one) => one + secret);
}

function soleParameter(url: string, name: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const values = new URL(url).searchParams.getAll(name);
  return values.length === 1 ? values[0] : undefined;
}

/** RFC 7617: base64 of `user:password` in UTF-8, parted at the first colon; a password may hold more of them. */
export function verifyBasic(delivery: Delivery, passwords: readonly string[], scheme: Basic): Verdict {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(delivery.headers.authorization ?? '')?.[1];
  if (encoded === undefined) return refused('The header authorization is missing or not HTTP Basic.');
  let text: string;
  try {
    text = utf8.decode(Buffer.from(encoded, 'base64'));
  } catch {
    return refused('The user name and password are not UTF-8.');
  }
  const colon = text.indexOf(':');
  if (colon === -1) return refused('The header authorization has no password.');
  // Both are compared before either decides.
  const knownUser = safeEqual(text.slice(0, colon), scheme.username);
  const knownPassword = safeEqualAny(text.slice(colon + 1), passwords);
  return knownUser && knownPassword ? { ok: true } : refused('The user name or password is wrong.');
}

/** How senders write out what {@link verifyBasic} accepts: with padding and without. */
export function basicForms(password: string, { username }: Basic): string[] {
  const encoded = Buffer.from(`${username}:${password}`).toString('base64');
  return [`Basic ${encoded}`, `Basic ${encoded.replace(/=+$/, '')}`];
}
