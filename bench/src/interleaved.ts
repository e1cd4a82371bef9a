/**
 * How many units of the fixed work a step costs. Both run in turn for many rounds, and the lower quartiles of both are compared: other load on the machine makes
 * single rounds dearer, and never cheaper.
 */
export async function ratioToFixedWork(options: {
  rounds: number;
  /** Does one step, and returns its cost. */
  step(): Promise<number>;
  /** Does one unit of the fixed work, and returns its cost in the same unit. */
  fixed(): Promise<number>;
}): Promise<number> {
  const steps: number[] = [];
  const units: number[] = [];
  for (let round = -3; round < options.rounds; round++) {
    const [step, unit] = [await options.step(), await options.fixed()];
    // The first rounds only warm up.
    if (round < 0) continue;
    steps.push(step);
    units.push(unit);
  }
  return lowerQuartile(steps) / lowerQuartile(units);
}

function lowerQuartile(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 4)] ?? Number.NaN;
}
