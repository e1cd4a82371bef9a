import { addHealth } from './commands/health.ts';
import { addListen } from './commands/listen.ts';
import { addLogin } from './commands/login.ts';
import { addOperatorCommands } from './commands/operate.ts';
import { addSend } from './commands/send.ts';
import { createProgram, examples, run } from './program.ts';

const program = createProgram(
  'tributary',
  'Watch and operate a Tributary server.',
  addLogin,
  addSend,
  addListen,
  addHealth,
  addOperatorCommands,
);
examples(program, 'tributary login --url https://hooks.example.com', 'tributary send hotmart PURCHASE_APPROVED', 'tributary listen');
await run(program);
