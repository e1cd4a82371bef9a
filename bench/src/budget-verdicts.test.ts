import { describe, expect, it } from 'vitest';
import { allowedBy, compareWithBudget, isOutside } from './budget-verdicts.ts';

const budget = { read: { ratio: 2, tolerance: 0.2 } };
const verdictOf = (ratios: number[]) => compareWithBudget({ read: ratios }, budget).map(({ verdict }) => verdict);

describe('the budget of the steps', () => {
  it('names a step whose median is above its tolerance, and not one of which a single process was slow', () => {
    expect(verdictOf([2.5, 2.6, 2.4])).toEqual(['dearer']);
    expect(verdictOf([2, 9, 2.1])).toEqual(['within']);
  });

  it('does not fail for a step that became cheaper', () => {
    const verdicts = compareWithBudget({ read: [1.5, 1.5, 1.5] }, budget);
    expect(verdicts.map(({ verdict }) => verdict)).toEqual(['cheaper']);
    expect(verdicts.filter(isOutside)).toEqual([]);
  });

  it('fails for a step that is not in the budget, and for a step of the budget that nobody measures any more', () => {
    const verdicts = compareWithBudget({ write: [1] }, budget);
    expect(verdicts.map(({ step, verdict }) => `${step}: ${verdict}`)).toEqual(['write: not in the budget', 'read: not measured']);
    expect(verdicts.filter(isOutside)).toHaveLength(2);
  });

  it('allows as much more as measurements differ by themselves, at least a tenth and at most a half', () => {
    expect(allowedBy([1, 1, 1, 1, 1])).toEqual({ ratio: 1, tolerance: 0.1 });
    expect(allowedBy([0.9, 0.95, 1, 1.05, 1.1])).toEqual({ ratio: 1, tolerance: 0.21 });
    expect(allowedBy([0.2, 0.5, 1, 1.5, 2])).toEqual({ ratio: 1, tolerance: 0.5 });
  });
});
