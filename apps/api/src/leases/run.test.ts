import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { Refusal } from '../platform/refusal.ts';
import { Blocked, type Follower, LeaseLost, type LeaseOptions, runLeases, type StepResult, type Time } from './run.ts';

const log = pino({ level: 'silent' });

/** A clock that moves on only by `sleep` or by the test, so that no test waits in real time. */
function fakeTime(): Time & { nowMs: number; slept: number[] } {
  return {
    nowMs: 0,
    slept: [],
    now() {
      return this.nowMs;
    },
    async sleep(ms) {
      this.slept.push(ms);
      this.nowMs += ms;
    },
  };
}

const leaseMs = 15_000;

interface Row {
  id: string;
  org_id: string;
  stepsLeft: number;
  status: string;
  owner: string | undefined;
  leaseUntil: number;
  /** The owner that took each committed step. */
  steps: string[];
  released: number[];
  error?: string;
}

/** Work in memory that behaves as rows with a lease do. The first letter of an id is its org. `onStep` runs before a step is committed, and may throw or return its result. */
function table(time: Time, ids: readonly string[], stepsEach = 3) {
  const rows = new Map(
    ids.map((id): [string, Row] => [
      id,
      { id, org_id: id.slice(0, 1), stepsLeft: stepsEach, status: 'running', owner: undefined, leaseUntil: 0, steps: [], released: [] },
    ]),
  );
  const row = (id: string): Row => rows.get(id) ?? expect.fail(`no row ${id}`);
  const order: string[] = [];

  function follower(onStep?: (id: string, owner: string) => StepResult | undefined | Promise<StepResult | undefined>): Follower<Row> {
    return {
      async claim(owner, most, holding) {
        const open = [...rows.values()].filter((one) => one.status === 'running' && one.leaseUntil <= time.now());
        const last = (one: Row) => Number(holding.includes(one.org_id));
        const claimed = open.sort((a, b) => last(a) - last(b) || a.leaseUntil - b.leaseUntil).slice(0, most);
        for (const one of claimed) Object.assign(one, { owner, leaseUntil: time.now() + leaseMs });
        return claimed.map((one) => ({ ...one }));
      },
      async step({ id }, owner) {
        const result = await onStep?.(id, owner);
        const stored = row(id);
        if (stored.owner !== owner || stored.status !== 'running') throw new LeaseLost();
        stored.leaseUntil = time.now() + leaseMs;
        stored.steps.push(owner);
        stored.stepsLeft--;
        order.push(id);
        if (stored.stepsLeft > 0) return result ?? 'more';
        stored.status = 'done';
        return 'done';
      },
      async release({ id }, owner, waitMs) {
        const stored = row(id);
        if (stored.owner !== owner) return;
        Object.assign(stored, { owner: undefined, leaseUntil: time.now() + waitMs });
        stored.released.push(waitMs);
      },
    };
  }
  return { row, order, follower };
}

const start = (follower: Follower<Row>, time: Time, more: Partial<LeaseOptions> = {}) =>
  runLeases(follower, { signal: new AbortController().signal, log, time, ...more });

describe('a run', () => {
  test('does all steps of all open work, and and names no time for another run because no work is left', async () => {
    const time = fakeTime();
    const { row, order, follower } = table(time, ['a', 'b']);
    expect(await start(follower(), time)).toBeUndefined();
    expect([row('a').status, row('b').status]).toEqual(['done', 'done']);
    expect(order).toEqual(['a', 'a', 'a', 'b', 'b', 'b']);
    expect(time.slept).toEqual([]);
  });

  test('serves the pieces of work that it holds in turn', async () => {
    const time = fakeTime();
    const { order, follower } = table(time, ['a', 'b', 'c'], 2);
    await start(
      follower(() => 100),
      time,
      { atOnce: 2 },
    );
    expect(order).toEqual(['a', 'b', 'a', 'c', 'b', 'c']);
  });

  test('looks for new work every half second while it holds less than it may', async () => {
    const time = fakeTime();
    const { row, follower } = table(time, ['slow', 'late'], 20);
    Object.assign(row('late'), { leaseUntil: 1_200, stepsLeft: 1 });
    let lateAt = 0;
    await start(
      follower((id) => {
        if (id === 'late') lateAt = time.now();
        return 400;
      }),
      time,
      { atOnce: 5 },
    );
    expect(lateAt).toBeGreaterThanOrEqual(1_200);
    expect(lateAt).toBeLessThanOrEqual(1_900);
  });

  test('keeps the lease through a short wait, and gives work back for the time of a long one', async () => {
    const time = fakeTime();
    const { row, follower } = table(time, ['short', 'long'], 2);
    await start(
      follower((id) => (id === 'short' ? 150 : 15_000)),
      time,
    );
    expect(row('short')).toMatchObject({ status: 'done', released: [] });
    expect(row('long')).toMatchObject({ status: 'running', released: [15_000], owner: undefined });
    expect(row('long').leaseUntil).toBe(time.now() + 15_000);
  });

  test('gives work back at the end of its turn, so that work that waits is served first', async () => {
    const time = fakeTime();
    const { order, follower } = table(time, ['a', 'b'], 3);
    const slow = follower(() => {
      time.nowMs += 2_000;
      return undefined;
    });
    expect(await start(slow, time, { turnMs: 3_000, sliceMs: 20_000 })).toBeUndefined();
    expect(order).toEqual(['a', 'a', 'b', 'b', 'a', 'b']);
  });

  test('ends with its slice of time, gives back the claimed work, and is to be continued at once because work is left', async () => {
    const time = fakeTime();
    const { row, follower } = table(time, ['a', 'b'], 1_000);
    const slow = follower(() => {
      time.nowMs += 100;
      return undefined;
    });
    expect(await start(slow, time, { sliceMs: 1_000, atOnce: 2 })).toBe(0);
    expect(row('a').steps.length + row('b').steps.length).toBe(10);
    for (const id of ['a', 'b']) expect(row(id)).toMatchObject({ owner: undefined, released: [0] });
    expect(await start(follower(), time, { sliceMs: 0 })).toBe(0);
    expect(row('a').released).toHaveLength(1);
  });

  test('that is aborted finishes the current step and gives all work back', async () => {
    const time = fakeTime();
    const { row, follower } = table(time, ['a', 'b', 'c'], 10);
    const stopping = new AbortController();
    const aborting = follower((id) => {
      if (id === 'b') stopping.abort();
      return undefined;
    });
    expect(await start(aborting, time, { signal: stopping.signal, atOnce: 3 })).toBe(0);
    expect(row('b').steps).toHaveLength(1);
    expect(row('c').steps).toHaveLength(0);
    for (const id of ['a', 'b', 'c']) expect(row(id)).toMatchObject({ owner: undefined, released: [0] });
  });

  test('stops waiting when it is aborted', async () => {
    const stopping = new AbortController();
    const real = { now: () => performance.now() };
    const { row, follower } = table({ ...fakeTime(), ...real }, ['a'], 10);
    const running = runLeases(
      follower(() => 4_000),
      { signal: stopping.signal, log },
    );
    const startedAt = performance.now();
    setTimeout(() => stopping.abort(), 20);
    expect(await running).toBeGreaterThan(0);
    // without the abort it would wait for four seconds
    expect(performance.now() - startedAt).toBeLessThan(3_500);
    expect(row('a').released).toEqual([4_000]);
  });
});

describe('orgs', () => {
  const many = Array.from({ length: 30 }, (_, index) => `a${index}`);

  test('share the steps of a run equally, however much work each of them has', async () => {
    const time = fakeTime();
    const { order, follower } = table(time, [...many, 'b1'], 4);
    const slow = follower(() => {
      time.nowMs += 10;
      return undefined;
    });
    await start(slow, time, { atOnce: 31 });
    const turns = order.flatMap((id, index) => (id === 'b1' ? [index] : []));
    expect(turns).toEqual([1, 3, 5, 7]);
  });

  test('wait for one turn when the work of another org holds every place', async () => {
    const time = fakeTime();
    const { row, order, follower } = table(time, [...many, 'b1'], 1_000);
    Object.assign(row('b1'), { leaseUntil: 500, stepsLeft: 1 });
    const slow = follower(() => {
      time.nowMs += 50;
      return undefined;
    });
    await start(slow, time, { atOnce: 20, turnMs: 1_000, sliceMs: 3_000 });
    expect(order.indexOf('b1') * 50).toBeLessThanOrEqual(1_100);
  });

  test('do not wait for work that sleeps: it is given back, and goes on when it is due', async () => {
    const time = fakeTime();
    const { row, order, follower } = table(time, ['a1', 'a2', 'b1'], 4);
    const asleep = follower((id) => (id === 'b1' ? undefined : 1_000));
    expect(await start(asleep, time, { atOnce: 1, sliceMs: 10_000 })).toBeUndefined();
    expect(order.indexOf('b1')).toBeLessThanOrEqual(2);
    for (const id of ['a1', 'a2']) expect(row(id)).toMatchObject({ status: 'done', released: [1_000, 1_000, 1_000] });
    expect(time.now(), 'both slept at the same time').toBeLessThanOrEqual(3_100);
  });

  test('whose work sleeps at the end of a run are served again when it is due, and not only by the next tick of the clock', async () => {
    const time = fakeTime();
    const { follower } = table(time, ['a1'], 100);
    const left = await start(
      follower(() => 1_000),
      time,
      { sliceMs: 2_500 },
    );
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(500);
  });
});

describe('a lost lease', () => {
  test('stops the work in this run without giving it back, and other work continues', async () => {
    const time = fakeTime();
    const { row, follower } = table(time, ['a', 'b'], 4);
    const lost: string[] = [];
    const taken = follower((id) => {
      if (id === 'a' && row('a').steps.length === 2) row('a').owner = 'another process';
      return undefined;
    });
    expect(await start({ ...taken, onLost: async ({ id }) => void lost.push(id) }, time)).toBeUndefined();
    expect(lost).toEqual(['a']);
    expect(row('a')).toMatchObject({ owner: 'another process', released: [], stepsLeft: 2 });
    expect(row('b').status).toBe('done');
  });
});

describe('a failing step', () => {
  test('is passed to onFailure, and other work continues', async () => {
    const time = fakeTime();
    const { row, follower } = table(time, ['a', 'b']);
    const broken = follower((id) => {
      if (id === 'a') throw new Error('broken');
      return undefined;
    });
    const handled: Follower<Row> = {
      ...broken,
      async onFailure({ id }, owner, error) {
        expect(row(id).owner).toBe(owner);
        Object.assign(row(id), { status: 'failed', error: (error as Error).message });
      },
    };
    expect(await start(handled, time)).toBeUndefined();
    expect(row('a')).toMatchObject({ status: 'failed', error: 'broken', released: [] });
    expect(row('b').status).toBe('done');
  });

  test('ends the run when there is no onFailure: its lease runs out, and the other claimed work is given back', async () => {
    const time = fakeTime();
    const { row, follower } = table(time, ['a', 'b']);
    const broken = follower((id) => {
      if (id === 'b') throw new Error('broken');
      return undefined;
    });
    await expect(start(broken, time, { atOnce: 2 })).rejects.toThrow('broken');
    expect(row('a')).toMatchObject({ owner: undefined, released: [0] });
    expect(row('b').owner).toBeDefined();
    expect(await start(follower(), time)).toBeUndefined();
    expect([row('a').status, row('b').status]).toEqual(['done', 'running']);
    // Another process continues when the lease of the failed run has run out.
    time.nowMs += leaseMs;
    await start(follower(), time);
    expect(row('b').status).toBe('done');
  });

  test('is not hidden by work that cannot be given back', async () => {
    const time = fakeTime();
    const { follower } = table(time, ['a', 'b']);
    const broken: Follower<Row> = {
      ...follower((id) => {
        if (id === 'b') throw new Error('the step');
        return undefined;
      }),
      release: () => Promise.reject(new Error('the release')),
    };
    await expect(start(broken, time, { atOnce: 2 })).rejects.toThrow('the step');
  });
});

describe('a legal hold', () => {
  const blocked = (time: Time, error: Error) => {
    const { row, follower } = table(time, ['a', 'b']);
    const held: Follower<Row> = {
      ...follower((id) => {
        if (id === 'a') throw error;
        return undefined;
      }),
      async onBlocked({ id }, owner, reason) {
        expect(row(id).owner).toBe(owner);
        Object.assign(row(id), { status: 'paused', error: reason });
      },
      onFailure: () => expect.fail('a legal hold must not count as a failure'),
    };
    return { row, held };
  };

  test('stops the work with its reason, and other work continues', async () => {
    const time = fakeTime();
    const { row, held } = blocked(time, new Refusal('legal_hold', 'a legal hold is set (Case 1)'));
    expect(await start(held, time)).toBeUndefined();
    expect(row('a')).toMatchObject({ status: 'paused', error: 'a legal hold is set (Case 1)', steps: [] });
    expect(row('b').status).toBe('done');
  });

  test('stops the work in the same way as any other error of the class Blocked', async () => {
    const time = fakeTime();
    const { row, held } = blocked(time, new Blocked('a key does not open'));
    await start(held, time);
    expect(row('a')).toMatchObject({ status: 'paused', error: 'a key does not open' });
  });

  test('is a failure for a follower without onBlocked', async () => {
    const time = fakeTime();
    const { follower } = table(time, ['a']);
    const refused = follower(() => {
      throw new Refusal('legal_hold', 'held');
    });
    await expect(start(refused, time)).rejects.toThrow('held');
  });
});

describe('two workers', () => {
  test('share the open work, and no step is done twice', async () => {
    const time = fakeTime();
    const ids = ['a', 'b', 'c', 'd', 'e'];
    const { row, follower } = table(time, ids, 4);
    const slow = () => follower(() => new Promise((resolve) => setImmediate(() => resolve(undefined))));
    await Promise.all([start(slow(), time), start(slow(), time)]);
    const owners = ids.map((id) => new Set(row(id).steps));
    for (const [index, id] of ids.entries()) {
      expect(row(id)).toMatchObject({ status: 'done', stepsLeft: 0 });
      expect(row(id).steps).toHaveLength(4);
      expect(owners[index]?.size, 'each piece of work stays with one worker').toBe(1);
    }
    expect(new Set(owners.flatMap((set) => [...set])).size).toBe(2);
  });

  test('continue from the checkpoint when one stalls for longer than its lease, and the stalled one writes nothing more', async () => {
    const time = fakeTime();
    const { row, follower } = table(time, ['a'], 5);
    let wake = () => {};
    const frozen = new Promise<undefined>((resolve) => {
      wake = () => resolve(undefined);
    });
    const freezing = follower(() => (row('a').steps.length === 2 ? frozen : undefined));
    const first = start(freezing, time);
    await new Promise((resolve) => setImmediate(resolve));
    expect(row('a').stepsLeft).toBe(3);
    await start(follower(), time);
    expect(row('a').stepsLeft, 'the first lease has not run out').toBe(3);
    time.nowMs += leaseMs;
    await start(follower(), time);
    wake();
    await first;
    expect(row('a')).toMatchObject({ status: 'done', stepsLeft: 0 });
    expect(row('a').steps).toHaveLength(5);
    expect(new Set(row('a').steps).size).toBe(2);
  });
});
