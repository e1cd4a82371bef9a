import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createWork, type Work } from './work.ts';

const from = (orgId: string, connectionId = orgId) => ({ orgId, connectionId });

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

/** Begins work of the sender until it is refused, and returns how much was admitted. */
function fill(work: Work, sender: ReturnType<typeof from>, most = 10_000): number {
  for (let n = 0; n < most; n++) {
    if (work.isFull(sender)) return n;
    work.begin(sender);
  }
  return most;
}

/** Offers more than can be worked off: so many answers a second for so long, after each of which new work is admitted. Returns how much is in work. */
function overload(work: Work, sender: ReturnType<typeof from>, perSecond: number, seconds: number): number {
  let inWork = fill(work, sender);
  for (let ms = 0; ms < seconds * 1_000; ms += 10) {
    vi.advanceTimersByTime(10);
    for (let n = 0; n < perSecond / 100 && inWork > 0; n++, inWork--) work.end(sender);
    inWork += fill(work, sender);
  }
  return inWork;
}

test('under overload as much is in work as is worked off in half a second, so that the waiting stays short on a slow machine, too', () => {
  const make = () => createWork({ min: 100, max: 1_000 });
  const ofOneOrg = 4 / 5;
  expect(overload(make(), from('a'), 1_000, 5)).toBeGreaterThan(ofOneOrg * 400);
  expect(overload(make(), from('a'), 1_000, 5)).toBeLessThan(ofOneOrg * 600);
  expect(overload(make(), from('a'), 10_000, 5)).toBeGreaterThan(ofOneOrg * 900);
  expect(overload(make(), from('a'), 100, 20)).toBeLessThan(ofOneOrg * 110);
});

test('the limit of a slow time is forgotten when less arrives', () => {
  const work = createWork({ min: 100, max: 1_000 });
  let inWork = overload(work, from('a'), 100, 20);
  for (; inWork > 0; inWork--) work.end(from('a'));
  for (let ms = 0; ms < 3_000; ms += 100) {
    vi.advanceTimersByTime(100);
    expect(work.isFull(from('a'))).toBe(false);
  }
  expect(fill(work, from('a'))).toBeGreaterThan(700);
});

test('a crowd of requests that is soon worked off is not refused', () => {
  const work = createWork({ min: 100, max: 1_000 });
  expect(fill(work, from('a'), 700)).toBe(700);
});

test('an org that has little work is admitted while another org floods, also when the limit has become smaller than the work of the flood', () => {
  const work = createWork({ min: 100, max: 1_000 });
  fill(work, from('flood'));
  for (let ms = 0; ms < 3_000; ms += 100) {
    vi.advanceTimersByTime(100);
    work.isFull(from('flood'));
  }
  expect(work.isFull(from('flood'))).toBe(true);
  expect(fill(work, from('other'))).toBeGreaterThan(25);
});

test('the connections of an org share what it may have in work', () => {
  const work = createWork({ min: 100, max: 1_000 });
  const ofOne = fill(work, from('a', 'one'));
  expect(ofOne).toBeLessThan(800);
  expect(fill(work, from('a', 'two'))).toBeGreaterThan(20);
});
