import { DlqDryRun, DlqOperation, type DlqOperationKind, DlqOperations, DlqRetried, DlqStarted } from '@tributary/shared/dlq.ts';
import { type Remedy, remedyOf } from '@tributary/shared/errors.ts';
import type { Command } from 'commander';
import { type FilterFlags, toFilter, withFilter } from '../dlq-filter.ts';
import { Failure } from '../errors.ts';
import { findOrg, withOrg } from '../orgs.ts';
import { details, printable, table, time } from '../output.ts';
import { type Context, examples, open, wholeNumber } from '../program.ts';
import { watch } from '../watch.ts';

interface Kind {
  description: string;
  /** The confirmation question for `count` entries. */
  question(count: number): string;
  examples: string[];
}

const entries = (count: number) => (count === 1 ? '1 dead letter' : `${count} dead letters`);

const kinds: Record<DlqOperationKind, Kind> = {
  redrive: {
    description: 'Process dead letters again with the current settings and code',
    question: (count) => `Redrive ${entries(count)}`,
    examples: ['dlqtriage redrive --reason CONNECTION_ERROR --dry-run', 'dlqtriage redrive --reason MISSING_FIELD --source hotmart --yes'],
  },
  purge: {
    description: 'Delete dead letters for good',
    question: (count) => `Delete ${entries(count)} for good`,
    examples: [
      'dlqtriage purge --older-than 7 --reason OLDER_REVISION --dry-run',
      'dlqtriage purge --older-than 30 --status resolved --yes --json',
    ],
  },
  discard: {
    description: 'Mark dead letters as given up: they stay visible and are not retried',
    question: (count) => `Discard ${entries(count)}`,
    examples: ['dlqtriage discard --reason INVALID_PAYLOAD --older-than 1'],
  },
  reverify: {
    description: 'Verify quarantined deliveries again after their secret was corrected; the genuine ones become events',
    question: (count) => `Verify ${count === 1 ? '1 quarantined delivery' : `${count} quarantined deliveries`} again`,
    examples: ['dlqtriage reverify --connection "Shop EU" --reason INVALID_HOTTOK'],
  },
};

interface RedriveFlags extends FilterFlags {
  dryRun?: true;
  yes?: true;
  detach?: true;
}

/** Commands that change dead letters: redrive, purge, discard, reverify and retry, and the operations that run them. */
export function addRedriveCommands(program: Command): void {
  for (const [kind, { description, question, examples: lines }] of Object.entries(kinds) as [DlqOperationKind, Kind][]) {
    const command = withFilter(program.command(kind))
      .description(`${description}. Counts them first and asks`)
      .option('--dry-run', 'count the dead letters, and try some of those that would be run again, without changing anything')
      .option('-y, --yes', 'do not ask for confirmation')
      .option('--detach', 'start the operation and return without waiting')
      .action(async (flags: RedriveFlags, command: Command) => {
        const context = open(command);
        const { client, output } = context;
        const filter = await toFilter(context, flags);
        const path = `/api/dlq/${kind}`;
        const call = { method: 'POST', timeoutMs: 60_000 } as const;
        const counted = await client.api(path, DlqDryRun, { ...call, body: { ...filter, dryRun: true } });
        if (flags.dryRun) {
          return output.print(counted, () =>
            [`${entries(counted.count)} would be changed. Nothing was changed.`, ...renderTrial(counted)].join('\n'),
          );
        }
        if (counted.count === 0) return output.print({ operation: null, count: 0 }, () => 'No dead letters match; nothing was done.');
        const asked = [...renderTrial(counted), `${question(counted.count)} at ${client.url}?`].join('\n');
        if (!flags.yes && !(await output.confirm(asked))) throw new Failure('Nothing was done.');
        const { operation } = await client.api(path, DlqStarted, { ...call, body: filter });
        const ended = flags.detach ? operation : await watchOperation(context, operation);
        output.print(ended, () => renderOperation(ended));
        if (!flags.detach && ended.status !== 'done')
          throw new Failure(`The ${kind} ${ended.status === 'failed' ? 'failed' : 'was canceled'}.`);
        if (!flags.detach && ended.failed > 0 && ended.succeeded === 0)
          throw new Failure(`0 of ${ended.failed} became events: ${reasonsOf(ended.failures)}.`);
      });
    examples(command, ...lines);
  }

  const retry = program
    .command('retry')
    .description('Retry one dead letter now')
    .argument('<id>', 'id of the dead letter')
    .action(async (id: string, _, command: Command) => {
      const { client, output } = open(command);
      const retried = await client.api(`/api/dlq/${encodeURIComponent(id)}/retry`, DlqRetried, { method: 'POST', body: {} });
      output.print(retried, () => `${retried.id} is ${retried.status}: it is retried within seconds. See dlqtriage show ${retried.id}.`);
    });
  examples(retry, 'dlqtriage retry 01998f6e-…');

  const operations = withOrg(program.command('operations'))
    .description('List the redrives, purges, discards and re-verifications that were started, newest first')
    .option('--limit <count>', 'the most operations to show', wholeNumber(1, 200), 50)
    .option('--cursor <cursor>', 'continue where the previous list ended')
    .action(async ({ limit, cursor }: { limit: number; cursor?: string }, command: Command) => {
      const context = open(command);
      const query = { orgId: (await findOrg(context)).id, limit, cursor };
      const found = await context.client.api('/api/dlq/operations', DlqOperations, { query });
      context.output.print(found.operations, () => renderOperations(found.operations));
      if (found.next) context.output.note(`More operations follow: --cursor ${found.next}`);
    });
  examples(operations, 'dlqtriage operations');

  const status = program
    .command('operation')
    .description('Show one operation: its progress and its result')
    .argument('<operation>', 'id of the operation')
    .action(async (id: string, _, command: Command) => {
      const { client, output } = open(command);
      const operation = await client.api(pathOf(id), DlqOperation);
      output.print(operation, () => renderOperation(operation));
    });
  examples(status, 'dlqtriage operation 01998f6e-… --json | jq .done');

  const cancel = program
    .command('cancel')
    .description('Stop an operation; entries that were already changed stay changed')
    .argument('<operation>', 'id of the operation')
    .action(async (id: string, _, command: Command) => {
      const { client, output } = open(command);
      const operation = await client.api(`${pathOf(id)}/cancel`, DlqOperation, { method: 'POST', body: {} });
      output.print(operation, () => renderOperation(operation));
    });
  examples(cancel, 'dlqtriage cancel 01998f6e-…');
}

/** What a trial run says about the entries: how many would succeed, and why the others would fail again. */
function renderTrial({ count, trial }: DlqDryRun): string[] {
  if (!trial) return [];
  const { tried, succeeded, failures } = trial;
  const of = tried === count ? 'All of them were' : `${tried} of them, the oldest and the newest, were`;
  return [
    `${of} run now without storing anything: ${succeeded} of ${tried} would become events.`,
    ...failures.map(({ reason, count: times, message }) => {
      const remedy = remedyOf(reason);
      const next = reason === 'GONE' || remedy === 'redrive' ? '' : ` ${advice[remedy]}`;
      return `  ${times} would fail: ${reason}${message === null ? '' : `, ${printable(message)}`}.${next}`.replace('..', '.');
    }),
  ];
}

/** What to do first about a class that a redrive does not heal. */
const advice: Record<Exclude<Remedy, 'redrive'>, string> = {
  fix_secret: 'Correct the secret of the connection, then re-verify.',
  fix_settings: 'Change the settings or the mapping of the connection first.',
  fix_key: 'Restore the key of the org first.',
  discard: 'No retry heals this: look at a sample, then discard.',
};

const reasonsOf = (failures: DlqOperation['failures']) => failures.map(({ reason, count }) => `${reason} (${count})`).join(', ');

const pathOf = (id: string) => `/api/dlq/operations/${encodeURIComponent(id)}`;

function watchOperation(context: Context, started: DlqOperation): Promise<DlqOperation> {
  const { id } = started;
  return watch(context, started, {
    read: () => context.client.api(pathOf(id), DlqOperation),
    isOver: ({ status }) => status !== 'queued' && status !== 'running',
    total: (operation) => operation.total,
    done: (operation) => operation.done,
    note: ({ succeeded, failed }) => `${succeeded} succeeded, ${failed} failed`,
    leaving: `The operation continues on the server: dlqtriage operation ${id} shows its progress, dlqtriage cancel ${id} stops it.`,
  });
}

function renderOperation(operation: DlqOperation): string {
  return details([
    ['operation', operation.id],
    ['kind', operation.kind],
    ['status', operation.status],
    ['error', operation.error ?? undefined],
    ['done', `${operation.done} of ${operation.total}`],
    ['succeeded', operation.succeeded],
    ['failed', operation.failed],
    ['failed because', operation.failures.length > 0 ? reasonsOf(operation.failures) : undefined],
    ['started', time(operation.createdAt)],
    ['finished', time(operation.finishedAt)],
  ]);
}

function renderOperations(operations: readonly DlqOperation[]): string {
  return table(
    ['operation', 'kind', 'status', 'done', 'of', 'succeeded', 'failed', 'started (UTC)', 'finished (UTC)'],
    operations.map((one) => [
      one.id,
      one.kind,
      one.status,
      one.done,
      one.total,
      one.succeeded,
      one.failed,
      time(one.createdAt),
      time(one.finishedAt),
    ]),
    'No operation was started yet.',
  );
}
