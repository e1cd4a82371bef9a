export interface CaseContext {
  /** Decides every random choice of the case; printed, so that a failing run can be played again. */
  seed: number;
  /** As long and as often as the fault asks for; otherwise the short form that every change has to pass. */
  long: boolean;
  say(line: string): void;
}

export interface CaseReport {
  figures: Record<string, number | string>;
  /** What was compared, and what was found. */
  oracle: string[];
  /** The lines of the oracle that are not as promised; none when every promise held. */
  violations: string[];
}

export interface Case {
  /** The fault's number in the list that README.md gives. */
  fault: number;
  name: string;
  promise: string;
  run(context: CaseContext): Promise<CaseReport>;
}
