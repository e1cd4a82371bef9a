import { runSteps, staticSteps, vitestStep } from './steps.ts';

/** The part of `npm test` that needs no database: seconds, for while one works. */
process.exitCode = await runSteps([...staticSteps, vitestStep('--project', 'unit')]);
