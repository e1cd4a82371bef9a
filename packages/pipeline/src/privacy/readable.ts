/** Readable characters in a row that random bytes rarely have, and that every identifier has. */
const readableMin = 6;

const base64Values = new Uint8Array(128).fill(255);
for (const [value, character] of [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].entries())
  base64Values[character.charCodeAt(0)] = value;
base64Values[0x2d] = 62;
base64Values[0x5f] = 63;

/**
 * How many bytes a byte says that its character has in UTF-8; 0 for a byte that no readable character begins with. Half of all bytes are beyond
 * ASCII, and random ones are seldom whole characters: with each of them counted as readable, nearly every id of a platform seemed to be encoded.
 */
const lengths = new Uint8Array(256);
for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 @.+-_()/:,&=%\'"\n')
  lengths[character.charCodeAt(0)] = 1;
lengths.fill(2, 0xc2, 0xe0).fill(3, 0xe0, 0xf0).fill(4, 0xf0, 0xf5);

/**
 * What is known after a byte: how many bytes of readable characters stand in a row before it, and in the low bits how many bytes of its character
 * are still to come. A number, so that a byte costs no object.
 */
function afterByte(state: number, byte: number): number {
  const missing = state & 3;
  if (missing > 0 && (byte & 0xc0) === 0x80) return state + 3;
  const length = lengths[byte] as number;
  if (length === 0) return 0;
  return (missing > 0 ? 4 : (state & ~3) + 4) + length - 1;
}

const isReadable = (state: number): boolean => (state & 3) === 0 && state >= readableMin << 2;

/**
 * Whether base64 in the text decodes to readable characters, from any of the four places at which a group of its characters may begin. A quick
 * test before the text is decoded: nearly all ids fail it.
 */
export function hasReadableBase64(text: string, from: number, to: number): boolean {
  for (let start = from; start < from + 4; start++) {
    let state = 0;
    let bits = 0;
    let count = 0;
    for (let at = start; at < to; at++) {
      bits = ((bits << 6) | (base64Values[text.charCodeAt(at)] ?? 0)) & 0xffff;
      count += 6;
      if (count < 8) continue;
      count -= 8;
      state = afterByte(state, (bits >> count) & 0xff);
      if (isReadable(state)) return true;
    }
  }
  return false;
}

/** Whether hexadecimal digits in the text decode to readable characters. */
export function hasReadableHex(text: string, from: number, to: number): boolean {
  for (let start = from; start < from + 2; start++) {
    let state = 0;
    for (let at = start; at + 1 < to; at += 2) {
      const byte = hexValue(text.charCodeAt(at)) * 16 + hexValue(text.charCodeAt(at + 1));
      state = Number.isNaN(byte) ? 0 : afterByte(state, byte);
      if (isReadable(state)) return true;
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
