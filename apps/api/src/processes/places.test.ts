import pino from 'pino';
import { describe, expect, it } from 'vitest';
import type { Child, Ending } from './child.ts';
import { createPlaces } from './places.ts';

/** Places whose processes and whose clock the test controls. */
function makePlaces() {
  const launched: ReturnType<typeof makeChild>[] = [];
  const waits: number[] = [];
  let now = 0;
  function makeChild(place: { slot: number; takesOver: boolean }) {
    const ready = Promise.withResolvers<{ processes: number; logLevel: string }>();
    ready.promise.catch(() => {});
    const ended = Promise.withResolvers<Ending>();
    const child: Child = {
      id: launched.length + 1,
      ready: ready.promise,
      ended: ended.promise,
      serves: () => true,
      leave: (reason) => ended.resolve({ reason, code: 0, signal: null, wasReady: true }),
      kill: () => {},
      readValues: async () => {},
    };
    return {
      ...place,
      child,
      start: () => ready.resolve({ processes: 1, logLevel: 'info' }),
      crash() {
        ready.reject(new Error('ended early'));
        ended.resolve({ reason: 'failed', code: 1, signal: null, wasReady: false });
      },
    };
  }
  const launch = (place: { slot: number; takesOver: boolean }) => {
    const one = makeChild(place);
    launched.push(one);
    return one.child;
  };
  const places = createPlaces(launch, {
    provenMs: 60_000,
    waitMaxMs: 10_000,
    nowMs: () => now,
    async wait(ms) {
      waits.push(ms);
    },
  });
  const last = () => launched.at(-1) as ReturnType<typeof makeChild>;
  launch({ slot: 0, takesOver: false });
  last().start();
  return {
    places,
    launched,
    waits,
    last,
    pass: (ms: number) => (now += ms),
    open: (count: number) => places.open(last().child, count, pino({ level: 'silent' })),
  };
}

/** Lets everything happen that waits for nothing but other promises. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('a place of a process', () => {
  it('is filled again at once, and with pauses that double up to ten seconds while the processes crash', async () => {
    const { open, last, waits, launched } = makePlaces();
    open(1);
    for (let n = 0; n < 10; n++) {
      last().crash();
      await settle();
    }
    expect(waits).toEqual([0, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000]);
    expect(launched).toHaveLength(11);
  });

  it('counts a process that becomes ready and crashes soon as a failure, and one that has lived for a minute not', async () => {
    const { open, last, waits, pass } = makePlaces();
    open(1);
    for (const livedMs of [1_000, 1_000, 1_000, 61_000, 1_000]) {
      pass(livedMs);
      last().crash();
      await settle();
      last().start();
      await settle();
    }
    expect(waits).toEqual([0, 200, 400, 0, 200]);
  });

  it('keeps its process when the new one of a reload does not start, and the later places keep theirs', async () => {
    const { open, places, last, launched } = makePlaces();
    open(3);
    await settle();
    for (const { start } of launched) start();
    await settle();
    const reload = places.replaceAll();
    await settle();
    expect(last()).toMatchObject({ slot: 0, takesOver: true });
    last().start();
    await settle();
    expect(last()).toMatchObject({ slot: 1, takesOver: true });
    last().crash();
    expect(await reload).toEqual({ replaced: 1, places: 3 });
    await settle();
    expect(launched).toHaveLength(5);
  });

  it('gets no new process after it is closed, also when a reload or a new start is under way', async () => {
    const { open, places, last, launched } = makePlaces();
    open(2);
    await settle();
    last().start();
    await settle();
    const reload = places.replaceAll();
    await settle();
    places.close();
    for (const { crash } of launched) crash();
    expect((await reload).replaced).toBe(0);
    await settle();
    expect(launched).toHaveLength(3);
  });
});
