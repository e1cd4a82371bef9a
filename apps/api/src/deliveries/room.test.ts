import { expect, test } from 'vitest';
import { createRoom } from './room.ts';

const limits = { recordsMax: 1_000, bytesMax: 1_000_000, sharePerFree: 4 };
const one = { records: 1, bytes: 100 };
const from = (orgId: string, connectionId = orgId) => ({ orgId, connectionId });

/** Adds deliveries of one record until there is no room, and returns how many there are. */
function fill(room: ReturnType<typeof createRoom>, sender: ReturnType<typeof from>): number {
  let added = 0;
  for (; !room.full(sender, one.bytes); added++) room.add(sender, one);
  return added;
}

test('an org that sends alone fills most of the room, and another org still gets in', () => {
  const room = createRoom(limits);
  let alone = 0;
  for (let n = 0; n < 20; n++) alone += fill(room, from('a', `a${n}`));
  expect(alone).toBeGreaterThan(790);
  expect(alone).toBeLessThanOrEqual(800);
  expect(room.full(from('a', 'another'), 1)).toBe('org_share');
  expect(fill(room, from('b'))).toBeGreaterThan(100);
});

test('shares shrink as more orgs send, and there is room for each that has nothing', () => {
  const room = createRoom(limits);
  for (let n = 0; n < 20; n++) expect(room.full(from(`o${n}`), 100)).toBeUndefined();
  const orgs = Array.from({ length: 20 }, (_, n) => from(`o${n}`));
  for (let round = 0; round < 1_000; round++) for (const org of orgs) if (!room.full(org, one.bytes)) room.add(org, one);
  expect(room.load.records).toBeLessThan(1_000);
  expect(room.full(from('late'), 100)).toBeUndefined();
});

test('one connection leaves room for another connection of its org', () => {
  const room = createRoom(limits);
  const first = fill(room, from('a', 'a1'));
  expect(room.full(from('a', 'a1'), 1)).toBe('connection_share');
  expect(first).toBeGreaterThan(700);
  expect(fill(room, from('a', 'a2'))).toBeGreaterThan(10);
});

test('the shares hold for bytes, too', () => {
  const room = createRoom(limits);
  const large = { records: 1, bytes: 100_000 };
  for (let n = 0; n < 20 && !room.full(from('a'), large.bytes); n++) room.add(from('a'), large);
  expect(room.load.bytes).toBeLessThanOrEqual(900_000);
  expect(room.full(from('b'), 1_000)).toBeUndefined();
});

test('what leaves makes room again, and nothing of it is remembered', () => {
  const room = createRoom(limits);
  const added = fill(room, from('a'));
  for (let n = 0; n < added; n++) room.remove(from('a'), one);
  expect(room.load).toEqual({ records: 0, bytes: 0 });
  expect(fill(room, from('a'))).toBe(added);
});
