import { CreatedOperator, OperatorActs, Operators, OrgDetailForOperator, OrgsForOperator } from '@tributary/shared/operators.ts';
import { type Quota, Quotas } from '@tributary/shared/quotas.ts';
import { type Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import type { Client } from '../client.ts';
import { Failure, UsageError } from '../errors.ts';
import { findOrg, withOrg } from '../orgs.ts';
import { details, section, table, time } from '../output.ts';
import { examples, open, wholeNumber } from '../program.ts';

/** The commands by which operators see, cap, suspend and reactivate orgs, and manage their own accounts. */
export function addAdministration(program: Command): void {
  addOrgs(program);
  addSuspension(program);
  addQuotas(program);
  addOperators(program);
}

const withToken = (command: Command) =>
  command.option('--operator-token <token>', 'the operator token (TRIBUTARY_OPERATOR_TOKEN; else the local stack)');
const megabytes = (bytes: number) => `${(bytes / 1_000_000).toFixed(1)} MB`;

function addOrgs(program: Command): void {
  const orgs = withToken(program.command('orgs'))
    .description('List the orgs of the installation with what they use, newest first')
    .option('--search <text>', 'only orgs whose name or slug contains this text, or with this id')
    .option('--suspended', 'only suspended orgs')
    .option('--limit <number>', 'how many to show', wholeNumber(1, 200), 50)
    .option('--cursor <cursor>', '`next` of the previous page')
    .action(async ({ search, suspended, limit, cursor }, command: Command) => {
      const { client, output } = open(command);
      const query = { search, suspended, limit, cursor };
      const page = await client.api('/api/admin/orgs', OrgsForOperator, { query, as: 'operator' });
      output.print(page, () =>
        table(
          ['org', 'slug', 'members', 'connections', 'events today', 'stored', 'open work', 'state', 'id'],
          page.orgs.map((org) => [
            org.name,
            org.slug,
            org.members,
            org.connections,
            org.eventsToday,
            megabytes(org.storedBytes),
            org.openWork,
            org.suspendedAt ? 'suspended' : (org.exceeded ?? 'active'),
            org.id,
          ]),
        ),
      );
      if (page.next !== null) output.note(`There are more: --cursor ${page.next}`);
    });
  examples(orgs, 'tributary orgs --search aurora', 'tributary orgs --suspended --json | jq ".orgs[].id"');

  const org = withToken(program.command('org'))
    .description('Show one org with its owners, its use and its quotas')
    .argument('<org>', 'id or slug of the org')
    .action(async (text: string, _flags, command: Command) => {
      const { client, output } = open(command);
      const found = await client.api(`/api/admin/orgs/${await findId(client, text)}`, OrgDetailForOperator, { as: 'operator' });
      output.print(found, () => renderOrg(found));
    });
  examples(org, 'tributary org loja-aurora-0f3c2b1a9d');
}

function addSuspension(program: Command): void {
  const suspend = withToken(program.command('suspend'))
    .description('Suspend an org: its deliveries and commands are refused, its background work rests, nothing is deleted')
    .argument('<org>', 'id or slug of the org')
    .requiredOption('--reason <reason>', 'the reason, which the members of the org see and which is recorded')
    .action(async (text: string, { reason }, command: Command) => {
      const { client, output } = open(command);
      const path = `/api/admin/orgs/${await findId(client, text)}/suspend`;
      const found = await client.api(path, OrgDetailForOperator, { method: 'POST', body: { reason }, as: 'operator' });
      output.print(found, () => renderOrg(found));
    });
  examples(suspend, 'tributary suspend loja-aurora-0f3c2b1a9d --reason "floods strangers with mail"');

  const reactivate = withToken(program.command('reactivate'))
    .description('End the suspension of an org: everything continues where it stood')
    .argument('<org>', 'id or slug of the org')
    .option('--reason <reason>', 'the reason, which is recorded')
    .action(async (text: string, { reason }, command: Command) => {
      const { client, output } = open(command);
      const path = `/api/admin/orgs/${await findId(client, text)}/reactivate`;
      const found = await client.api(path, OrgDetailForOperator, { method: 'POST', body: { reason }, as: 'operator' });
      output.print(found, () => renderOrg(found));
    });
  examples(reactivate, 'tributary reactivate loja-aurora-0f3c2b1a9d --reason "the invoice is paid"');
}

function addQuotas(program: Command): void {
  const quotas = withOrg(program.command('quotas'))
    .description('Show the quotas of your org and what is used of them')
    .action(async (_flags, command: Command) => {
      const context = open(command);
      const { quotas } = await context.client.api(`/api/orgs/${(await findOrg(context)).id}/quotas`, Quotas);
      context.output.print({ quotas }, () => renderQuotas(quotas));
    });
  examples(quotas, 'tributary quotas', 'tributary quotas --org loja-aurora-0f3c2b1a9d');

  const cap = withToken(program.command('cap'))
    .description('Set quotas of an org, or the defaults of all orgs')
    .argument('<org>', 'id or slug of the org; `default` for the values of all orgs')
    .argument('<name=value...>', 'quotas with their new values; `default` as the value removes the value of the org', parseQuota)
    .option('--reason <reason>', 'the reason, which is recorded')
    .action(async (text: string, values: Record<string, number | null>, { reason }, command: Command) => {
      const { client, output } = open(command);
      const path = text === 'default' ? '/api/admin/quotas' : `/api/admin/orgs/${await findId(client, text)}/quotas`;
      const { quotas } = await client.api(path, Quotas, { method: 'PATCH', body: { quotas: values, reason }, as: 'operator' });
      output.print({ quotas }, () => renderQuotas(quotas));
    });
  examples(
    cap,
    'tributary cap loja-aurora-0f3c2b1a9d events_per_day=20000000 connections=500 --reason "annual contract"',
    'tributary cap loja-aurora-0f3c2b1a9d connections=default',
    'tributary cap default events_per_day=1000000',
  );
}

function addOperators(program: Command): void {
  const operators = withToken(program.command('operators'))
    .description('List the accounts of the operators, create one or revoke one')
    .option('--create <name>', 'create an account and print its token, which is shown this once')
    .option('--revoke <name>', 'revoke an account, on every instance within a second')
    .action(async ({ create, revoke }, command: Command) => {
      const { client, output } = open(command);
      if (create !== undefined && revoke !== undefined) throw new UsageError('Give --create or --revoke, not both.');
      if (create !== undefined) {
        const made = await client.api('/api/admin/operators', CreatedOperator, { method: 'POST', body: { name: create }, as: 'operator' });
        output.print(made, () => made.token);
        output.note(`This is the token of ${made.name}. It is shown this once: keep it in a password manager.`);
        return;
      }
      if (revoke !== undefined)
        await client.api(`/api/admin/operators/${encodeURIComponent(revoke)}`, z.unknown(), { method: 'DELETE', as: 'operator' });
      const found = await client.api('/api/admin/operators', Operators, { as: 'operator' });
      output.print(found, () =>
        table(
          ['name', 'created by', 'created', 'last used', 'revoked'],
          found.operators.map((one) => [one.name, one.createdBy, time(one.createdAt), one.lastUsedOn, time(one.revokedAt)]),
          'There is no named account: create one for each operator with --create.',
        ),
      );
    });
  examples(operators, 'tributary operators', 'tributary operators --create ana', 'tributary operators --revoke ana');

  const acts = withToken(program.command('acts'))
    .description('List what operators did, with their names and reasons, newest first')
    .option('--limit <number>', 'how many to show', wholeNumber(1, 200), 50)
    .option('--cursor <cursor>', '`next` of the previous page')
    .action(async ({ limit, cursor }, command: Command) => {
      const { client, output } = open(command);
      const page = await client.api('/api/admin/acts', OperatorActs, { query: { limit, cursor }, as: 'operator' });
      output.print(page, () =>
        table(
          ['at', 'operator', 'act', 'org', 'reason'],
          page.acts.map((act) => [time(act.at), act.operator, act.action, act.orgId, act.reason]),
        ),
      );
    });
  examples(acts, 'tributary acts', 'tributary acts --json | jq ".acts[0]"');
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The id of the org with this id or exactly this slug. */
async function findId(client: Client, text: string): Promise<string> {
  if (uuid.test(text)) return text;
  const { orgs } = await client.api('/api/admin/orgs', OrgsForOperator, { query: { search: text, limit: 200 }, as: 'operator' });
  const org = orgs.find(({ slug }) => slug === text);
  if (!org) throw new Failure(`There is no org with the slug ${text}: \`tributary orgs --search\` finds orgs by their name.`);
  return org.id;
}

function parseQuota(text: string, before: Record<string, number | null> | undefined): Record<string, number | null> {
  const [, name, value] = /^([a-z_]+)=(\d{1,15}|default)$/.exec(text) ?? [];
  if (name === undefined || value === undefined)
    throw new InvalidArgumentError('It must be a name and a whole number, such as connections=500, or connections=default.');
  return { ...before, [name]: value === 'default' ? null : Number(value) };
}

function renderOrg(org: OrgDetailForOperator): string {
  return [
    details([
      ['org', org.name],
      ['slug', org.slug],
      ['id', org.id],
      ['created', time(org.createdAt)],
      ['owners', org.owners.join(', ')],
      ['state', org.suspendedAt ? `suspended since ${time(org.suspendedAt)}: ${org.suspendedReason}` : 'active'],
      ['deliveries', org.exceeded ? `refused: the quota ${org.exceeded} is used up` : undefined],
      ['open work', org.openWork],
    ]),
    section('Quotas', renderQuotas(org.quotas)),
  ].join('\n\n');
}

function renderQuotas(quotas: readonly Quota[]): string {
  return table(
    ['quota', 'used', 'value', 'default'],
    quotas.map((quota) => [quota.name, quota.used, quota.value, quota.defaultValue]),
  );
}
