import { Buffer } from 'node:buffer';
import { safeEqualAny } from '../crypto/constant-time.ts';
import { renderingsOf } from '../crypto/renderings.ts';
import type { Delivery, Signed, Verdict } from '../source.ts';
import { refused } from './verdicts.ts';

/**
 * HTTP Basic (RFC 7617): base64 of `user:password`. The first colon ends the user name; a password may contain more colons. Senders write
 * characters beyond ASCII in UTF-8 or in ISO-8859-1, because the first versions of the rule named no charset.
 */
export function verifyBasic(delivery: Delivery, passwords: readonly string[], username: string): Verdict {
  if (passwords.length === 0) return refused('This connection has no secret to verify with: set it.');
  const { authorization } = delivery.headers;
  if (authorization === undefined) return refused('The header authorization is missing: the sender must use HTTP Basic.');
  if (authorization === '') return refused('The header authorization is empty.');
  const encoded = /^basic +([A-Za-z0-9+/_-]+={0,2})$/i.exec(authorization.trim())?.[1];
  if (encoded === undefined) return refused('The header authorization is not HTTP Basic.');
  const bytes = Buffer.from(encoded, 'base64').toString('latin1');
  const colon = bytes.indexOf(':');
  if (colon === -1) return refused('The header authorization has no password.');
  // The user name and the password are both compared before the verdict.
  const knownUser = safeEqualAny(bytes.slice(0, colon), renderingsOf(username));
  const knownPassword = safeEqualAny(bytes.slice(colon + 1), passwords.flatMap(renderingsOf));
  return knownUser && knownPassword ? { ok: true } : refused('The user name or password is wrong.');
}

/** Signs as {@link verifyBasic} expects. */
export function signBasic(password: string, username: string): Signed {
  return { headers: { authorization: `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}` } };
}

/** The headers that {@link verifyBasic} accepts, with padding and without. */
export function acceptedBasic(password: string, username: string): string[] {
  return renderingsOf(`${username}:${password}`).flatMap((bytes) => {
    const encoded = Buffer.from(bytes, 'latin1').toString('base64');
    return [`Basic ${encoded}`, `Basic ${encoded.replace(/=+$/, '')}`];
  });
}
