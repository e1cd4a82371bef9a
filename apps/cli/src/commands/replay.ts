import { type ReplayEntry, ReplayedEntry } from '@tributary/shared/journal.ts';
import type { Command } from 'commander';
import { details, table } from '../output.ts';
import { examples, open } from '../program.ts';

export function addReplay(program: Command): void {
  const command = program
    .command('replay')
    .description('Process one delivery of the journal again now')
    .argument('<journalId>', 'id of the delivery, shown by `tributary listen`')
    .option('--reprocess', 'rewrite the stored events with the result of the current pipeline')
    .action(async (journalId: string, { reprocess }: { reprocess?: true }, command: Command) => {
      const { client, output } = open(command);
      const body: ReplayEntry = { mode: reprocess ? 'reprocess' : 'replay' };
      const replayed = await client.api(`/api/replay/${encodeURIComponent(journalId)}`, ReplayedEntry, { method: 'POST', body });
      output.print(replayed, () => renderReplayed(replayed));
    });
  examples(command, 'replayctl replay 01998f6e-…', 'replayctl replay 01998f6e-… --reprocess --json');
}

function renderReplayed({ journalId, replayOf, mode, status, records }: ReplayedEntry): string {
  const head = details([
    ['journal entry', journalId],
    ['replay of', replayOf],
    ['mode', mode],
    ['outcome', status],
  ]);
  const rows = records.map((record, index) => [index + 1, record.status, record.eventId ?? record.dlqId, record.code, record.revision]);
  return `${head}\n\n${table(['record', 'status', 'event or dead letter', 'code', 'revision'], rows)}`;
}
