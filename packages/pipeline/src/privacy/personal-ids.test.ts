import { describe, expect, test } from 'vitest';
import { digestPersonalIds } from './personal-ids.ts';

const key = new Uint8Array(32).fill(8);
const source = { personalIds: /wamid\.[A-Za-z0-9+/=_-]+/ };
const wamid = 'wamid.HBgNNTUxMTk4NzY1NDMyMRUCABIYFjNFQjBDNzY4RDY0Q0Y2QUE2OTU5RUEA';

describe('ids that contain a person’s identifier', () => {
  test('every one in a text is replaced by the same short digest, and the rest of the text stays', () => {
    const replaced = digestPersonalIds(`${wamid}:delivered re ${wamid}`, source, key);
    expect(replaced).toMatch(/^(wamid\.[0-9a-f]{32}):delivered re \1$/);
    expect(digestPersonalIds(wamid, source, key)).toBe(replaced.slice(0, 38));
  });
  test('a digest is not digested again, and another org has other digests', () => {
    const once = digestPersonalIds(wamid, source, key);
    expect(digestPersonalIds(`${once}:read`, source, key)).toBe(`${once}:read`);
    expect(digestPersonalIds(wamid, source, new Uint8Array(32).fill(1))).not.toBe(once);
  });
  test('a source without such ids changes nothing', () => {
    expect(digestPersonalIds(wamid, {}, key)).toBe(wamid);
  });
});
