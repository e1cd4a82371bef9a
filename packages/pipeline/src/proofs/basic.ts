import { Buffer } from 'node:buffer';
import { safeEqual, safeEqualAny } from '../crypto/constant-time.ts';
import type { Delivery, Signed, Verdict } from '../source.ts';
import { refused } from './verdicts.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** HTTP Basic (RFC 7617): base64 of `user:password` in UTF-8. The first colon ends the user name; a password may contain more colons. */
export function verifyBasic(delivery: Delivery, passwords: readonly string[], username: string): Verdict {
  if (passwords.length === 0) return refused('This connection has no secret to verify with.');
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
  // The user name and the password are both compared before the verdict.
  const knownUser = safeEqual(text.slice(0, colon), username);
  const knownPassword = safeEqualAny(text.slice(colon + 1), passwords);
  return knownUser && knownPassword ? { ok: true } : refused('The user name or password is wrong.');
}

/** Signs as {@link verifyBasic} expects. */
export function signBasic(password: string, username: string): Signed {
  return { headers: { authorization: `Basic ${encode(password, username)}` } };
}

/** The headers that {@link verifyBasic} accepts, with padding and without. */
export function acceptedBasic(password: string, username: string): string[] {
  const encoded = encode(password, username);
  return [`Basic ${encoded}`, `Basic ${encoded.replace(/=+$/, '')}`];
}

function encode(password: string, username: string): string {
  return Buffer.from(`${username}:${password}`, 'utf8').toString('base64');
}
