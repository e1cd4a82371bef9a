import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createFairQueue, type FairQueueLimits } from './fair-queue.ts';

const limits: FairQueueLimits = {
  running: { all: 4, org: 3, user: 2 },
  waiting: { all: 20, org: 12, user: 10 },
  waitMs: 60_000,
};

/** Work that runs until it is ended, with the names of those that started, in order. */
function createWork() {
  const started: string[] = [];
  const ends: (() => void)[] = [];
  return {
    started,
    work: (name: string) => () =>
      new Promise<void>((resolve) => {
        started.push(name);
        ends.push(resolve);
      }),
    async endOne() {
      ends.shift()?.();
      await sleep(0);
    },
  };
}

describe('a fair queue', () => {
  it('leaves a place for another org, however much one person and one org ask for', async () => {
    const queue = createFairQueue(limits);
    const { work, started } = createWork();
    for (let n = 0; n < 5; n++) void queue.run({ org: 'a', user: 'ana' }, work('ana'));
    for (let n = 0; n < 5; n++) void queue.run({ org: 'a', user: 'bob' }, work('bob'));
    await sleep(0);
    expect(started).toEqual(['ana', 'ana', 'bob']);
    void queue.run({ org: 'b', user: 'eva' }, work('eva'));
    await sleep(0);
    expect(started).toEqual(['ana', 'ana', 'bob', 'eva']);
    expect(queue.state()).toEqual({ running: 4, waiting: 7 });
  });

  it('gives turns by org, and within an org by person', async () => {
    const queue = createFairQueue({ ...limits, running: { all: 1, org: 1, user: 1 } });
    const { work, started, endOne } = createWork();
    for (let n = 0; n < 3; n++) void queue.run({ org: 'a', user: 'ana' }, work('ana'));
    void queue.run({ org: 'a', user: 'bob' }, work('bob'));
    for (let n = 0; n < 2; n++) void queue.run({ org: 'b', user: 'eva' }, work('eva'));
    for (let n = 0; n < 6; n++) await endOne();
    expect(started).toEqual(['ana', 'ana', 'eva', 'bob', 'eva', 'ana']);
  });

  it('refuses work when too much of a person, an org or all orgs waits, and when its turn does not come in time', async () => {
    const queue = createFairQueue({ ...limits, waitMs: 30 });
    const { work } = createWork();
    const ask = (org: string, user: string) => queue.run({ org, user }, work(user)).catch((error: { code: string }) => error.code);
    const all = [
      ...Array.from({ length: 12 }, () => ask('a', 'ana')),
      ask('a', 'ana'),
      ...Array.from({ length: 4 }, () => ask('a', 'bob')),
      ...Array.from({ length: 10 }, (_, n) => ask('b', `eva-${n}`)),
    ];
    const codes = await Promise.all(all.map((one) => Promise.race([one, sleep(100, 'running')])));
    expect(codes[12]).toBe('rate_limited');
    expect(codes[16]).toBe('rate_limited');
    expect(codes.filter((code) => code === 'running')).toHaveLength(4);
    expect(new Set(codes)).toEqual(new Set(['running', 'overloaded', 'rate_limited']));
    expect(queue.state()).toEqual({ running: 4, waiting: 0 });
  });

  it('goes on after work that failed', async () => {
    const queue = createFairQueue({ ...limits, running: { all: 1, org: 1, user: 1 } });
    const who = { org: 'a', user: 'ana' };
    const failing = () => Promise.reject(new Error('no'));
    const results = await Promise.allSettled([queue.run(who, failing), queue.run(who, failing), queue.run(who, async () => 'done')]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
    expect(queue.state()).toEqual({ running: 0, waiting: 0 });
  });
});
