import { FlowState, FlushedState } from '@tributary/shared/flow.ts';
import { type Command, InvalidArgumentError } from 'commander';
import { Failure } from '../errors.ts';
import { type Context, examples, open } from '../program.ts';
import { renderReport } from '../render-report.ts';
import { pause, retryWhileUnavailable } from '../retry.ts';

const commands = {
  drain: 'Answer new deliveries with 503 and finish those in flight, on every instance',
  pause: 'Stop taking deliveries, on every instance',
  brownout: 'Keep only a share of the deliveries to low-priority connections, and answer the others with 429',
  resume: 'End a drain, pause or brownout: the servers set the mode by their load again',
} as const;

interface OperatorFlags {
  reason?: string;
  rate?: number;
  wait?: true;
}

export function addOperatorCommands(program: Command): void {
  for (const [name, description] of Object.entries(commands)) {
    const command = withOperator(program.command(name))
      .description(description)
      .action(async ({ reason, rate, wait }: OperatorFlags, command: Command) => {
        const context = open(command);
        const call = { method: 'POST', query: { rate }, body: { reason }, as: 'operator' } as const;
        const demanded = await context.client.api(`/api/admin/${name}`, FlowState, call);
        const state = wait ? await waitUntilDrained(context, demanded) : demanded;
        context.output.print(state, () => renderReport(state));
      });
    if (name === 'brownout')
      command.requiredOption('--rate <share>', 'the share that is kept, above 0 and up to 1; 0.1 keeps a tenth', share);
    if (name === 'drain') command.option('--wait', 'return when no instance holds unwritten deliveries');
    const example = { drain: 'drain --wait', brownout: 'brownout --rate 0.1' }[name] ?? name;
    examples(command, `tributary ${example} --reason "upgrade of Postgres"`);
  }

  const flush = withOperator(program.command('flush'))
    .description('Write the buffered deliveries of every instance now')
    .action(async ({ reason }: OperatorFlags, command: Command) => {
      const { client, output } = open(command);
      const state = await client.api('/api/admin/flush', FlushedState, { method: 'POST', body: { reason }, as: 'operator' });
      output.print(state, () => renderReport(state));
      if (!state.flushed) throw new Failure('Not every instance has written everything yet.');
    });
  examples(flush, 'tributary flush', 'tributary flush --json | jq .flushed');
}

function withOperator(command: Command): Command {
  return command
    .option('--operator-token <token>', 'the operator token (TRIBUTARY_OPERATOR_TOKEN; else the local stack)')
    .option('--reason <reason>', 'the reason, which is recorded with the change');
}

async function waitUntilDrained(context: Context, demanded: FlowState): Promise<FlowState> {
  for (let state = demanded; ; ) {
    if (state.drained) return state;
    if (state.operatorMode !== 'drain')
      throw new Failure(`The drain was ended by somebody else: the mode is ${state.mode}, ${state.reason}.`);
    await pause(500, context);
    state = await retryWhileUnavailable(context, () => context.client.api('/api/admin/flow', FlowState, { as: 'operator' }));
  }
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value > 0 && value <= 1))
    throw new InvalidArgumentError('It must be a share above 0 and up to 1, for example 0.1.');
  return value;
}
