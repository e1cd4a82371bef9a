import { anySafeEqual } from '../crypto/constant-time.ts';
import { formsOf, renderingsOf } from '../crypto/renderings.ts';
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
  if (given === undefined) return refused(`The ${place} is missing: the sender must add the secret there.`);
  if (more.length > 0) return refused(`The ${place} is given more than once.`);
  if (given === '') return refused(`The ${place} is empty.`);
  // A query may write a blank as "+", and people paste URLs in which "+" stands for itself.
  const texts = scheme.in === 'query' ? [given, given.replaceAll('+', ' ')] : [given];
  const { prefix = '' } = scheme;
  const tokens = texts
    .filter((text) => text.slice(0, prefix.length).toLowerCase() === prefix.toLowerCase())
    .map((text) => text.slice(prefix.length));
  if (tokens.length === 0) return refused(`The ${place} does not begin with "${prefix}": the settings expect that text before the secret.`);
  return checkToken(tokens, secrets, { name: 'secret', place });
}

/**
 * The verdict on a token that was looked for in `place`: text, or bytes with one character each. Several texts are readings of one value.
 * Messages call the token by its `name`.
 */
export function checkToken(
  given: string | readonly string[] | undefined,
  secrets: readonly string[],
  { name, place, error }: { name: string; place: string; error?: RejectClass },
): Verdict {
  if (secrets.length === 0) return refused(`This connection has no ${name}: set it.`, error);
  if (given === undefined) return refused(`The delivery carries no ${name} in the ${place}.`, error);
  let isKnown = false;
  for (const text of typeof given === 'string' ? [given] : given) {
    const trimmed = text.trim();
    const readings = trimmed === text ? [text] : [text, trimmed];
    for (const secret of secrets) if (anySafeEqual(readings, formsOf(secret))) isKnown = true;
  }
  return isKnown
    ? { ok: true }
    : refused(`The ${name} in the ${place} is not the one of this connection: compare the two, or set the new one here.`, error);
}

/** Signs as {@link verifyToken} expects. A secret beyond ASCII is sent in a header as its UTF-8 bytes, as most senders do. */
export function signToken(secret: string, scheme: TokenScheme): Signed {
  const value = `${scheme.prefix ?? ''}${secret}`;
  return scheme.in === 'header'
    ? { headers: { [scheme.name]: renderingsOf(value)[0] ?? value } }
    : { headers: {}, query: { [scheme.name]: value } };
}

/** The values that {@link verifyToken} accepts, as senders write them. */
export function acceptedTokens(secret: string, { prefix = '' }: TokenScheme): string[] {
  const prefixes = [...new Set([prefix, prefix.toLowerCase(), prefix.toUpperCase()])];
  const texts = formsOf(secret);
  return prefixes.flatMap((one) => texts.map((text) => one + text));
}
