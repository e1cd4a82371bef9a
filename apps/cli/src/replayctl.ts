import { processHost } from './host.ts';
import { run } from './program.ts';
import { createReplayctl } from './programs.ts';

process.exitCode = await run(createReplayctl(), processHost());
