import { expect, test } from 'vitest';
import { deliveryOf } from '../test/delivery.ts';
import type { Queued } from './parts.ts';
import { createQueue } from './queue.ts';

const limits = { batchRecordsMax: 250, batchBytesMax: 2_097_152, batchAgeMs: 0 };
const base = deliveryOf({ id: 'org', projectId: 'project', connectionId: 'connection' }, [{ key: 'k' }]);

function queuedOf(records: number, sealedBytes: number, orgId = 'org'): Queued {
  return {
    item: { ...base, sealed: new Uint8Array(sealedBytes), records: Array.from({ length: records }, () => base.records[0] as never) },
    orgId,
    connectionId: orgId,
    records,
    bytes: 2 * sealedBytes + 600 * records,
    queuedAt: 0,
    since: 0,
    written: 0,
    outcomes: [],
    partMax: limits.batchRecordsMax,
    isSlow: false,
    resolve: () => {},
    reject: () => {},
  };
}

/** Writes the delivery to its end, and returns the number of batches; stops after far more than it may need. */
function batchesOf(queued: Queued): number {
  const queue = createQueue(limits);
  queue.add(queued);
  for (let batches = 1; batches <= 2 * queued.records; batches++) {
    const { parts } = queue.takeBatch();
    const [part] = parts;
    if (!part) return Number.POSITIVE_INFINITY;
    if (part.to === queued.records) return batches;
    queued.written = part.to;
    queue.add(queued);
  }
  return Number.POSITIVE_INFINITY;
}

test('a delivery with a body larger than a batch is written to its end, however its bytes divide by its records', () => {
  for (let records = 2; records <= 10_000; records = Math.ceil(records * 1.31)) {
    for (const sealedBytes of [2_097_000, 2_097_153, 3_777_777, 8_388_611]) {
      expect(batchesOf(queuedOf(records, sealedBytes))).toBeLessThanOrEqual(Math.ceil(records / 250) + 10);
    }
  }
});

test('such a delivery also goes on while small ones of another org are in every batch', () => {
  const queue = createQueue(limits);
  const large = queuedOf(1_000, 4_000_001);
  queue.add(large);
  for (let n = 0; n < 200 && large.written < large.records; n++) {
    queue.add(queuedOf(1, 100, 'other'));
    const part = queue.takeBatch().parts.find(({ queued }) => queued === large);
    if (!part) continue;
    large.written = part.to;
    if (part.to < large.records) queue.add(large);
  }
  expect(large.written).toBe(1_000);
});
