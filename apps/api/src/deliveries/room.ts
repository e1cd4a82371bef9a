/** What deliveries occupy in memory. */
export interface Load {
  records: number;
  bytes: number;
}

/** Whose delivery it is. */
export interface Sender {
  orgId: string;
  connectionId: string;
}

/** The part of a room that is full: the room itself, in records or bytes, or the share of the org or of the connection. */
type Full = 'records' | 'bytes' | 'org_share' | 'connection_share';

/** The bounded memory of the deliveries that are admitted and not answered yet. */
export interface Room {
  load: Readonly<Load>;
  /** Why there is no room for a delivery of this sender with so many bytes; undefined when there is. */
  full(sender: Sender | undefined, bytes: number): Full | undefined;
  add(sender: Sender, load: Load): void;
  remove(sender: Sender, load: Load): void;
}

export interface RoomLimits {
  recordsMax: number;
  bytesMax: number;
  /**
   * What an org may occupy, as a multiple of what is free. With 4, an org that sends alone fills four fifths of the room, two orgs four ninths
   * each: there is always room for an org that has nothing in it yet, and the shares shrink by themselves as more orgs send.
   */
  sharePerFree: number;
  /** Whether an org that occupies less than an equal part of the room is admitted also when the room is full. */
  keepsEqualParts?: boolean;
}

/**
 * A room with a share for each org, and within it for each of its connections by the same rule. The shares are checked before a delivery is
 * added, by what its sender already occupies: a sender with nothing in the room is admitted whatever the size of its delivery, so the room
 * exceeds its bounds by one delivery at most.
 */
export function createRoom(limits: RoomLimits): Room {
  const { sharePerFree, keepsEqualParts = false } = limits;
  const load: Load = { records: 0, bytes: 0 };
  const orgs = new Map<string, Load>();
  const connections = new Map<string, Load>();

  /** Whether the occupant has reached its share of what is free, and how much is left of the share. */
  function share(occupied: Load | undefined, freeRecords: number, freeBytes: number) {
    const records = sharePerFree * freeRecords - (occupied?.records ?? 0);
    const bytes = sharePerFree * freeBytes - (occupied?.bytes ?? 0);
    return { records, bytes, isUsedUp: occupied !== undefined && (records <= 0 || bytes <= 0) };
  }

  return {
    load,
    full(sender, bytes) {
      // The bounds of some rooms move.
      const { recordsMax, bytesMax } = limits;
      if (keepsEqualParts && sender && (orgs.get(sender.orgId)?.records ?? 0) < recordsMax / (orgs.size + 1)) return undefined;
      if (load.records >= recordsMax) return 'records';
      if (load.bytes >= bytesMax || (load.bytes + bytes > bytesMax && load.bytes > 0)) return 'bytes';
      if (!sender) return undefined;
      const ofOrg = share(orgs.get(sender.orgId), recordsMax - load.records, bytesMax - load.bytes);
      if (ofOrg.isUsedUp) return 'org_share';
      return share(connections.get(sender.connectionId), ofOrg.records, ofOrg.bytes).isUsedUp ? 'connection_share' : undefined;
    },
    add({ orgId, connectionId }, added) {
      addTo(orgs, orgId, added);
      addTo(connections, connectionId, added);
      load.records += added.records;
      load.bytes += added.bytes;
    },
    remove({ orgId, connectionId }, removed) {
      removeFrom(orgs, orgId, removed);
      removeFrom(connections, connectionId, removed);
      load.records -= removed.records;
      load.bytes -= removed.bytes;
    },
  };
}

function addTo(loads: Map<string, Load>, id: string, { records, bytes }: Load): void {
  const occupied = loads.get(id);
  if (!occupied) loads.set(id, { records, bytes });
  else {
    occupied.records += records;
    occupied.bytes += bytes;
  }
}

function removeFrom(loads: Map<string, Load>, id: string, { records, bytes }: Load): void {
  const occupied = loads.get(id);
  if (!occupied) return;
  occupied.records -= records;
  occupied.bytes -= bytes;
  if (occupied.records <= 0 && occupied.bytes <= 0) loads.delete(id);
}
