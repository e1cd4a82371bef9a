import { browserStep, databaseSteps, runSteps, staticSteps, vitestStep } from './steps.ts';

/** Everything a change must pass: what fails fastest comes first, and the last line counts what passed and failed. */
process.exitCode = await runSteps([...staticSteps, ...databaseSteps, vitestStep(), browserStep]);
