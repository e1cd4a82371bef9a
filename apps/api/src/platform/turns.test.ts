import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createTurns, type TurnLimits } from './turns.ts';

const limits: TurnLimits = {
  running: { all: 4, org: 3, member: 2 },
  waiting: { all: 20, org: 12, member: 10 },
  waitMs: 60_000,
};

const make = (given: TurnLimits) => createTurns(given, (reason) => new Error(reason));

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

describe('turns', () => {
  it('leave a place for another org, however much one member and one org ask for', async () => {
    const turns = make(limits);
    const { work, started } = createWork();
    for (let n = 0; n < 5; n++) void turns.run({ org: 'a', member: 'ana' }, work('ana'));
    for (let n = 0; n < 5; n++) void turns.run({ org: 'a', member: 'bob' }, work('bob'));
    await sleep(0);
    expect(started).toEqual(['ana', 'ana', 'bob']);
    void turns.run({ org: 'b', member: 'eva' }, work('eva'));
    await sleep(0);
    expect(started).toEqual(['ana', 'ana', 'bob', 'eva']);
    expect(turns.state()).toEqual({ running: 4, waiting: 7 });
  });

  it('are taken by org, and within an org by member', async () => {
    const turns = make({ ...limits, running: { all: 1, org: 1, member: 1 } });
    const { work, started, endOne } = createWork();
    for (let n = 0; n < 3; n++) void turns.run({ org: 'a', member: 'ana' }, work('ana'));
    void turns.run({ org: 'a', member: 'bob' }, work('bob'));
    for (let n = 0; n < 2; n++) void turns.run({ org: 'b', member: 'eva' }, work('eva'));
    for (let n = 0; n < 6; n++) await endOne();
    expect(started).toEqual(['ana', 'ana', 'eva', 'bob', 'eva', 'ana']);
  });

  it('are refused when too many of a member, an org or all orgs wait, and when they do not come in time', async () => {
    const turns = make({ ...limits, waitMs: 30 });
    const { work } = createWork();
    const ask = (org: string, member: string) => turns.run({ org, member }, work(member)).catch((error: Error) => error.message);
    const all = [
      ...Array.from({ length: 12 }, () => ask('a', 'ana')),
      ask('a', 'ana'),
      ...Array.from({ length: 4 }, () => ask('a', 'bob')),
      ...Array.from({ length: 10 }, (_, n) => ask('b', `eva-${n}`)),
    ];
    const codes = await Promise.all(all.map((one) => Promise.race([one, sleep(100, 'running')])));
    expect(codes[12]).toBe('member');
    expect(codes[16]).toBe('org');
    expect(codes.filter((code) => code === 'running')).toHaveLength(4);
    expect(new Set(codes)).toEqual(new Set(['running', 'member', 'org', 'all', 'late']));
    expect(turns.state()).toEqual({ running: 4, waiting: 0 });
  });

  it('come also after work that failed', async () => {
    const turns = make({ ...limits, running: { all: 1, org: 1, member: 1 } });
    const who = { org: 'a', member: 'ana' };
    const failing = () => Promise.reject(new Error('no'));
    const results = await Promise.allSettled([turns.run(who, failing), turns.run(who, failing), turns.run(who, async () => 'done')]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
    expect(turns.state()).toEqual({ running: 0, waiting: 0 });
  });
});
