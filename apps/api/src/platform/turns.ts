/** Who waits for a turn: a member of an org, which is a person or a connection. */
interface Waiter {
  org: string;
  member: string;
}

/** How many pieces of work run at a time, and how many may wait: of all orgs together, of one org, and of one member. */
export interface TurnLimits {
  running: Share;
  waiting: Share;
  /** Work that has waited this long is refused. */
  waitMs: number;
}

interface Share {
  all: number;
  org: number;
  member: number;
}

export interface Turns {
  /** Runs the work when its turn comes. Throws what `refuse` makes of the reason for which it does not come. */
  run<T>(who: Waiter, work: () => Promise<T>): Promise<T>;
  /** How many pieces of work run, and how many wait. */
  state(): { running: number; waiting: number };
}

/** Why a turn is refused: too much waits already, of the member, of the org or of all orgs together, or the turn did not come in time. */
export type TurnRefusal = 'member' | 'org' | 'all' | 'late';

interface Waiting extends Waiter {
  start(): void;
}

/**
 * Shares a few places among orgs: the orgs that wait take turns, and within an org its members do. An org never has all the places, so that
 * another org's work starts at once, however much the first org asks for. Nothing waits without a limit in number and in time.
 */
export function createTurns(limits: TurnLimits, refuse: (reason: TurnRefusal) => Error): Turns {
  const running = createCounts();
  const waiting = createCounts();
  /** The orgs that wait, in the order of their next turns, and in each of them its members, in the same way. */
  const orgs = new Map<string, Map<string, Waiting[]>>();

  function enter(one: Waiting): void {
    const members = orgs.get(one.org) ?? new Map<string, Waiting[]>();
    orgs.set(one.org, members);
    members.set(one.member, [...(members.get(one.member) ?? []), one]);
    waiting.add(one, 1);
  }

  function leave(one: Waiting): void {
    const members = orgs.get(one.org);
    const left = members?.get(one.member)?.filter((other) => other !== one) ?? [];
    if (left.length > 0) members?.set(one.member, left);
    else members?.delete(one.member);
    if (members?.size === 0) orgs.delete(one.org);
    waiting.add(one, -1);
  }

  function next(): Waiting | undefined {
    if (running.all() >= limits.running.all) return undefined;
    for (const [org, members] of orgs) {
      if (running.org(org) >= limits.running.org) continue;
      for (const [member, [first]] of members) {
        if (!first || running.member(member) >= limits.running.member) continue;
        // The member that gets a place, and its org, wait behind the others for their next one.
        const rest = members.get(member) ?? [];
        members.delete(member);
        members.set(member, rest);
        orgs.delete(org);
        orgs.set(org, members);
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

  function requireRoom({ org, member }: Waiter): void {
    if (waiting.member(member) >= limits.waiting.member) throw refuse('member');
    if (waiting.org(org) >= limits.waiting.org) throw refuse('org');
    if (waiting.all() >= limits.waiting.all) throw refuse('all');
  }

  function takeTurn(who: Waiter): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => {
        leave(one);
        reject(refuse('late'));
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
      requireRoom(who);
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
  const byMember = new Map<string, number>();
  const add = (counts: Map<string, number>, key: string, change: number) => {
    const count = (counts.get(key) ?? 0) + change;
    if (count === 0) counts.delete(key);
    else counts.set(key, count);
  };
  return {
    all: () => all,
    org: (org: string) => byOrg.get(org) ?? 0,
    member: (member: string) => byMember.get(member) ?? 0,
    add({ org, member }: Waiter, change: 1 | -1) {
      all += change;
      add(byOrg, org, change);
      add(byMember, member, change);
    },
  };
}
