import { createLog, exit } from './platform/log.ts';
import { runPrimary } from './processes/primary.ts';

await runPrimary(
  (level) => createLog(level).child({ process: 0 }),
  (log, code) => (log ? exit(log, code) : process.exit(code)),
);
