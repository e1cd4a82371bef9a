/** The connection for which something is done, and its org. */
export interface Owner {
  id: string;
  orgId: string;
}

/** Turns at something that only a few can use at the same time. An org has one turn at a time, and its connections take their turns in it. */
export interface Turns {
  /** Waits for a turn of the owner, until `started` resolves; undefined when too many of this owner wait already. */
  take(owner: Owner): { started: Promise<void> } | undefined;
  /** Ends a turn that has started. */
  end(owner: Owner): void;
}

/** Turns of one connection that may wait. */
const waitingMax = 32;

/** Gives `most` turns at a time, to the orgs in rotation and to the connections of an org in rotation. */
export function createTurns(most: number): Turns {
  const running = new Set<string>();
  /**
   * Org → connection → those who wait. Who had a turn goes behind the others, and stays here until the turn has ended, because a new entry at
   * that time would be in front of them.
   */
  const waiting = new Map<string, Map<string, (() => void)[]>>();

  function startNext(): void {
    for (const [orgId, connections] of waiting) {
      if (running.size >= most) return;
      const next = running.has(orgId) ? undefined : connections.entries().next().value;
      if (!next) continue;
      const [, line] = next;
      running.add(orgId);
      line.shift()?.();
    }
  }

  return {
    take({ id, orgId }) {
      const connections = waiting.get(orgId) ?? new Map<string, (() => void)[]>();
      const line = connections.get(id) ?? [];
      if (line.length >= waitingMax) return undefined;
      const { promise: started, resolve } = Promise.withResolvers<void>();
      line.push(resolve);
      connections.set(id, line);
      waiting.set(orgId, connections);
      startNext();
      return { started };
    },
    end({ id, orgId }) {
      running.delete(orgId);
      const connections = waiting.get(orgId);
      if (!connections) return;
      const line = connections.get(id);
      connections.delete(id);
      if (line && line.length > 0) connections.set(id, line);
      waiting.delete(orgId);
      if (connections.size > 0) waiting.set(orgId, connections);
      startNext();
    },
  };
}
