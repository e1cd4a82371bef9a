import { expect, test } from 'vitest';
import { recordFingerprint, sha256 } from './fingerprint.ts';
import { compilePaths } from './paths.ts';

test('the hash of no bytes is the published one', () => {
  expect(sha256('').toString('hex')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
});

test('a repeated delivery has the same fingerprint with any key order and attempt counter, and a delivery with changed content has another fingerprint', () => {
  const omit = compilePaths(['attempt', 'hottok']);
  const first = recordFingerprint({ id: '1', amount: 10, attempt: 1, hottok: 'old' }, omit);
  expect(recordFingerprint({ hottok: 'new', attempt: 2, amount: 10, id: '1' }, omit)).toEqual(first);
  expect(recordFingerprint({ id: '1', amount: 11, attempt: 1 }, omit)).not.toEqual(first);
});

test('one body under two names has two fingerprints, and the name cannot be moved into the body', () => {
  const record = { id: 55, status: 'processing' };
  expect(recordFingerprint(record, undefined, 'order.created')).not.toEqual(recordFingerprint(record, undefined, 'order.updated'));
  expect(recordFingerprint(record, undefined, 'order.created')).not.toEqual(recordFingerprint(record));
});
