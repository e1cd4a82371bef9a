import { Refusal } from './refusal.ts';

/** Who waits for a turn: a person, and the org for which the person works. */
export interface Waiter {
  org: string;
  user: string;
}

/** How many pieces of work run at a time, and how many may wait: of all orgs together, of one org, and of one person. */
export interface FairQueueLimits {
  running: Share;
  waiting: Share;
  /** Work that has waited this long is refused. */
  waitMs: number;
}

interface Share {
  all: number;
  org: number;
  user: number;
}

export interface FairQueue {
  /**
   * Runs the work when its turn comes. Throws Refusal `rate_limited` when the person or the org has too much waiting already, `overloaded`
   * when all orgs together have, or when the turn does not come in time.
   */
  run<T>(who: Waiter, work: () => Promise<T>): Promise<T>;
  /** How many pieces of work run, and how many wait. */
  state(): { running: number; waiting: number };
}

interface Waiting extends Waiter {
  start(): void;
}

/**
 * Shares a few places among orgs: the orgs that wait take turns, and within an org its people do. An org never has all the places, so that
 * another org's work starts at once, however much the first org asks for. Nothing waits without a limit in number and in time.
 */
export function createFairQueue(limits: FairQueueLimits): FairQueue {
  const running = createCounts();
  const waiting = createCounts();
  /** The orgs that wait, in the order of their next turns, and in each of them its people, in the same way. */
  const orgs = new Map<string, Map<string, Waiting[]>>();

  function enter(one: Waiting): void {
    const people = orgs.get(one.org) ?? new Map<string, Waiting[]>();
    orgs.set(one.org, people);
    people.set(one.user, [...(people.get(one.user) ?? []), one]);
    waiting.add(one, 1);
  }

  function leave(one: Waiting): void {
    const people = orgs.get(one.org);
    const left = people?.get(one.user)?.filter((other) => other !== one) ?? [];
    if (left.length > 0) people?.set(one.user, left);
    else people?.delete(one.user);
    if (people?.size === 0) orgs.delete(one.org);
    waiting.add(one, -1);
  }

  function next(): Waiting | undefined {
    if (running.all() >= limits.running.all) return undefined;
    for (const [org, people] of orgs) {
      if (running.org(org) >= limits.running.org) continue;
      for (const [user, [first]] of people) {
        if (!first || running.user(user) >= limits.running.user) continue;
        // Whoever gets a place waits behind the others for the next one.
        const rest = people.get(user) ?? [];
        people.delete(user);
        people.set(user, rest);
        orgs.delete(org);
        orgs.set(org, people);
        return first;
      }
    }
    return undefined;
  }

  function startWaiting(): void {
    for (let one = next(); one; one = next()) {
      leave(one);
      running.add(one, 1);
      one.start();
    }
  }

  function refuseWhenFull({ org, user }: Waiter): void {
    const wait = { retryAfterSeconds: 2 };
    if (waiting.user(user) >= limits.waiting.user)
      throw new Refusal('rate_limited', 'too many of your requests are waiting already: wait until some of them are answered', wait);
    if (waiting.org(org) >= limits.waiting.org)
      throw new Refusal('rate_limited', 'too many requests of your org are waiting already: wait until some of them are answered', wait);
    if (waiting.all() >= limits.waiting.all) throw new Refusal('overloaded', 'too many requests are waiting for the database', wait);
  }

  function takeTurn(who: Waiter): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => {
        leave(one);
        reject(new Refusal('overloaded', 'the request waited too long for the database', { retryAfterSeconds: 5 }));
      }, limits.waitMs);
      const one: Waiting = {
        ...who,
        start: () => {
          clearTimeout(late);
          resolve();
        },
      };
      enter(one);
      startWaiting();
    });
  }

  return {
    async run(who, work) {
      refuseWhenFull(who);
      await takeTurn(who);
      try {
        return await work();
      } finally {
        running.add(who, -1);
        startWaiting();
      }
    },
    state: () => ({ running: running.all(), waiting: waiting.all() }),
  };
}

function createCounts() {
  let all = 0;
  const byOrg = new Map<string, number>();
  const byUser = new Map<string, number>();
  const add = (counts: Map<string, number>, key: string, change: number) => {
    const count = (counts.get(key) ?? 0) + change;
    if (count === 0) counts.delete(key);
    else counts.set(key, count);
  };
  return {
    all: () => all,
    org: (org: string) => byOrg.get(org) ?? 0,
    user: (user: string) => byUser.get(user) ?? 0,
    add({ org, user }: Waiter, change: 1 | -1) {
      all += change;
      add(byOrg, org, change);
      add(byUser, user, change);
    },
  };
}
