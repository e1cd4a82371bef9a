import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { EventsImported, importBytesMax, importEventsMax } from '@tributary/shared/event-import.ts';
import { EventExport } from '@tributary/shared/events.ts';
import { Argument, type Command } from 'commander';
import { findConnectionIds } from '../connections.ts';
import { Failure, UsageError } from '../errors.ts';
import { moment } from '../option-parsers.ts';
import { findOrg, withOrg } from '../orgs.ts';
import { details } from '../output.ts';
import { type Context, examples, open } from '../program.ts';

interface EventFlags {
  connection?: string;
  from?: string;
  to?: string;
  file?: string;
}

export function addEvents(program: Command): void {
  const command = withOrg(program.command('events'))
    .description('Print events as NDJSON, or store an exported file again. An event that is stored already is left as it is')
    .addArgument(new Argument('<action>', 'what to do').choices(['export', 'import']))
    .option('--connection <connection>', 'by name or id: export only its events, or import into it')
    .option('--from <moment>', 'export events that happened at this time or later', moment)
    .option('--to <moment>', 'export events that happened before this time', moment)
    .option('--file <file>', 'import this file')
    .action(async (action: 'export' | 'import', flags: EventFlags, command: Command) => {
      const context = open(command);
      const orgId = (await findOrg(context)).id;
      const [connectionId] =
        (await findConnectionIds(context, orgId, flags.connection === undefined ? undefined : [flags.connection])) ?? [];
      if (action === 'export') return exportEvents(context, { orgId, connectionId, from: flags.from, to: flags.to });
      if (connectionId === undefined || flags.file === undefined)
        throw new UsageError('Give --connection and --file: tributary events import --connection "Shop EU" --file events.ndjson');
      await importEvents(context, connectionId, flags.file);
    });
  examples(
    command,
    'tributary events export --from 2026-01-01 --to 2026-02-01 > january.ndjson',
    'tributary events import --connection "Shop EU" --file january.ndjson',
  );
}

interface Wanted {
  orgId: string;
  connectionId: string | undefined;
  from: string | undefined;
  to: string | undefined;
}

async function exportEvents({ client, host, signal }: Context, { orgId, connectionId, from, to }: Wanted): Promise<void> {
  const filter = { connectionIds: connectionId === undefined ? undefined : [connectionId], from, to };
  const { url } = await client.api('/api/events/export', EventExport, { method: 'POST', body: { orgId, filter, format: 'ndjson' } });
  // Streamed: the file may be larger than the memory of this program.
  const answer = await fetch(client.url + url, { signal });
  if (!answer.ok || !answer.body) throw new Failure(`The download answered ${answer.status}.`, { status: answer.status });
  const text = answer.body.pipeThrough(new TextDecoderStream());
  for await (const part of text) host.stdout.write(part);
}

async function importEvents(context: Context, connectionId: string, file: string): Promise<void> {
  const { client, output } = context;
  const sum = { stored: 0, restored: 0, duplicates: 0 };
  for await (const { events, line } of batches(file)) {
    const imported = await client
      .api('/api/events/import', EventsImported, { method: 'POST', body: { connectionId, events }, timeoutMs: 60_000 })
      .catch((error: unknown) => {
        if (!(error instanceof Failure)) throw error;
        // What was imported before stays, and importing the file again counts it as duplicates.
        throw new Failure(
          `${error.message} This was in the ${events.length} events up to line ${line}; ${sum.stored + sum.restored} were stored before.`,
          {
            ...(error.status === undefined ? {} : { status: error.status }),
            code: error.code,
            requestId: error.requestId,
          },
        );
      });
    for (const outcome of ['stored', 'restored', 'duplicates'] as const) sum[outcome] += imported[outcome];
  }
  output.print(sum, () =>
    details([
      ['stored', sum.stored],
      ['restored', sum.restored],
      ['duplicates', sum.duplicates],
    ]),
  );
}

/** The events of an NDJSON file, as many as one request may have, with the number of the last line. */
async function* batches(file: string): AsyncGenerator<{ events: unknown[]; line: number }> {
  let events: unknown[] = [];
  let bytes = 0;
  let line = 0;
  const input = createReadStream(file, 'utf8').on('error', () => {});
  try {
    for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      line += 1;
      if (text.trim() === '') continue;
      const size = Buffer.byteLength(text) + 1;
      if (events.length === importEventsMax || bytes + size > importBytesMax - 1_000) {
        yield { events, line: line - 1 };
        events = [];
        bytes = 0;
      }
      events.push(parse(text, line));
      bytes += size;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall !== undefined)
      throw new UsageError(`${file} cannot be read: ${(error as Error).message}.`);
    throw error;
  }
  if (events.length > 0) yield { events, line };
}

function parse(text: string, line: number): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UsageError(`Line ${line} is not JSON: import a file that was exported as NDJSON.`);
  }
}
