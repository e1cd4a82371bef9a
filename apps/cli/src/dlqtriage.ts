import { addMending } from './commands/mend.ts';
import { addTriage } from './commands/triage.ts';
import { createProgram, examples, run } from './program.ts';

const program = createProgram('dlqtriage', 'Look at dead letters, and do something about them.', addTriage, addMending);
examples(program, 'dlqtriage summary', 'dlqtriage analyze --reason SCHEMA_DRIFT', 'dlqtriage redrive --reason CONNECTION_ERROR --dry-run');
await run(program);
