import { createHash } from 'node:crypto';
import { isIdText, text } from '../../reading/fields.ts';
import type { Json } from '../../source.ts';

/** The parts that are present, joined by `:`; their SHA-256 where they are too long for a key or do not have the form of ids. */
export function compositeKey(...parts: readonly (string | undefined)[]): string {
  const key = parts.filter((part) => part !== undefined).join(':');
  return isIdText(key) ? key : sha256(key);
}

/** The digest of a composite that contains a person's identifier, since the key is a readable column. */
export function hashedKey(...parts: readonly (string | undefined)[]): string {
  return sha256(JSON.stringify(parts));
}

/** The type `hotmart.<event>` of an event outside the vocabulary. */
export function unmappedType(event: string): string {
  const name = event.toLowerCase().replace(/[^a-z0-9]+/g, '_');
  return `hotmart.${name.slice(0, 100)}`;
}

/** The panel's test button always sends these, and no sale has them. */
const testTransactions = new Set(['HP16015479281022', 'HP1121336654889']);
const testEmails = new Set(['teste@hotmart.com.br', 'test@hotmart.com']);
const productIdPaths = ['data.product.id', 'data.subscription.product.id', 'prod', 'productId'];

/**
 * Whether the panel's test button sent the event: it has product 0 (also as `"00000"`), its fixed transactions, or Hotmart's test mailbox.
 */
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
