import { runSteps } from './run-steps.ts';
import { everything, longFaultsStep } from './steps.ts';

/** Runs everything that `npm test` runs and the long forms of the fault cases: about an hour, on a schedule (.github/workflows/scheduled.yml). */
process.exitCode = await runSteps([...everything, [longFaultsStep]]);
