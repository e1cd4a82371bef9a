import type { CaseReport } from './case.ts';

/** Collects the comparisons of a case: each becomes a line of its oracle, and a failed one is a broken promise. */
export interface Findings {
  /** Expects `found` to be empty; `of` is the number of things that were checked. */
  none(what: string, found: readonly unknown[], of: number): void;
  equal(what: string, found: unknown, wanted: unknown): void;
  atMost(what: string, found: number, limit: number): void;
  atLeast(what: string, found: number, limit: number): void;
  figure(name: string, value: number | string): void;
  report(): CaseReport;
}

export function createFindings(): Findings {
  const report: CaseReport = { figures: {}, oracle: [], violations: [] };
  const compare = (held: boolean, line: string) => {
    report.oracle.push(line);
    if (!held) report.violations.push(line);
  };
  return {
    none: (what, found, of) =>
      compare(
        found.length === 0,
        `${what}: ${found.length} of ${of}${found.length > 0 ? `, the first ${JSON.stringify(found[0]).slice(0, 500)}` : ''}`,
      ),
    equal: (what, found, wanted) =>
      compare(Object.is(found, wanted), `${what}: ${found}${Object.is(found, wanted) ? '' : `, not ${wanted}`}`),
    atMost: (what, found, limit) => compare(found <= limit, `${what}: ${rounded(found)}, at most ${rounded(limit)}`),
    atLeast: (what, found, limit) => compare(found >= limit, `${what}: ${rounded(found)}, at least ${rounded(limit)}`),
    figure: (name, value) => {
      report.figures[name] = typeof value === 'number' ? rounded(value) : value;
    },
    report: () => report,
  };
}

const rounded = (value: number) => Math.round(value * 100) / 100;
