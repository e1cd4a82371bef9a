import { expect, test } from 'vitest';
import { recordFingerprint, sha256 } from './fingerprint.ts';
import { compilePaths, step } from './paths.ts';

test('the hash of no bytes is the published one', () => {
  expect(sha256('').toString('hex')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
});

test('a repeated delivery has the same fingerprint whatever its key order and attempt counter, a changed one has another', () => {
  const omit = compilePaths(['attempt', 'hottok']);
  const first = recordFingerprint({ id: '1', amount: 10, attempt: 1, hottok: 'old' }, omit);
  expect(recordFingerprint({ hottok: 'new', attempt: 2, amount: 10, id: '1' }, omit)).toEqual(first);
  expect(recordFingerprint({ id: '1', amount: 11, attempt: 1 }, omit)).not.toEqual(first);
});

test('a star in a path stands for any key or index, beside named ones', () => {
  const root = compilePaths(['a.*.c', 'a.b.d', 'x']);
  const walk = (path: string) => path.split('.').reduce((state, key) => (state?.end ? state : step(state, key)), root)?.end ?? false;
  expect(['a.b.c', 'a.b.d', 'a.0.c', 'x', 'x.y'].map(walk)).toEqual([true, true, true, true, true]);
  expect(['a', 'a.b', 'a.z.d', 'b'].map(walk)).toEqual([false, false, false, false]);
  expect(compilePaths([])).toBeUndefined();
});
