/**
 * The bytes, one character each, that senders make of a text: UTF-8, and ISO-8859-1 where it has every character. They differ beyond ASCII only.
 */
export function renderingsOf(text: string): string[] {
  if (isAscii(text)) return [text];
  const utf8 = Buffer.from(text, 'utf8').toString('latin1');
  return utf8 === text || /[^\0-\u00ff]/.test(text) ? [utf8] : [utf8, text];
}

/** The text as it was typed, and the bytes that senders make of it. Most secrets are in ASCII, and have one form. */
export function formsOf(text: string): string[] {
  return isAscii(text) ? [text] : [...new Set([text, ...renderingsOf(text)])];
}

const isAscii = (text: string): boolean => /^[\0-\x7f]*$/.test(text);
