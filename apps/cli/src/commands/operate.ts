import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { examples, open } from '../program.ts';
import { Report, renderReport } from '../report.ts';

const commands = {
  drain: 'Answer new deliveries with 503 and finish those in flight, on every instance',
  resume: 'End a drain, pause or brownout: back to what the load demands',
  pause: 'Stop taking deliveries, on every instance',
  brownout: 'Shed a share of the deliveries to low-priority connections',
  flush: 'Write what every instance holds, now',
} as const;

export function addOperatorCommands(program: Command): void {
  for (const [name, description] of Object.entries(commands)) {
    const command = program
      .command(name)
      .description(description)
      .option('--operator-token <token>', 'the operator token (TRIBUTARY_OPERATOR_TOKEN; else the local stack)')
      .option('--reason <reason>', 'written down with the change')
      .action(async (flags: { reason?: string; rate?: number }, command: Command) => {
        const { client, output } = open(command);
        const { reason, rate } = flags;
        const state = await client.api(`/api/admin/${name}`, Report, { method: 'POST', query: { rate }, body: { reason }, as: 'operator' });
        output.print(state, () => renderReport(state));
      });
    if (name === 'brownout') command.requiredOption('--rate <share>', 'the share to shed, above 0 and up to 1, as 0.1', share);
    examples(
      command,
      name === 'brownout' ? 'tributary brownout --rate 0.1 --reason "database slow"' : `tributary ${name} --reason "upgrade of Postgres"`,
    );
  }
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value > 0 && value <= 1)) throw new InvalidArgumentError('It is a share above 0 and up to 1, as 0.1.');
  return value;
}
