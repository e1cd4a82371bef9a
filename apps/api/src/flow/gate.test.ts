import { expect, test, vi } from 'vitest';
import { createMetrics } from '../platform/metrics.ts';
import { Refusal } from '../platform/refusal.ts';
import { createGate } from './gate.ts';

const mebibyte = 1_048_576;
const connection = (id: string, orgId: string) => ({ id, orgId });

function make() {
  const metrics = createMetrics();
  const gate = createGate({ mode: () => 'normal', requestsInFlightMax: 1_000, workMin: 250, metrics });
  /** Holds `mebibytes` for the owner, one by one, until they are refused. Returns how many were admitted. */
  const hold = (owner: { id: string; orgId: string }, mebibytes: number): number => {
    for (let held = 0; held < mebibytes; held++) {
      const entry = gate.enter();
      entry.belongTo(owner);
      try {
        entry.grow(mebibyte);
      } catch (error) {
        expect(error).toBeInstanceOf(Refusal);
        entry.leave();
        return held;
      }
    }
    return mebibytes;
  };
  const shed = async (reason: string) => (await metrics.shed.get()).values.find(({ labels }) => labels.reason === reason)?.value ?? 0;
  return { gate, hold, shed };
}

test('the bodies of one connection leave two thirds of the room to others', async () => {
  const { hold, shed } = make();
  expect(hold(connection('a', 'A'), 64)).toBe(21);
  expect(await shed('body_share')).toBe(1);
  expect(await shed('body_bytes')).toBe(0);
  expect(hold(connection('b', 'B'), 14)).toBe(14);
});

test('the bodies of all connections of one org leave half of the room to other orgs', () => {
  const { hold } = make();
  let held = 0;
  for (let n = 0; n < 20; n++) held += hold(connection(`a${n}`, 'A'), 64);
  expect(held).toBe(32);
  expect(hold(connection('b', 'B'), 10)).toBe(10);
});

test('room is left for a small body of another org while ten orgs send as much as they can', () => {
  const { gate, hold } = make();
  for (let n = 0; n < 10; n++) for (let of = 0; of < 5; of++) hold(connection(`${n}-${of}`, String(n)), 64);
  const entry = gate.enter();
  entry.belongTo(connection('last', 'last'));
  expect(() => entry.grow(65_536)).not.toThrow();
});

test('a connection has its whole share again when its requests have left', () => {
  const { gate, hold } = make();
  const owner = connection('a', 'A');
  const entry = gate.enter();
  entry.belongTo(owner);
  entry.grow(20 * mebibyte);
  expect(hold(owner, 1)).toBe(1);
  expect(hold(owner, 1)).toBe(0);
  entry.leave();
  expect(hold(owner, 64)).toBe(20);
});

test('a connection beyond its share loses its own slow upload and not one of another connection', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  try {
    const { gate } = make();
    const cut: string[] = [];
    for (const id of ['b', 'a']) {
      const slow = gate.enter();
      slow.belongTo(connection(id, id));
      slow.startReading(() => cut.push(id));
    }
    const entry = gate.enter();
    vi.advanceTimersByTime(2_000);
    entry.belongTo(connection('a', 'a'));
    expect(() => entry.grow(22 * mebibyte)).not.toThrow();
    expect(cut).toEqual(['a']);
  } finally {
    vi.useRealTimers();
  }
});

test('the requests of one org, however many connections it has, leave places to other orgs', async () => {
  const { gate, shed } = make();
  let admitted = 0;
  for (let n = 0; n < 1_200; n++) {
    let entry: ReturnType<typeof gate.enter> | undefined;
    try {
      entry = gate.enter();
      entry.belongTo(connection(`a${n % 50}`, 'A'));
      admitted++;
    } catch {
      entry?.leave();
    }
  }
  expect(admitted).toBe(800);
  expect(await shed('request_share')).toBe(400);
  for (let n = 0; n < 100; n++) gate.enter().belongTo(connection('b', 'B'));
  expect(gate.inFlight()).toBe(900);
});
