import { addRedriveCommands } from './commands/redrive.ts';
import { addTriage } from './commands/triage.ts';
import { createProgram, examples, run } from './program.ts';

const program = createProgram('dlqtriage', 'Inspect dead letters, and retry, discard or delete them.', addTriage, addRedriveCommands);
examples(program, 'dlqtriage summary', 'dlqtriage analyze --reason SCHEMA_DRIFT', 'dlqtriage redrive --reason CONNECTION_ERROR --dry-run');
await run(program);
