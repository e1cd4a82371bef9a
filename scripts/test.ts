import { runSteps } from './run-steps.ts';
import { budgetMinutes, everything } from './steps.ts';

/** Runs everything a change must pass. */
process.exitCode = await runSteps(everything, { budgetMinutes });
