/** The connection whose delivery a body belongs to, and its org. */
export interface BodyOwner {
  id: string;
  orgId: string;
}

/** The bytes of the bodies of all admitted requests, in total and by owner. */
export interface BodyBytes {
  add(owner: BodyOwner | undefined, bytes: number): void;
  /** Gives bytes back that were added for the same owner. */
  remove(owner: BodyOwner | undefined, bytes: number): void;
  /** Which bound is exceeded after an addition: that of the `connection`, that of its `org`, or that of `all` bodies; undefined for none. */
  exceeded(owner: BodyOwner | undefined): 'connection' | 'org' | 'all' | undefined;
}

/**
 * Counts body bytes up to `bytesMax`. An org may hold as many bytes as are free, and a connection half as many: an org alone gets half of the
 * room, two orgs get a third each, and so on. Some room is always free for an owner that holds nothing yet, and none of the room is set aside
 * for owners that send nothing. (This is the rule of the dynamic thresholds by which network switches share their buffer.)
 */
export function createBodyBytes(bytesMax: number): BodyBytes {
  let total = 0;
  const held = new Map<string, number>();

  function change(key: string, bytes: number): void {
    const now = (held.get(key) ?? 0) + bytes;
    if (now > 0) held.set(key, now);
    else held.delete(key);
  }

  function addSigned(owner: BodyOwner | undefined, bytes: number): void {
    total += bytes;
    if (!owner) return;
    change(owner.id, bytes);
    change(owner.orgId, bytes);
  }

  return {
    add: addSigned,
    remove: (owner, bytes) => addSigned(owner, -bytes),
    exceeded(owner) {
      const free = bytesMax - total;
      if (free < 0) return 'all';
      if (!owner) return undefined;
      if ((held.get(owner.id) ?? 0) > free / 2) return 'connection';
      return (held.get(owner.orgId) ?? 0) > free ? 'org' : undefined;
    },
  };
}
