import { addHealth } from './commands/health.ts';
import { createProgram, run } from './program.ts';

await run(createProgram('tributary', 'Watch and operate a Tributary server.', addHealth));
