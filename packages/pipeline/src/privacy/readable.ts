/** Readable characters in a row that random bytes rarely have, and that every identifier has. */
const readableMin = 6;

const base64Values = new Uint8Array(128).fill(255);
for (const [value, character] of [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].entries())
  base64Values[character.charCodeAt(0)] = value;
base64Values[0x2d] = 62;
base64Values[0x5f] = 63;

const isReadable = new Uint8Array(256);
for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 @.+-_()/:,&=%\'"\n')
  isReadable[character.charCodeAt(0)] = 1;
// Letters beyond ASCII in UTF-8.
for (let byte = 0x80; byte < 0xf0; byte++) isReadable[byte] = byte < 0xc0 || byte >= 0xc3 ? 1 : 0;

/**
 * Whether base64 in the text decodes to readable characters, from any of the four places at which a group of its characters may begin. A quick
 * test before the text is decoded: nearly all ids fail it.
 */
export function hasReadableBase64(text: string, from: number, to: number): boolean {
  for (let start = from; start < from + 4; start++) {
    let readable = 0;
    let bits = 0;
    let count = 0;
    for (let at = start; at < to; at++) {
      bits = ((bits << 6) | (base64Values[text.charCodeAt(at)] ?? 0)) & 0xffff;
      count += 6;
      if (count < 8) continue;
      count -= 8;
      readable = isReadable[(bits >> count) & 0xff] === 1 ? readable + 1 : 0;
      if (readable >= readableMin) return true;
    }
  }
  return false;
}

/** Whether hexadecimal digits in the text decode to readable characters. */
export function hasReadableHex(text: string, from: number, to: number): boolean {
  for (let start = from; start < from + 2; start++) {
    let readable = 0;
    for (let at = start; at + 1 < to; at += 2) {
      const byte = hexValue(text.charCodeAt(at)) * 16 + hexValue(text.charCodeAt(at + 1));
      readable = isReadable[byte] === 1 ? readable + 1 : 0;
      if (readable >= readableMin) return true;
    }
  }
  return false;
}

/** NaN for a character that is no hexadecimal digit. */
function hexValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : Number.NaN;
}
