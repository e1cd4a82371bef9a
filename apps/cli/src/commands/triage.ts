import { DlqAnalysis, type DlqEntry, DlqEntryDetail, DlqList, DlqSamples, DlqSummary } from '@tributary/shared/dlq.ts';
import type { Command } from 'commander';
import { type FilterFlags, toFilter, withFilter } from '../dlq-filter.ts';
import { details, printable, section, sparkline, table, time } from '../output.ts';
import { examples, open, wholeNumber } from '../program.ts';

/** Commands that read dead letters. */
export function addTriage(program: Command): void {
  const summary = withFilter(program.command('summary'))
    .description('Count dead letters by reason, source and connection, with the trend of the last 24 hours')
    .action(async (flags: FilterFlags, command: Command) => {
      const context = open(command);
      const found = await context.client.api('/api/dlq/summary', DlqSummary, { query: await toFilter(context, flags) });
      context.output.print(found, () => renderSummary(found));
    });
  examples(summary, 'dlqtriage summary --org demo', 'dlqtriage summary --source hotmart --json | jq .total');

  const sample = withFilter(program.command('sample'))
    .description('Show some dead letters, redacted')
    .option('--limit <count>', 'the most dead letters to show', wholeNumber(1, 100), 5)
    .option(
      '--full',
      'include the delivery as it was received, with its personal data; only for owners and admins, recorded in the audit log',
    )
    .action(async (flags: FilterFlags & { limit: number; full?: true }, command: Command) => {
      const context = open(command);
      const query = { ...(await toFilter(context, flags)), limit: flags.limit, full: flags.full };
      const found = await context.client.api('/api/dlq/sample', DlqSamples, { query });
      context.output.print(found.entries, () => found.entries.map(renderEntry).join('\n\n') || 'No dead letters match.');
    });
  examples(sample, 'dlqtriage sample --reason SCHEMA_DRIFT --limit 5', 'dlqtriage sample --reason MISSING_FIELD --full --json');

  const analyze = withFilter(program.command('analyze'))
    .description('Group dead letters by what went wrong, with the likely cause and the fix')
    .action(async (flags: FilterFlags, command: Command) => {
      const context = open(command);
      const found = await context.client.api('/api/dlq/analyze', DlqAnalysis, { query: await toFilter(context, flags) });
      context.output.print(found.clusters, () => found.clusters.map(renderCluster).join('\n\n') || 'No dead letters match.');
    });
  examples(analyze, 'dlqtriage analyze', `dlqtriage analyze --source stripe --json | jq -r '.[] | "\\(.count) \\(.fix)"'`);

  const all = withFilter(program.command('list'))
    .description('List dead letters, newest first')
    .option('--limit <count>', 'the most dead letters to show', wholeNumber(1, 200), 50)
    .option('--cursor <cursor>', 'continue where the previous list ended')
    .action(async (flags: FilterFlags & { limit: number; cursor?: string }, command: Command) => {
      const context = open(command);
      const query = { ...(await toFilter(context, flags)), limit: flags.limit, cursor: flags.cursor };
      const found = await context.client.api('/api/dlq', DlqList, { query });
      context.output.print(found, () => renderList(found.entries));
      if (found.nextCursor && !context.output.json) context.output.note(`More dead letters follow: --cursor ${found.nextCursor}`);
    });
  examples(all, 'dlqtriage list --status exhausted', 'dlqtriage list --reason CONNECTION_ERROR --limit 200 --json');

  const show = program
    .command('show')
    .description('Show one dead letter, redacted')
    .argument('<id>', 'id of the dead letter')
    .action(async (id: string, _, command: Command) => {
      const { client, output } = open(command);
      const entry = await client.api(`/api/dlq/${encodeURIComponent(id)}`, DlqEntryDetail);
      output.print(entry, () => renderEntry(entry));
    });
  examples(show, 'dlqtriage show 01998f6e-…');
}

function renderSummary({ total, groups }: DlqSummary): string {
  const rows = groups.map((group) => [
    group.errorClass,
    group.sourceType,
    group.connectionName,
    group.count,
    group.occurrences,
    group.pending,
    group.exhausted,
    sparkline(group.trend),
    time(group.firstSeenAt),
    time(group.lastSeenAt),
    { no: 'no', after_fix: 'after a fix', yes: 'yes' }[group.retryable],
    remedyWords[group.remedy],
  ]);
  const head = [
    'reason',
    'source',
    'connection',
    'count',
    'times sent',
    'pending',
    'exhausted',
    'last 24 hours',
    'first (UTC)',
    'last (UTC)',
    'retryable',
    'what to do',
  ];
  return `${table(head, rows, 'No dead letters match.')}${rows.length > 0 ? `\n\n${total} together.` : ''}`;
}

/** What a person does first, as short as a column needs. */
const remedyWords: Record<DlqSummary['groups'][number]['remedy'], string> = {
  redrive: 'redrive',
  fix_secret: 'fix the secret',
  fix_settings: 'fix the settings',
  fix_key: 'restore the key',
  discard: 'look, then discard',
};

function renderEntry(entry: DlqSamples['entries'][number] & { history?: DlqEntryDetail['history'] }): string {
  const { payload, history = [] } = entry;
  const parts = [
    details([
      ['id', entry.id],
      ['reason', entry.errorClass],
      ['message', entry.message],
      ['field', entry.fieldPath ?? undefined],
      ['event', entry.sourceEventType ?? undefined],
      ['connection', `${entry.connectionName} (${entry.sourceType})`],
      ['status', entry.isQuarantine ? `${entry.status}, in quarantine` : entry.status],
      ['attempts', entry.attempts],
      ['next retry', time(entry.nextRetryAt)],
      ['created', time(entry.createdAt)],
      ['times sent', entry.occurrences > 1 ? `${entry.occurrences}, last ${time(entry.lastSeenAt)}` : entry.occurrences],
      ['journal entry', entry.journalId],
    ]),
    indent(JSON.stringify(entry.sample, null, 2) ?? ''),
  ];
  if (history.length > 0)
    parts.push(
      section(
        'attempts, the newest first',
        history
          .map((one) => `  ${[time(one.at), one.by, one.result, one.errorClass, one.message].filter(Boolean).map(printable).join('  ')}`)
          .join('\n'),
      ),
    );
  if (payload)
    parts.push(
      section('headers', indent(JSON.stringify(payload.headers, null, 2))),
      section(payload.truncated ? `body (the beginning of ${payload.byteSize} bytes)` : 'body', indent(payload.body)),
    );
  return parts.join('\n');
}

function renderCluster(cluster: DlqAnalysis['clusters'][number]): string {
  return section(
    printable(`${cluster.count} × ${cluster.errorClass}`),
    details([
      ['connection', `${cluster.connectionName} (${cluster.sourceType})`],
      ['event', cluster.sourceEventType ?? undefined],
      ['field', cluster.fieldPath ?? undefined],
      ['seen', `${time(cluster.firstSeenAt)} to ${time(cluster.lastSeenAt)} (UTC)`],
      ['cause', cluster.cause],
      ['fix', cluster.fix],
      ['example', cluster.exampleId],
    ]),
  );
}

function renderList(entries: readonly DlqEntry[]): string {
  return table(
    ['id', 'created (UTC)', 'reason', 'status', 'attempts', 'connection', 'event', 'message'],
    entries.map((entry) => [
      entry.id,
      time(entry.createdAt),
      entry.errorClass,
      entry.status,
      entry.attempts,
      entry.connectionName,
      entry.sourceEventType,
      entry.message,
    ]),
    'No dead letters match.',
  );
}

/** Indents text that came from outside, without control characters that could steer the terminal. */
function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `  ${line === '' ? '' : printable(line)}`)
    .join('\n');
}
