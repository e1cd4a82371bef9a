import { median } from './median.ts';

/** What a step may cost, as a ratio to the fixed work, and by which share a measurement may be above that without anything having become dearer. */
export interface Allowed {
  ratio: number;
  tolerance: number;
}

/** The ratios of each step, one for each process that measured it. */
export type Ratios = Record<string, number[]>;

export interface Verdict {
  step: string;
  verdict: 'within' | 'cheaper' | 'dearer' | 'not in the budget' | 'not measured';
  /** The median of what was measured. */
  ratio: number;
  allowed: Allowed | undefined;
}

export const isOutside = ({ verdict }: Verdict) => verdict !== 'within' && verdict !== 'cheaper';

/** Bounds of the tolerance: a step that hardly varied while the budget was written varies more on another day, and half as much again is dearer on any day. */
const toleranceMin = 0.1;
const toleranceMax = 0.5;

export function compareWithBudget(measured: Ratios, budget: Record<string, Allowed>): Verdict[] {
  const verdicts = Object.entries(measured).map(([step, ratios]): Verdict => {
    const [ratio, allowed] = [median(ratios), budget[step]];
    const change = allowed ? ratio / allowed.ratio - 1 : 0;
    const within = Math.abs(change) <= (allowed?.tolerance ?? 0);
    return { step, ratio, allowed, verdict: !allowed ? 'not in the budget' : within ? 'within' : change > 0 ? 'dearer' : 'cheaper' };
  });
  const missing = Object.keys(budget).filter((step) => !(step in measured));
  return [...verdicts, ...missing.map((step): Verdict => ({ step, ratio: 0, allowed: budget[step], verdict: 'not measured' }))];
}

/** The median, and a tolerance of twice the distance between the quartiles. */
export function allowedBy(ratios: readonly number[]): Allowed {
  const sorted = ratios.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
  const ratio = median(ratios);
  const spread = (at(0.75) - at(0.25)) / ratio;
  const tolerance = Math.min(toleranceMax, Math.max(toleranceMin, 2 * spread));
  return { ratio: Number(ratio.toPrecision(4)), tolerance: Math.ceil(tolerance * 100) / 100 };
}
