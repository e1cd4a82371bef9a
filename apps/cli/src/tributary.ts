import { processHost } from './host.ts';
import { run } from './program.ts';
import { createTributary } from './programs.ts';

process.exitCode = await run(createTributary(), processHost());
