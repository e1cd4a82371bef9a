/** How much each org has sent lately, in tokens. */
export interface Usage {
  add(orgId: string, tokens: number, nowMs: number): void;
  /**
   * Whether the org is one of those that cause the load: it has sent much more than the average of all orgs that send. True for every org when
   * there is no such org, because then all of them together cause it.
   */
  isCause(orgId: string, nowMs: number): boolean;
}

/** The use of the last one to two windows counts. */
const windowMs = 5_000;
const orgsMax = 20_000;
/** What is much more than the average. */
const factor = 1.5;
const summaryForMs = 250;

export function createUsage(): Usage {
  let current = new Map<string, number>();
  let previous = new Map<string, number>();
  let beganAtMs = Number.NEGATIVE_INFINITY;
  let summary = { atMs: Number.NEGATIVE_INFINITY, limit: 0, isExceeded: false };

  function turnWindow(nowMs: number): void {
    if (nowMs - beganAtMs < windowMs && current.size < orgsMax) return;
    previous = nowMs - beganAtMs < 2 * windowMs ? current : new Map();
    current = new Map();
    beganAtMs = nowMs;
  }

  const usedBy = (orgId: string): number => (current.get(orgId) ?? 0) + (previous.get(orgId) ?? 0);

  function summarise(nowMs: number): void {
    if (nowMs - summary.atMs < summaryForMs) return;
    const orgs = new Set([...current.keys(), ...previous.keys()]);
    let total = 0;
    let most = 0;
    for (const orgId of orgs) {
      const used = usedBy(orgId);
      total += used;
      most = Math.max(most, used);
    }
    const limit = (factor * total) / Math.max(1, orgs.size);
    summary = { atMs: nowMs, limit, isExceeded: most > limit };
  }

  return {
    add(orgId, tokens, nowMs) {
      turnWindow(nowMs);
      current.set(orgId, (current.get(orgId) ?? 0) + tokens);
    },
    isCause(orgId, nowMs) {
      turnWindow(nowMs);
      summarise(nowMs);
      return !summary.isExceeded || usedBy(orgId) > summary.limit;
    },
  };
}
