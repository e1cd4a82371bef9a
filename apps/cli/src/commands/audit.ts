import { readFileSync } from 'node:fs';
import { AuditExport, type AuditExportFormat, AuditVerdict } from '@tributary/shared/audit.ts';
import { Argument, type Command, Option } from 'commander';
import { verifyAuditFile } from '../audit-file.ts';
import { Failure, UsageError } from '../errors.ts';
import { findOrg, withOrg } from '../orgs.ts';
import { details } from '../output.ts';
import { type Context, examples, open, openOffline, wholeNumber } from '../program.ts';

interface AuditFlags {
  format: AuditExportFormat;
  after?: number;
  hash?: string;
  file?: string;
}

export function addAudit(program: Command): void {
  const command = withOrg(program.command('audit'))
    .description('Verify the chain of the audit log, or print the whole log. Exits with 1 when the chain is broken')
    .addArgument(new Argument('<action>', 'what to do').choices(['verify', 'export']))
    .addOption(
      new Option('--format <format>', 'format of the export; only NDJSON can be verified').choices(['ndjson', 'csv']).default('ndjson'),
    )
    .option('--after <place>', 'verify after this entry, which needs --hash', wholeNumber(0, Number.MAX_SAFE_INTEGER))
    .option('--hash <hash>', 'the hash of that entry, as an earlier verification or export said')
    .option('--file <file>', 'verify an export in this file, without a server')
    .action(async (action: 'verify' | 'export', flags: AuditFlags, command: Command) => {
      if (action === 'export') return exportLog(open(command), flags.format);
      if (flags.file !== undefined) return verifyFile(openOffline(command), flags.file);
      await verifyLog(open(command), flags);
    });
  examples(
    command,
    'tributary audit verify',
    'tributary audit verify --after 1200 --hash 9f86d081…',
    'tributary audit export > audit.ndjson',
    'tributary audit verify --file audit.ndjson',
  );
}

async function exportLog(context: Context, format: AuditExportFormat): Promise<void> {
  const body = { orgId: (await findOrg(context)).id, format };
  const { url } = await context.client.api('/api/audit/export', AuditExport, { method: 'POST', body });
  const { ok, status, body: file } = await context.client.probe(url);
  if (!ok) throw new Failure(`The download answered ${status}.`);
  context.host.stdout.write(String(file));
}

async function verifyLog(context: Context, { after, hash }: AuditFlags): Promise<void> {
  if ((after === undefined) !== (hash === undefined)) throw new UsageError('Give --after and --hash together.');
  const { client, output } = context;
  const orgId = (await findOrg(context)).id;
  let known = { after, hash };
  let entries = 0;
  for (;;) {
    const verdict = await client.api('/api/audit/verify', AuditVerdict, { query: { orgId, ...known } });
    entries += verdict.entries;
    known = { after: verdict.verifiedTo, hash: verdict.hash };
    if (!verdict.isEnd && verdict.problem === null) continue;
    output.print({ ...verdict, entries }, () => render(verdict, entries));
    if (verdict.problem !== null) throw new Failure(`The chain is broken at entry ${verdict.problemAt}: ${verdict.problem}.`);
    return;
  }
}

function verifyFile({ output }: Pick<Context, 'output'>, file: string): void {
  const verdict = verifyAuditFile(readFile(file));
  output.print(verdict, () => render(verdict, verdict.entries));
  if (verdict.problemAt !== null) throw new Failure(`The chain is broken at entry ${verdict.problemAt}.`);
}

function readFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new UsageError(`${file} cannot be read.`);
  }
}

function render({ verifiedTo, hash }: { verifiedTo: number; hash: string }, entries: number): string {
  return details([
    ['entries verified', entries],
    ['up to entry', verifiedTo],
    ['hash', hash],
  ]);
}
