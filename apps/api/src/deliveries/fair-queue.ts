import type { Sender } from './room.ts';

/**
 * What was done with an item that was offered: what it cost, and whether a part of the item is left that may be offered again in this call.
 * Undefined when the item does not fit any more.
 */
type Taken = { cost: number; isPart: boolean; isFilled: boolean } | undefined;
/** Takes the item, or a part of it that costs about `allowance`. */
type Offer<Item> = (item: Item, allowance: number) => Taken;

export interface FairQueue<Item> {
  add(sender: Sender, item: Item): void;
  /**
   * Offers items, turn by turn, until `isFilled`, or until the next item of no org fits. Items that were taken leave the queue.
   */
  take(offer: Offer<Item>): void;
  isEmpty(): boolean;
  /** The items of each connection, the next to be served first. */
  lanes(): Iterable<readonly Item[]>;
}

interface Lane<Item> {
  id: string;
  items: Item[];
}

interface Org<Item> {
  /** The connections that have items, the next to be served first. */
  lanes: Lane<Item>[];
  /** The cost that the org may still use in its turn. Below zero, it waits for further turns: it took an item that cost more. */
  credit: number;
}

/**
 * Deficit round robin: orgs take turns, each turn adds a credit of `quantum`, and an org takes items while its credit is above zero. Within an
 * org its connections take turns item by item. So the orgs get equal shares of what is taken, by cost and not by number, and an org that is
 * alone gets everything.
 *
 * What is left of an item that was taken in part leaves the queue too, and is added again when its part is done; a queue that `keepsDivided` items offers the
 * rest at the next turn of its connection instead.
 */
export function createFairQueue<Item>(quantum: number, { keepsDivided = false } = {}): FairQueue<Item> {
  // The next to be served first.
  const ring: Org<Item>[] = [];
  // Also the orgs without items that have used more than their credit, as long as others wait. It is replaced rather than emptied: see queue.ts.
  let byId = new Map<string, Org<Item>>();

  /** Offers the first item of the connection whose turn it is. Undefined when the item does not fit. */
  function offerNext(org: Org<Item>, offer: Offer<Item>, divided: Set<Item>): { isFilled: boolean } | undefined {
    const [lane] = org.lanes;
    const item = lane?.items[0];
    if (!lane || item === undefined) return undefined;
    const taken = offer(item, org.credit);
    if (!taken) return undefined;
    org.credit -= taken.cost;
    if (taken.isPart) divided.add(item);
    else {
      divided.delete(item);
      lane.items.shift();
    }
    org.lanes.shift();
    if (lane.items.length > 0) org.lanes.push(lane);
    return taken;
  }

  /** Removes the items of which only a part was taken. */
  function removeDivided(divided: ReadonlySet<Item>): void {
    if (divided.size === 0) return;
    for (const org of ring) {
      for (const lane of org.lanes) lane.items = lane.items.filter((item) => !divided.has(item));
      org.lanes = org.lanes.filter((lane) => lane.items.length > 0);
    }
    const left = ring.filter((org) => org.lanes.length > 0);
    ring.splice(0, ring.length, ...left);
  }

  return {
    isEmpty: () => ring.length === 0,

    *lanes() {
      for (const { lanes } of ring) for (const { items } of lanes) yield items;
    },

    add({ orgId, connectionId }, item) {
      let org = byId.get(orgId);
      if (!org) {
        org = { lanes: [], credit: 0 };
        byId.set(orgId, org);
      }
      if (org.lanes.length === 0) ring.push(org);
      const lane = org.lanes.find((one) => one.id === connectionId);
      if (lane) lane.items.push(item);
      else org.lanes.push({ id: connectionId, items: [item] });
    },

    take(offer) {
      // Orgs whose next item does not fit any more. They keep their place and their credit for the next call.
      const stuck: Org<Item>[] = [];
      const divided = new Set<Item>();
      let isFilled = false;
      while (!isFilled && ring.length > 0) {
        const org = ring.shift() as Org<Item>;
        if (org.credit <= 0) org.credit += quantum;
        let fits = true;
        while (org.credit > 0 && org.lanes.length > 0 && fits && !isFilled) {
          const taken = offerNext(org, offer, divided);
          if (taken) isFilled = taken.isFilled;
          else fits = false;
        }
        if (org.lanes.length === 0) continue;
        if (!fits) stuck.push(org);
        else if (org.credit > 0) ring.unshift(org);
        else ring.push(org);
      }
      ring.unshift(...stuck);
      if (!keepsDivided) removeDivided(divided);
      // Nobody waits, so nobody needs to be compensated.
      if (ring.length === 0) byId = new Map();
    },
  };
}
