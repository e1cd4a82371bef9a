import { orgDigest } from '../crypto/org-digest.ts';
import type { Source } from '../source.ts';

const digestChars = 32;

/**
 * The text with every id of the platform that contains a person's identifier (`source.personalIds`) replaced by a digest under the org's digest
 * key: `wamid.HBgN…` becomes `wamid.` and 32 hexadecimal digits. The digest depends on nothing but the org and the id, so that a status still
 * names its message, also across connections. An id that is a digest already is not changed.
 */
export function digestPersonalIds(text: string, source: Pick<Source, 'personalIds'>, digestKey: Uint8Array): string {
  const { personalIds } = source;
  if (personalIds === undefined) return text;
  return text.replace(everyMatchOf(personalIds), (id) => {
    const prefix = /^[a-z]{1,20}[._:-]/i.exec(id)?.[0] ?? '';
    return isDigest.test(id.slice(prefix.length)) ? id : prefix + idDigest(digestKey, id);
  });
}

/** What stands for an id: 32 hexadecimal digits, fewer than those of a digest that a platform sends, so that a key with it is not digested again. */
export function idDigest(digestKey: Uint8Array, id: string): string {
  return orgDigest(digestKey, 'id', id).slice(0, digestChars);
}

const isDigest = new RegExp(`^[0-9a-f]{${digestChars}}$`);

const global = new WeakMap<RegExp, RegExp>();

/** The pattern with the flag `g`: a source may declare it without the flag. */
function everyMatchOf(pattern: RegExp): RegExp {
  let every = global.get(pattern);
  if (every === undefined) {
    every = pattern.global ? pattern : new RegExp(pattern.source, `${pattern.flags}g`);
    global.set(pattern, every);
  }
  return every;
}
