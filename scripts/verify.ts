import { runSteps } from './run-steps.ts';
import { staticStage, vitestStep } from './steps.ts';

/** Runs the part of `npm test` that needs no database, which takes about a minute. */
process.exitCode = await runSteps([staticStage, [vitestStep('unit and component tests', 'unit', 'web')]]);
