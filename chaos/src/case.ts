/** How a fault case is to be run. */
export interface CaseContext {
  /** Decides every random choice of the case. It is printed, so that a failing run can be repeated. */
  seed: number;
  /** True: as long and as often as the fault requires. False: the short form that every change has to pass. */
  long: boolean;
  say(line: string): void;
}

export interface CaseReport {
  figures: Record<string, number | string>;
  /** One line for each comparison: what was compared and what was found. */
  oracle: string[];
  /** The lines of the oracle that contradict a promise; empty when every promise was kept. */
  violations: string[];
}

export interface Case {
  /** The number of the fault in the table of README.md. */
  fault: number;
  name: string;
  promise: string;
  /** A program that must be on PATH. CI must have it; elsewhere the case is reported as skipped without it. */
  needs?: string;
  run(context: CaseContext): Promise<CaseReport>;
}
