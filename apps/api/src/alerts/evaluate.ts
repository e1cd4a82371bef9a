import { type Db, isTooSlow, isUnavailable } from '../platform/db.ts';
import { sqlState } from '../platform/sql-state.ts';
import { beginPass, claimOrgs, type Evaluated, evaluateOrgs, type Pass, postponeOrg } from './store.ts';

interface EvaluatedPass extends Evaluated {
  /** Orgs whose alerts could not be evaluated in time, or whose data was refused. */
  failures: { org_id: string; sqlstate: string | undefined }[];
}

export interface PassOptions {
  signal?: AbortSignal;
  /** For tests: the time of the pass. */
  now?: string;
  /** How long a pass lasts. The next pass begins with the orgs that this one did not reach. */
  sliceMs?: number;
}

/** Orgs, and connections of all of them, that are evaluated in one transaction: about a tenth of a second. */
const part = { orgs: 50, connections: 200 };
const partMsMax = 3_000;
/** An org that is evaluated alone, because it is large or because its part failed. */
const orgMsMax = 8_000;

/**
 * Evaluates the alerts of all orgs, those first that were evaluated longest ago. Each part is a transaction of its own. When a part fails or
 * takes too long, its orgs are evaluated one by one, and an org that fails alone is passed over until later: no org delays another for longer
 * than these times.
 */
export async function evaluateAlerts(db: Pick<Db, 'worker'>, { signal, now, sliceMs = 20_000 }: PassOptions = {}): Promise<EvaluatedPass> {
  const endsAt = performance.now() + sliceMs;
  const total: EvaluatedPass = { opened: 0, escalated: 0, reminded: 0, resolved: 0, notifications: 0, failures: [] };
  const pass = await beginPass(db, now);
  while (!signal?.aborted && performance.now() < endsAt) {
    const orgs = await claimOrgs(db, pass, part);
    if (orgs.length === 0) break;
    await evaluatePart(db, pass, orgs, total);
  }
  return total;
}

async function evaluatePart(db: Pick<Db, 'worker'>, pass: Pass, orgs: readonly string[], total: EvaluatedPass): Promise<void> {
  try {
    const { failures: _, ...counts } = total;
    const evaluated = await evaluateOrgs(db, pass, orgs, orgs.length > 1 ? partMsMax : orgMsMax);
    for (const key of Object.keys(counts) as (keyof Evaluated)[]) total[key] += evaluated[key];
  } catch (error) {
    const [only] = orgs;
    if (isUnavailable(error) && !isTooSlow(error)) throw error;
    if (orgs.length > 1) {
      for (const org of orgs) await evaluatePart(db, pass, [org], total);
    } else if (only !== undefined) {
      total.failures.push({ org_id: only, sqlstate: sqlState(error) });
      await postponeOrg(db, only);
    }
  }
}
