/**
 * The bytes, one character each, that senders make of a text: UTF-8, and ISO-8859-1 where it has every character. They differ beyond ASCII only.
 */
export function renderingsOf(text: string): string[] {
  if (/^[\0-\x7f]*$/.test(text)) return [text];
  const utf8 = Buffer.from(text, 'utf8').toString('latin1');
  return utf8 === text || /[^\0-\u00ff]/.test(text) ? [utf8] : [utf8, text];
}
