import { type DlqFilter, DlqStatus } from '@tributary/shared/dlq.ts';
import { type ErrorClass, errorClasses } from '@tributary/shared/errors.ts';
import { type Command, InvalidArgumentError } from 'commander';
import { findConnectionIds } from './connections.ts';
import { UsageError } from './errors.ts';
import { list, listOf, moment } from './option-parsers.ts';
import { findOrg, withOrg } from './orgs.ts';
import type { Context } from './program.ts';
import { checkSources, listSources } from './sources.ts';

export interface FilterFlags {
  reason?: ErrorClass[];
  source?: string[];
  connection?: string[];
  status?: DlqStatus[];
  type?: string[];
  field?: string;
  id?: string[];
  from?: string;
  to?: string;
  olderThan?: number;
  quarantine?: boolean;
}

const reasons = Object.keys(errorClasses) as ErrorClass[];

/** Adds the options that select dead letters. An entry must match all the options that are given. */
export function withFilter(command: Command): Command {
  return withOrg(command)
    .option('--reason <classes>', 'error classes, for example SCHEMA_DRIFT,MISSING_FIELD', listOf(reasons))
    .option('--source <types>', 'sources, for example hotmart,stripe', list)
    .option('--connection <connections>', 'connections, by name or id', list)
    .option('--status <statuses>', DlqStatus.options.join(', '), listOf(DlqStatus.options))
    .option('--type <types>', 'event names of the platform', list)
    .option('--field <path>', 'the field concerned, for example data.purchase.transaction')
    .option('--id <ids>', 'only the entries with these ids', list)
    .option('--from <moment>', 'created at this time or later: 2026-11-24, 2026-11-24T10:30 (UTC), or an age such as 24h or 7d', moment)
    .option('--to <moment>', 'created before this time', moment)
    .option('--older-than <days>', 'created at least this many days ago', days)
    .option('--quarantine', 'only deliveries that failed verification')
    .option('--no-quarantine', 'without deliveries that failed verification');
}

/** Builds the API's filter from the options, with names resolved to ids. */
export async function toFilter(context: Context, flags: FilterFlags): Promise<DlqFilter & { orgId: string }> {
  if (flags.from && flags.to && Date.parse(flags.from) >= Date.parse(flags.to)) throw new UsageError('--to must be later than --from.');
  if (flags.source) checkSources(await listSources(context), flags.source);
  const org = await findOrg(context);
  return {
    orgId: org.id,
    classes: flags.reason,
    sources: flags.source,
    connectionIds: await findConnectionIds(context, org.id, flags.connection),
    statuses: flags.status,
    sourceEventTypes: flags.type,
    fieldPath: flags.field,
    ids: flags.id,
    from: flags.from,
    to: flags.to,
    olderThanDays: flags.olderThan,
    quarantine: flags.quarantine,
  };
}

function days(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value > 3650) throw new InvalidArgumentError('It must be a number of days, at most 3650.');
  return value;
}
