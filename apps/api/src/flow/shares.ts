/**
 * This instance's part of each limit that people set, which all instances share. A sender that keeps its connection open always reaches the same
 * instance, so the parts follow what each instance is asked for. They add up to the limit; for the second until an instance has heard of the demands
 * on the others, it assumes that all instances have equal parts.
 */
export interface Shares {
  /** The part, from 0 to 1, of the limit of this connection or org. */
  partOf(key: string, instances: number): number;
  /** Counts a delivery that was asked for, before it is known how many records it has. */
  ask(key: string, isAdmitted: boolean): void;
  /** Counts records of a delivery that was admitted; a negative number takes them back. */
  count(key: string, records: number, deliveries?: number): void;
  /** Whether the part is only assumed. */
  isAssumed(key: string): boolean;
  /** What the senders of this instance have lately asked for, for the heartbeat. */
  demands(nowMs: number): Record<string, number>;
  /** What all instances together were asked for, which answers the last `demands`. */
  learn(ofAll: Readonly<Record<string, number>> | undefined): void;
}

interface Asked {
  records: number;
  admitted: number;
  refused: number;
}

/** What was asked for in the last one to two windows counts. */
const windowMs = 2_000;
/** The heartbeat carries the largest demands; for further ones the parts are equal. */
const reportedMax = 300;
const keysMax = 20_000;
/**
 * Deliveries that were refused count like the admitted ones, up to this multiple of those: strangers who know the URL, whose deliveries are refused
 * before they are verified, must not draw the limit to the instance that they send to.
 */
const refusedMax = 3;

export function createShares(): Shares {
  let current = new Map<string, Asked>();
  let previous = new Map<string, Asked>();
  let beganAtMs = Number.NEGATIVE_INFINITY;
  let reported: Record<string, number> = {};
  let parts = new Map<string, number>();

  function askedOf(key: string): Asked {
    let asked = current.get(key);
    if (!asked) {
      asked = { records: 0, admitted: 0, refused: 0 };
      if (current.size < keysMax) current.set(key, asked);
    }
    return asked;
  }

  return {
    partOf: (key, instances) => (instances <= 1 ? 1 : (parts.get(key) ?? 1 / instances)),
    ask(key, isAdmitted) {
      const asked = askedOf(key);
      if (!isAdmitted) asked.refused++;
      else {
        asked.admitted++;
        asked.records++;
      }
    },
    count(key, records, deliveries = 0) {
      const asked = askedOf(key);
      asked.records += records;
      asked.admitted += deliveries;
    },
    isAssumed: (key) => !parts.has(key),
    demands(nowMs) {
      const demands: [string, number][] = [];
      for (const key of new Set([...previous.keys(), ...current.keys()])) {
        const demand = demandOf(previous.get(key), current.get(key));
        if (demand > 0) demands.push([key, Math.round(demand * 10) / 10]);
      }
      if (nowMs - beganAtMs >= windowMs) {
        previous = current;
        current = new Map();
        beganAtMs = nowMs;
      }
      reported = Object.fromEntries(demands.sort(([, a], [, b]) => b - a).slice(0, reportedMax));
      return reported;
    },
    learn(ofAll) {
      parts = new Map(
        Object.entries(reported).flatMap(([key, own]) => {
          const all = ofAll?.[key];
          return all === undefined ? [] : [[key, Math.min(1, own / all)] as const];
        }),
      );
    },
  };
}

/** The records that the admitted deliveries had, and that those which were refused would have had. */
function demandOf(one: Asked | undefined, other: Asked | undefined): number {
  const records = (one?.records ?? 0) + (other?.records ?? 0);
  const admitted = (one?.admitted ?? 0) + (other?.admitted ?? 0);
  const refused = (one?.refused ?? 0) + (other?.refused ?? 0);
  if (admitted <= 0) return 0;
  return Math.max(0, records) * (1 + Math.min(refusedMax, refused / admitted));
}
