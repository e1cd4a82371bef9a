import { safeEqualAny } from '../crypto/constant-time.ts';
import type { Delivery, RejectClass, Signed, Verdict } from '../source.ts';
import { type Placed, placeName, valuesAt } from './places.ts';
import { refused } from './verdicts.ts';

/** A secret that the platform sends unchanged. The secret proves who sent the delivery, but not that the body is unchanged. */
export interface TokenScheme extends Placed {
  /** Text before the secret, for example `Bearer `. The comparison ignores case, because authentication schemes have no case. */
  prefix?: string | undefined;
}

/** Verifies a token in a header, or once in the query. */
export function verifyToken(delivery: Delivery, secrets: readonly string[], scheme: TokenScheme): Verdict {
  const place = placeName(scheme);
  const [given, ...more] = valuesAt(delivery, scheme);
  if (given === undefined || given === '' || more.length > 0) return refused(`The ${place} is missing or given more than once.`);
  const { prefix = '' } = scheme;
  if (given.slice(0, prefix.length).toLowerCase() !== prefix.toLowerCase()) return refused(`The ${place} does not begin with "${prefix}".`);
  return checkToken(given.slice(prefix.length), secrets, { name: 'secret', place });
}

/** The verdict on a token that was looked for in `place`. Messages call the token by its `name`. */
export function checkToken(
  given: string | undefined,
  secrets: readonly string[],
  { name, place, error }: { name: string; place: string; error?: RejectClass },
): Verdict {
  if (secrets.length === 0) return refused(`This connection has no ${name}.`, error);
  if (given === undefined) return refused(`The delivery carries no ${name} in the ${place}.`, error);
  return safeEqualAny(given, secrets) ? { ok: true } : refused(`The ${name} in the ${place} is not the one of this connection.`, error);
}

/** Signs as {@link verifyToken} expects. */
export function signToken(secret: string, scheme: TokenScheme): Signed {
  const value = `${scheme.prefix ?? ''}${secret}`;
  return scheme.in === 'header' ? { headers: { [scheme.name]: value } } : { headers: {}, query: { [scheme.name]: value } };
}

/** The values that {@link verifyToken} accepts, as senders write them. */
export function acceptedTokens(secret: string, { prefix = '' }: TokenScheme): string[] {
  return [...new Set([prefix, prefix.toLowerCase(), prefix.toUpperCase()])].map((one) => one + secret);
}
