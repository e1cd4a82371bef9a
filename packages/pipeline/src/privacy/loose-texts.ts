import { decodeText, stringEnd } from '../reading/json.ts';

/** A longer quoted text is not decoded: it is searched as its words. */
const quotedCharsMax = 2_000;

/**
 * The texts of a body that is not parsed, one at a time: its words, and what stands in quotes with its escapes decoded. The walk takes time in
 * proportion to the body and no memory, so that anybody may have written the body.
 */
export function* looseTexts(raw: Uint8Array): Generator<string, void, void> {
  const text = textOf(raw);
  for (const [word] of text.matchAll(/[^"'<>&=;,\s]+/g)) yield word;
  let open = text.indexOf('"');
  while (open !== -1) {
    const close = stringEnd(text, open);
    if (close - open <= quotedCharsMax) yield unquoted(text.slice(open, close + 1));
    open = text.indexOf('"', close + 1);
  }
}

function textOf(raw: Uint8Array): string {
  try {
    return decodeText(raw);
  } catch {
    return new TextDecoder('latin1').decode(raw);
  }
}

function unquoted(literal: string): string {
  try {
    const value: unknown = JSON.parse(literal);
    return typeof value === 'string' ? value : '';
  } catch {
    return literal.slice(1, -1);
  }
}
