import type { Command } from 'commander';
import { addAdministration } from './commands/administer.ts';
import { addApprovals } from './commands/approvals.ts';
import { addAudit } from './commands/audit.ts';
import { addEvents } from './commands/events.ts';
import { addHealth } from './commands/health.ts';
import { addListen } from './commands/listen.ts';
import { addLogin } from './commands/login.ts';
import { addOperatorCommands } from './commands/operate.ts';
import { addOrgCommands } from './commands/orgs.ts';
import { addPlans } from './commands/plans.ts';
import { addRedriveCommands } from './commands/redrive.ts';
import { addReplay } from './commands/replay.ts';
import { addSend } from './commands/send.ts';
import { addTriage } from './commands/triage.ts';
import { createProgram, examples } from './program.ts';

export function createTributary(): Command {
  const program = createProgram(
    'tributary',
    'Watch and operate a Tributary server.',
    addLogin,
    addSend,
    addListen,
    addEvents,
    addHealth,
    addOrgCommands,
    addApprovals,
    addAudit,
    addOperatorCommands,
    addAdministration,
  );
  return examples(
    program,
    'tributary login --url https://hooks.example.com',
    'tributary send hotmart PURCHASE_APPROVED',
    'tributary listen',
  );
}

export function createReplayctl(): Command {
  const program = createProgram('replayctl', 'Plan, approve and run replays of the journal.', addPlans, addReplay);
  return examples(
    program,
    'replayctl plan --from 24h --sources hotmart,stripe',
    'replayctl approve 01998f6e-… --rfa RFA-1234',
    'replayctl run --plan 01998f6e-…',
  );
}

export function createDlqtriage(): Command {
  const program = createProgram('dlqtriage', 'Inspect dead letters, and retry, discard or delete them.', addTriage, addRedriveCommands);
  return examples(
    program,
    'dlqtriage summary',
    'dlqtriage analyze --reason SCHEMA_DRIFT',
    'dlqtriage redrive --reason CONNECTION_ERROR --dry-run',
  );
}
