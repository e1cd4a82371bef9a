import { processHost } from './host.ts';
import { run } from './program.ts';
import { createDlqtriage } from './programs.ts';

process.exitCode = await run(createDlqtriage(), processHost());
