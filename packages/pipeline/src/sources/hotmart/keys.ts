import { createHash } from 'node:crypto';
import { text } from '../../reading/fields.ts';
import type { Json } from '../../source.ts';

/** `event_keys` and `canonical_events` hold keys of at most this many characters. */
const keyCharsMax = 255;

/** Those parts that there are, joined by `:`; longer than a key may be, their SHA-256 stands in. */
export function compositeKey(...parts: readonly (string | undefined)[]): string {
  const key = parts.filter((part) => part !== undefined).join(':');
  return key.length <= keyCharsMax ? key : sha256(key);
}

/** A composite with a person's identifier in it: the key is a readable column, so the digest stands in. */
export function hashedKey(...parts: readonly (string | undefined)[]): string {
  return sha256(JSON.stringify(parts));
}

/** `<source>.<event>` for an event that the vocabulary does not know. */
export function foreignType(event: string): string {
  const name = event.toLowerCase().replace(/[^a-z0-9]+/g, '_');
  return `hotmart.${name.slice(0, 100)}`;
}

/** The panel's test button sends these, always the same; no sale has them. */
const testTransactions = new Set(['HP16015479281022', 'HP1121336654889']);
const testEmails = new Set(['teste@hotmart.com.br', 'test@hotmart.com']);
const productIdPaths = ['data.product.id', 'data.subscription.product.id', 'prod', 'productId'];

/** Whether the panel's test button sent it: product 0 (also as `"00000"`), its fixed transactions, or Hotmart's own test mailbox. */
export function isPanelTest(value: Json, transaction: string | undefined, email: string | undefined): boolean {
  return (
    productIdPaths.some((path) => /^0+$/.test(text(value, path) ?? '')) ||
    (transaction !== undefined && testTransactions.has(transaction)) ||
    (email !== undefined && testEmails.has(email.toLowerCase()))
  );
}

function sha256(key: string): string {
  return createHash('sha256').update(key, 'utf8').digest('hex');
}
