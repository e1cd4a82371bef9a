import { ReplayMode } from '@tributary/shared/journal.ts';
import { type ApproveReplay, type CreateReplay, ReplayList, ReplayPlan, ReplayPreview } from '@tributary/shared/replays.ts';
import { type Command, Option } from 'commander';
import { findConnectionIds } from '../connections.ts';
import { Failure, UsageError } from '../errors.ts';
import { list, listOf, moment } from '../option-parsers.ts';
import { findOrg, withOrg } from '../orgs.ts';
import { duration, table, time } from '../output.ts';
import { readPeople } from '../people.ts';
import { type Context, examples, open, wholeNumber } from '../program.ts';
import { renderAudit, renderPlan, withPeople } from '../render-plan.ts';
import { checkSources, listSources } from '../sources.ts';
import { watch } from '../watch.ts';

const outcomes = ['accepted', 'duplicate', 'dead_lettered', 'mixed', 'incomplete'] as const;

interface PlanFlags {
  name?: string;
  from: string;
  to: string;
  sources?: string[];
  types?: string[];
  outcomes?: (typeof outcomes)[number][];
  connections?: string[];
  includeReplays?: true;
  mode: ReplayMode;
  throttle: number;
  dryRun?: true;
}

export function addPlans(program: Command): void {
  const plan = withOrg(program.command('plan'))
    .description('Plan a replay: count the matching deliveries and estimate the duration. Nothing runs before the plan is approved')
    .requiredOption(
      '--from <moment>',
      'deliveries received at this time or later: 2026-11-24, 2026-11-24T10:30 (UTC), or an age such as 24h or 7d',
      moment,
    )
    .option('--to <moment>', 'deliveries received before this time', moment, moment('now'))
    .option('--sources <types>', 'only these sources, for example hotmart,stripe', list)
    .option('--types <types>', 'only deliveries with these event types, canonical or the platform’s own', list)
    .option('--connections <connections>', 'only these connections, by name or id', list)
    .option('--outcomes <outcomes>', `only deliveries with these outcomes: ${outcomes.join(', ')}`, listOf(outcomes))
    .option('--include-replays', 'include deliveries that are replays themselves')
    .addOption(
      new Option('--mode <mode>', 'reprocess rewrites the stored events with the current pipeline')
        .choices(ReplayMode.options)
        .default('replay'),
    )
    .option('--throttle <count>', 'deliveries a second', wholeNumber(1, 1_000), 100)
    .option('--name <name>', 'a name for the plan')
    .option('--dry-run', 'count the deliveries without creating a plan')
    .action(async (flags: PlanFlags, command: Command) => {
      const context = open(command);
      const body = await toRequest(context, flags);
      if (flags.dryRun) return preview(context, body);
      const made = await context.client.api('/api/replays', ReplayPlan, { method: 'POST', body, timeoutMs: 60_000 });
      await print(context, made);
      context.output.note(nextStep(made));
    });
  examples(
    plan,
    'replayctl plan --org demo --from 2026-11-01 --to 2026-11-02 --sources hotmart,stripe --throttle 100',
    'replayctl plan --from 24h --types order.paid --outcomes dead_lettered --dry-run',
    'replayctl plan --from 7d --connections "Shop EU" --mode reprocess --json | jq -r .id',
  );

  const approve = program
    .command('approve')
    .description('Approve a plan. Above the threshold a second person must approve it and give a reference')
    .argument('<plan>', 'id of the plan')
    .option('--rfa <reference>', 'the request for approval or the ticket, for example RFA-1234')
    .action(async (id: string, { rfa }: { rfa?: string }, command: Command) => {
      const body: ApproveReplay = rfa === undefined ? {} : { reference: rfa };
      await change(open(command), id, 'approve', body);
    });
  examples(approve, 'replayctl approve 01998f6e-… --rfa RFA-1234');

  const start = program
    .command('run')
    .description('Run an approved plan and show its progress until it is completed. Ctrl-C leaves it running')
    .requiredOption('--plan <plan>', 'id of the plan')
    .option('--detach', 'start the plan and return without waiting')
    .action(async ({ plan: id, detach }: { plan: string; detach?: true }, command: Command) => {
      const context = open(command);
      const started = await startOrJoin(context, id);
      const ended = detach ? started : await watchPlan(context, started);
      await print(context, ended);
      if (!detach && ended.status !== 'completed')
        throw new Failure(`The plan is ${ended.status}${ended.error ? `: ${ended.error}` : ''}.`);
    });
  examples(start, 'replayctl run --plan 01998f6e-…', 'replayctl run --plan 01998f6e-… --detach --json');

  const status = program
    .command('status')
    .description('Show a plan with its progress, its figures and its audit log')
    .argument('<plan>', 'id of the plan')
    .action(async (id: string, _, command: Command) => {
      const context = open(command);
      await print(context, await context.client.api(pathOf(id), ReplayPlan), { withAudit: true });
    });
  examples(status, 'replayctl status 01998f6e-…', 'replayctl status 01998f6e-… --json | jq .processed');

  const all = withOrg(program.command('list'))
    .description('List the plans of an org, newest first')
    .option('--limit <count>', 'the most plans to show', wholeNumber(1, 200), 50)
    .option('--cursor <cursor>', 'continue where the previous list ended')
    .action(async ({ limit, cursor }: { limit: number; cursor?: string }, command: Command) => {
      const context = open(command);
      const query = { orgId: (await findOrg(context)).id, limit, cursor };
      const { plans, next } = await context.client.api('/api/replays', ReplayList, { query });
      context.output.print(plans, () => renderPlans(plans));
      if (next) context.output.note(`More plans follow: --cursor ${next}`);
    });
  examples(all, 'replayctl list --org demo', `replayctl list --json | jq -r '.[] | select(.status == "running") | .id'`);

  const changes = {
    pause: 'Pause a running plan; it keeps its position',
    resume: 'Continue a paused plan',
    cancel: 'Cancel a plan; it cannot be resumed',
  } as const;
  for (const name of ['pause', 'resume', 'cancel'] as const) {
    const command = program
      .command(name)
      .description(changes[name])
      .argument('<plan>', 'id of the plan')
      .action(async (id: string, _, command: Command) => change(open(command), id, name));
    examples(command, `replayctl ${name} 01998f6e-…`);
  }
}

const pathOf = (id: string) => `/api/replays/${encodeURIComponent(id)}`;

async function toRequest(context: Context, flags: PlanFlags): Promise<CreateReplay> {
  const { from, to, sources, types, outcomes, connections, includeReplays } = flags;
  if (Date.parse(from) >= Date.parse(to)) throw new UsageError('--to must be later than --from.');
  if (sources) checkSources(await listSources(context), sources);
  const org = await findOrg(context);
  const connectionIds = await findConnectionIds(context, org.id, connections);
  return {
    orgId: org.id,
    name: flags.name,
    mode: flags.mode,
    throttlePerSecond: flags.throttle,
    filter: { from, to, sources, eventTypes: types, outcomes, connectionIds, includeReplays },
  };
}

async function preview({ client, output }: Context, body: CreateReplay): Promise<void> {
  const counted = await client.api('/api/replays', ReplayPreview, { method: 'POST', body: { ...body, dryRun: true }, timeoutMs: 60_000 });
  const approval = counted.needsSecondApproval ? ' A second person must approve a plan of this size, with --rfa.' : '';
  output.print(
    counted,
    () =>
      `${counted.count} deliveries match, about ${duration(counted.estimatedSeconds)} at ${body.throttlePerSecond} a second.${approval}`,
  );
}

function nextStep({ id, needsSecondApproval }: ReplayPlan): string {
  return needsSecondApproval
    ? `Next: a second person approves it with replayctl approve ${id} --rfa <reference>`
    : `Next: replayctl approve ${id}, then replayctl run --plan ${id}`;
}

async function change(context: Context, id: string, action: 'approve' | 'pause' | 'resume' | 'cancel', body: object = {}): Promise<void> {
  await print(context, await context.client.api(`${pathOf(id)}/${action}`, ReplayPlan, { method: 'POST', body }));
}

/** Prints a plan with its people by e-mail address, which the API names by id. */
async function print(context: Context, plan: ReplayPlan, { withAudit = false } = {}): Promise<void> {
  const named = withPeople(plan, await readPeople(context, plan.orgId));
  context.output.print(named, () => [renderPlan(named), ...(withAudit && named.audit ? [renderAudit(named.audit)] : [])].join('\n\n'));
}

/** Starts the plan, or follows the run when somebody else has already started it. */
async function startOrJoin({ client }: Context, id: string): Promise<ReplayPlan> {
  try {
    return await client.api(`${pathOf(id)}/run`, ReplayPlan, { method: 'POST', body: {} });
  } catch (error) {
    if (!(error instanceof Failure) || error.status !== 409) throw error;
    const found = await client.api(pathOf(id), ReplayPlan);
    if (found.status === 'running') return found;
    throw error;
  }
}

function watchPlan(context: Context, started: ReplayPlan): Promise<ReplayPlan> {
  const { id } = started;
  return watch(context, started, {
    read: () => context.client.api(pathOf(id), ReplayPlan),
    isOver: ({ status }) => status !== 'running' && status !== 'approved',
    total: (plan) => plan.matchedCount,
    done: (plan) => plan.processed,
    note: ({ ratePerSecond, etaSeconds, deadLettered, failed }) =>
      [
        ratePerSecond === null ? '' : `${Math.round(ratePerSecond)}/s`,
        etaSeconds === null ? '' : `${duration(etaSeconds)} left`,
        ...(deadLettered + failed > 0 ? [`${deadLettered + failed} did not become events`] : []),
      ].join('  '),
    leaving: `The plan continues on the server: replayctl status ${id} shows its progress, replayctl pause ${id} pauses it.`,
  });
}

function renderPlans(plans: readonly ReplayPlan[]): string {
  return table(
    ['plan', 'name', 'status', 'done', 'of', 'from (UTC)', 'to (UTC)', 'created (UTC)'],
    plans.map((one) => [
      one.id,
      one.name,
      one.status,
      one.processed,
      one.matchedCount,
      time(one.filter.from),
      time(one.filter.to),
      time(one.createdAt),
    ]),
    'No replay plans yet: make one with replayctl plan.',
  );
}
