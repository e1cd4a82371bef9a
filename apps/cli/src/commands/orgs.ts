import { OrgDeletion } from '@tributary/shared/org-deletion.ts';
import { Retention, type SetRetention } from '@tributary/shared/retention.ts';
import { type Command, InvalidArgumentError } from 'commander';
import { Failure } from '../errors.ts';
import { findOrg, withOrg } from '../orgs.ts';
import { details, table, time } from '../output.ts';
import { examples, open } from '../program.ts';

/** Commands about an org itself: how long it keeps its data, and its deletion. */
export function addOrgCommands(program: Command): void {
  addRetention(program);
  addDeletion(program);
}

function addRetention(program: Command): void {
  const command = withOrg(program.command('retention'))
    .description(
      'Show how long the org keeps its data, and change it. A shorter time applies a day later, and then older data is deleted for good',
    )
    .option('--events <days>', 'days for canonical events, or max', daysOrMax)
    .option('--deliveries <days>', 'days for the journal and the bodies of deliveries, or max', daysOrMax)
    .option('--dead-letters <days>', 'days for dead letters, or max', daysOrMax)
    .option('--activity <days>', 'days for the figures of connections, or max', daysOrMax)
    .action(
      async (
        { events, deliveries, deadLetters, activity }: { events?: Days; deliveries?: Days; deadLetters?: Days; activity?: Days },
        command: Command,
      ) => {
        const context = open(command);
        const path = `/api/orgs/${(await findOrg(context)).id}/retention`;
        const body: SetRetention = {
          events: toDays(events),
          deliveries: toDays(deliveries),
          dead_letters: toDays(deadLetters),
          activity: toDays(activity),
        };
        const changes = Object.values(body).some((value) => value !== undefined);
        const { rules } = await context.client.api(path, Retention, changes ? { method: 'PATCH', body } : {});
        context.output.print({ rules }, () =>
          table(
            ['data', 'days', 'at most', 'applies from (UTC)'],
            rules.map((rule) => [rule.kind, rule.keepDays, rule.maximumDays, time(rule.appliesFrom)]),
            '',
          ),
        );
      },
    );
  examples(command, 'tributary retention', 'tributary retention --events 90 --dead-letters 30', 'tributary retention --events max --json');
}

type Days = number | 'max';
const toDays = (days: Days | undefined) => (days === 'max' ? null : days);

function daysOrMax(text: string): Days {
  if (text === 'max') return text;
  const days = Number(text);
  if (!Number.isInteger(days) || days < 1) throw new InvalidArgumentError('Give a number of days, or max.');
  return days;
}

function addDeletion(program: Command): void {
  const command = withOrg(program.command('deletion'))
    .description('Show whether the org is going to be deleted; request its deletion, or cancel it within seven days. Only for owners')
    .option('--request <name>', 'request the deletion: the name of the org, typed exactly')
    .option('--cancel', 'cancel the deletion')
    .option('-y, --yes', 'do not ask for confirmation')
    .action(async ({ request, cancel, yes }: { request?: string; cancel?: true; yes?: true }, command: Command) => {
      const context = open(command);
      const { client, output } = context;
      const org = await findOrg(context);
      const path = `/api/orgs/${org.id}/deletion`;
      const question = `Delete the org ${org.name} at ${client.url} in seven days, for good? Its connections refuse deliveries from now on`;
      if (request !== undefined && !yes && !(await output.confirm(`${question}.`))) throw new Failure('Nothing was done.');
      const deletion = await client.api(
        path,
        OrgDeletion,
        request !== undefined ? { method: 'POST', body: { name: request, irreversible: true } } : cancel ? { method: 'DELETE' } : {},
      );
      output.print(deletion, () =>
        details([
          ['org', org.name],
          ['deletion', deletion.status],
          ['requested', deletion.requestedAt === null ? undefined : time(deletion.requestedAt)],
          ['begins', deletion.startsAt === null ? undefined : time(deletion.startsAt)],
          ['waits for', deletion.waitsFor ?? undefined],
          ['rows deleted', deletion.status === 'running' ? deletion.rowsDeleted : undefined],
        ]),
      );
    });
  examples(command, 'tributary deletion', 'tributary deletion --org acme --request "Acme Ltda"', 'tributary deletion --org acme --cancel');
}
