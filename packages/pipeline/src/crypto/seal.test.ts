import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseMasterKeys, rewrap, unwrapKey, wrapKey } from './master-keys.ts';
import { journalAad, keyAad, open, SealError, seal, secretAad } from './seal.ts';

const key = randomBytes(32);
const aad = journalAad('org', 'journal');

describe('seal', () => {
  test('sealed bytes open to the same bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (plain) => {
        expect(Uint8Array.from(open(key, seal(key, plain, aad), aad))).toEqual(plain);
      }),
    );
  });
  test('the layout is version, nonce, ciphertext and tag, and no two seals are equal', () => {
    const [first, second] = [seal(key, 'same', aad), seal(key, 'same', aad)];
    expect(first).toHaveLength(1 + 12 + 4 + 16);
    expect(first[0]).toBe(1);
    expect(first).not.toEqual(second);
  });
  test('sealed bytes with one flipped bit are refused', () => {
    const sealed = seal(key, 'a body', aad);
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const damaged = Uint8Array.from(sealed);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => open(key, damaged, aad)).toThrow(SealError);
    }
    expect(() => open(key, sealed.subarray(0, 20), aad)).toThrow('too short');
  });
  test('sealed bytes cannot be opened for another place or with another key', () => {
    const sealed = seal(key, 'a body', aad);
    expect(() => open(key, sealed, journalAad('org', 'other'))).toThrow(SealError);
    expect(() => open(key, sealed, journalAad('other', 'journal'))).toThrow(SealError);
    expect(() => open(randomBytes(32), sealed, aad)).toThrow(SealError);
  });
  test('a key of another length is refused, and the error does not repeat the key', () => {
    expect(() => seal(new Uint8Array(16).fill(0x61), 'x', aad)).toThrow('A key has 16 bytes instead of 32.');
  });
  test('associated data names the kind, the org and the row', () => {
    expect(journalAad('o', 'j')).toBe('tributary/journal|o|j');
    expect(secretAad('o', 'c', 'hottok')).toBe('tributary/secret|o|c|hottok');
    expect(keyAad('o', 'data', 3)).toBe('tributary/key|o|data|3');
  });
});

describe('master keys', () => {
  const one = randomBytes(32).toString('base64');
  const two = randomBytes(32).toString('base64');
  const orgKey = Uint8Array.from(randomBytes(32));

  test('a bare value is version 1', () => {
    expect(parseMasterKeys(one)).toMatchObject({ current: 1 });
  });
  test('after a rotation the first key wraps and the older one still opens', () => {
    const before = wrapKey(parseMasterKeys(one), orgKey, keyAad('o', 'data', 1));
    const after = parseMasterKeys(`v2:${two}, v1:${one}`);
    expect(Uint8Array.from(unwrapKey(after, before.version, before.wrapped, keyAad('o', 'data', 1)))).toEqual(orgKey);
    const rewrapped = rewrap(after, before.version, before.wrapped, keyAad('o', 'data', 1));
    expect(rewrapped.version).toBe(2);
    expect(Uint8Array.from(unwrapKey(parseMasterKeys(`v2:${two}`), 2, rewrapped.wrapped, keyAad('o', 'data', 1)))).toEqual(orgKey);
    expect(() => unwrapKey(parseMasterKeys(`v2:${two}`), 1, before.wrapped, keyAad('o', 'data', 1))).toThrow(
      'MASTER_KEY does not hold version 1.',
    );
  });
  test.each([
    ['', 'Entry 1 of MASTER_KEY is not of the form'],
    ['c2hvcnQ=', 'Entry 1 of MASTER_KEY is not the base64 of 32 bytes.'],
    [`v2:${two},v2:${one}`, 'MASTER_KEY holds version 2 twice.'],
    [`v2:${two},x1:${one}`, 'Entry 2 of MASTER_KEY is not of the form v<number>:<base64>.'],
    [`v0:${two}`, 'Entry 1 of MASTER_KEY is not of the form'],
  ])('the error names the position of the wrong entry and never repeats its value (%#)', (text, message) => {
    expect(() => parseMasterKeys(text)).toThrow(message);
    try {
      parseMasterKeys(text);
    } catch (error) {
      expect(error).toBeInstanceOf(SealError);
      if (text !== '') expect((error as Error).message).not.toContain(text.slice(3, 20));
    }
  });
});
