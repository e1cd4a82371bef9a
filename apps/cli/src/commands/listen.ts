import { type JournalEntry, LatestEntries } from '@tributary/shared/journal.ts';
import type { Command } from 'commander';
import { findConnectionIds } from '../connections.ts';
import { Interrupted } from '../errors.ts';
import { findOrg, withOrg } from '../orgs.ts';
import { printable, time } from '../output.ts';
import { type Context, examples, open, wholeNumber } from '../program.ts';
import { pause, retryWhileUnavailable } from '../retry.ts';

const pollMs = 1_000;
const pageSize = 200;
/** The most pages that one poll reads. A person could not follow a server that receives more than this in a second. */
const pagesMax = 25;
/** A delivery becomes visible when it is committed, possibly after a delivery that was received later. No commit takes longer than this. */
const latestCommitMs = 30_000;
/** Nearly every commit happens within this time. */
const usualCommitMs = 2_000;

export function addListen(program: Command): void {
  const command = withOrg(program.command('listen'))
    .description('Show deliveries as they arrive, until Ctrl-C. With --json one object a line')
    .option('--connection <connection>', 'show only the deliveries of this connection (name or id)')
    .option('--last <count>', 'start with this many of the newest deliveries', wholeNumber(0, pageSize), 10)
    .action(async (flags: { connection?: string; last: number }, command: Command) => {
      const context = open(command);
      try {
        const org = await findOrg(context);
        const [connectionId] =
          (await findConnectionIds(context, org.id, flags.connection === undefined ? undefined : [flags.connection])) ?? [];
        await follow(context, { orgId: org.id, connectionId }, flags.last);
      } catch (error) {
        // Ctrl-C is the intended end of this command, so it is not reported as a failure.
        if (!(error instanceof Interrupted)) throw error;
      }
    });
  examples(
    command,
    'tributary listen',
    'tributary listen --connection "Shop EU" --last 0',
    `tributary listen --json | jq -r 'select(.outcome == "dead_lettered") | .id'`,
  );
}

interface Scope {
  orgId: string;
  connectionId: string | undefined;
}

async function follow(context: Context, scope: Scope, last: number): Promise<void> {
  const { output } = context;
  const begun = await readPage(context, scope, undefined);
  if (!output.json) output.note('received (UTC)       outcome        source      records  types');
  for (const entry of begun.slice(0, last).reverse()) printEntry(context, entry);
  // When the first page is full, deliveries older than it exist. They are not shown, because the user only asked for the newest ones.
  const beginning = begun.length < pageSize ? 0 : receivedMs(begun.at(-1));
  let seen = new Map(begun.map((entry) => [entry.id, receivedMs(entry)]));
  for (;;) {
    await pause(pollMs, context);
    for (const entry of await readFresh(context, scope, seen, beginning)) {
      printEntry(context, entry);
      seen.set(entry.id, receivedMs(entry));
    }
    const horizon = newestOf(seen) - latestCommitMs;
    seen = new Map([...seen].filter(([, at]) => at >= horizon));
  }
}

/** The deliveries that became visible since the last poll, oldest first. Pages are read from the newest backwards until no unseen delivery can follow. */
async function readFresh(context: Context, scope: Scope, seen: ReadonlyMap<string, number>, beginning: number): Promise<JournalEntry[]> {
  const newestSeen = newestOf(seen);
  const horizon = Math.max(beginning, newestSeen - latestCommitMs);
  const fresh: JournalEntry[] = [];
  let after: string | undefined;
  for (let page = 1; page <= pagesMax; page++) {
    const entries = await readPage(context, scope, after);
    const unseen = entries.filter((entry) => !seen.has(entry.id) && receivedMs(entry) >= horizon);
    fresh.push(...unseen);
    const oldest = receivedMs(entries.at(-1));
    if (entries.length < pageSize || oldest < horizon) break;
    if (unseen.length === 0 && oldest < newestSeen - usualCommitMs) break;
    if (page === pagesMax && unseen.length > 0)
      context.output.note(`More deliveries arrived than can be shown: the newest ${fresh.length} follow, older ones are skipped.`);
    after = entries.at(-1)?.id;
  }
  return fresh.reverse();
}

const receivedMs = (entry: JournalEntry | undefined) => Date.parse(entry?.receivedAt ?? '1970-01-01');
const newestOf = (seen: ReadonlyMap<string, number>) => [...seen.values()].reduce((newest, at) => Math.max(newest, at), 0);

async function readPage(context: Context, { orgId, connectionId }: Scope, after: string | undefined): Promise<JournalEntry[]> {
  const query = { orgId, connectionId, limit: pageSize, after };
  const { entries } = await retryWhileUnavailable(context, () => context.client.api('/api/events/latest', LatestEntries, { query }));
  return entries;
}

function printEntry({ output }: Context, entry: JournalEntry): void {
  output.printLine(entry, () =>
    [
      time(entry.receivedAt)?.padEnd(19),
      entry.outcome.padEnd(13),
      entry.sourceType.padEnd(10),
      String(entry.recordCount).padStart(7),
      ` ${printable(entry.eventTypes.join(', '))}`,
      ` ${printable(entry.connectionName)}`,
      entry.isTest ? ' test' : '',
      entry.replayOf ? ` replay of ${entry.replayOf}` : '',
      ` ${entry.id}`,
    ]
      .filter(Boolean)
      .join('  '),
  );
}
