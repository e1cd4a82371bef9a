import { PublicConfig } from '@tributary/shared/api.ts';
import type { Command } from 'commander';
import { Failure } from '../errors.ts';
import { details } from '../output.ts';
import { examples, open } from '../program.ts';
import { Report, renderReport } from '../render-report.ts';

export function addHealth(program: Command): void {
  const command = program
    .command('health')
    .description(
      'Show whether the server is alive and can commit; with the operator token also its buffers. Exits with 1 when the server is not ready',
    )
    .option('--operator-token <token>', 'the operator token (TRIBUTARY_OPERATOR_TOKEN; else the local stack)')
    .action(async (_, command: Command) => {
      const { client, target, output } = open(command);
      const alive = (await client.probe('/health')).status === 200;
      const { status, body } = await client.probe('/ready');
      const ready = status === 200;
      const { version } = await client.api('/api/config', PublicConfig, { as: 'anonymous' });
      const detail =
        target.operatorToken === undefined
          ? undefined
          : await client.api('/health/detailed', Report, { as: 'operator' }).catch((error: Failure) => {
              // A server that is not ready may be unable to report details: show what is known and note why the rest is missing.
              if (ready) throw error;
              output.note(error.message);
              return undefined;
            });
      const reason = ready ? undefined : (Report.safeParse(body).data?.status as string | undefined);
      output.print({ url: client.url, version, alive, ready, reason, detail }, () =>
        [
          details([
            ['server', client.url],
            ['version', version],
            ['alive', alive ? 'yes' : 'no'],
            ['ready', ready ? 'yes' : `no: ${reason ?? `answered ${status}`}`],
          ]),
          ...(detail ? [renderReport(detail)] : []),
        ].join('\n\n'),
      );
      if (!ready) throw new Failure(`${client.url} is not ready.`);
    });
  examples(command, 'tributary health', 'tributary health --json | jq .ready', 'tributary health --url https://hooks.example.com');
}
