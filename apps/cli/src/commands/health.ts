import { PublicConfig } from '@tributary/shared/api.ts';
import type { Command } from 'commander';
import { z } from 'zod';
import { Failure } from '../errors.ts';
import { type Cell, details, table } from '../output.ts';
import { examples, open } from '../program.ts';

const Detail = z.record(z.string(), z.unknown());
type Detail = z.infer<typeof Detail>;

export function addHealth(program: Command): void {
  const command = program
    .command('health')
    .description(
      'Show whether the server lives and can commit; with the operator token also what it holds. Exits with 1 when it is not ready',
    )
    .option('--operator-token <token>', 'the operator token (TRIBUTARY_OPERATOR_TOKEN; else the local stack)')
    .action(async (_, command: Command) => {
      const { client, target, output } = open(command);
      const alive = (await client.probe('/health')).status === 200;
      const { status, body } = await client.probe('/ready');
      const { version } = await client.api('/api/config', PublicConfig, { as: 'nobody' });
      const detail = target.operatorToken === undefined ? undefined : await client.api('/health/detailed', Detail, { as: 'operator' });
      const ready = status === 200;
      const reason = ready ? undefined : (Detail.safeParse(body).data?.status as string | undefined);
      output.print({ url: client.url, version, alive, ready, reason, detail }, () =>
        [
          details([
            ['server', client.url],
            ['version', version],
            ['alive', alive ? 'yes' : 'no'],
            ['ready', ready ? 'yes' : `no: ${reason ?? `answered ${status}`}`],
          ]),
          ...(detail ? renderDetail(detail) : []),
        ].join('\n\n'),
      );
      if (!ready) throw new Failure(`${client.url} is not ready.`);
    });
  examples(command, 'tributary health', 'tributary health --json | jq .ready', 'tributary health --url https://hooks.example.com');
}

/** The figures by their names, lists of things as tables, whatever this version of the server reports. */
function renderDetail(detail: Detail): string[] {
  const pairs: [string, Cell][] = [];
  const tables: string[] = [];
  const add = (name: string, value: unknown) => {
    if (Array.isArray(value) && value.every(isRecord)) tables.push(`${name}\n${renderList(value)}`);
    else if (isRecord(value)) for (const [key, inner] of Object.entries(value)) add(name === '' ? key : `${name}.${key}`, inner);
    else pairs.push([name, toCell(value)]);
  };
  add('', detail);
  return [details(pairs), ...tables];
}

function renderList(rows: readonly Detail[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return table(
    columns,
    rows.map((row) => columns.map((column) => toCell(row[column]))),
    'none',
  );
}

function isRecord(value: unknown): value is Detail {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function toCell(value: unknown): Cell {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : (value as Cell);
}
