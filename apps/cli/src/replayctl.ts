import { addPlans } from './commands/plans.ts';
import { addReplay } from './commands/replay.ts';
import { createProgram, examples, run } from './program.ts';

const program = createProgram('replayctl', 'Plan, approve and run replays of the journal.', addPlans, addReplay);
examples(
  program,
  'replayctl plan --from 24h --sources hotmart,stripe',
  'replayctl approve 01998f6e-… --rfa RFA-1234',
  'replayctl run --plan 01998f6e-…',
);
await run(program);
