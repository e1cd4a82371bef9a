import { type Connection, DeliveryAnswer, ProblemAnswer, type SourceEntry, TestedConnection } from '@tributary/shared/api.ts';
import type { Command } from 'commander';
import { listConnections } from '../connections.ts';
import { Failure, UsageError } from '../errors.ts';
import { findByName } from '../find-by-name.ts';
import { findOrg, withOrg } from '../orgs.ts';
import { details, table } from '../output.ts';
import { type Context, examples, open } from '../program.ts';
import { checkSources, listSources } from '../sources.ts';

export function addSend(program: Command): void {
  const command = withOrg(program.command('send'))
    .description(
      'Send a correctly signed sample of a platform to the real endpoint. Without a sample, list the samples. Exits with 1 when the delivery is refused',
    )
    .argument('[type]', 'the source, for example hotmart')
    .argument('[sample]', 'one of its samples')
    .option('--connection <connection>', 'name or id; required when the org has several connections of this type')
    .action(async (type: string | undefined, sample: string | undefined, flags: { connection?: string }, command: Command) => {
      const context = open(command);
      const { client, output } = context;
      const catalogue = await listSources(context);
      if (type !== undefined) checkSources(catalogue, [type]);
      const sources = type === undefined ? catalogue : catalogue.filter((source) => source.type === type);
      if (type === undefined || sample === undefined) return output.print(sources.map(toSamples), () => renderSamples(sources));
      const names = sources[0]?.samples.map(({ name }) => name) ?? [];
      const name = names.find((known) => known.toLowerCase() === sample.toLowerCase());
      if (!name) throw new UsageError(`${type} has no sample ${sample}. Its samples are ${names.join(', ')}.`);
      const connection = await findConnection(context, type, flags.connection);
      const sent = await client.api(`/api/connections/${connection.id}/test`, TestedConnection, { method: 'POST', body: { sample: name } });
      output.print({ connectionId: connection.id, ...sent }, () => renderSent(connection, sent));
      const { status } = sent.response;
      if (status >= 300) throw new Failure(`The sample was refused with ${status}.`, { status });
    });
  examples(
    command,
    'tributary send                              # every source and its samples',
    'tributary send hotmart                      # the samples of one source',
    'tributary send hotmart PURCHASE_APPROVED',
    'tributary send stripe checkout.session.completed --connection "Shop EU" --json',
  );
}

async function findConnection(context: Context, type: string, name: string | undefined): Promise<Connection> {
  const orgId = context.target.org === undefined ? undefined : (await findOrg(context)).id;
  const all = await listConnections(context, orgId, name);
  const ofType = all.filter((connection) => connection.type === type);
  if (name !== undefined) return findByName(ofType, name, `${type} connection`, (connection) => [connection.name]);
  const [connection, another] = ofType;
  if (another) throw new UsageError(`Say which one with --connection: ${ofType.map((one) => `${one.name} (${one.id})`).join(', ')}.`);
  if (!connection) throw new Failure(`There is no ${type} connection that this user may see.`);
  return connection;
}

const toSamples = ({ type, label, samples }: SourceEntry) => ({ type, label, samples });

function renderSamples(sources: readonly SourceEntry[]): string {
  return table(
    ['type', 'sample', 'description'],
    sources.flatMap((source) => source.samples.map((sample) => [source.type, sample.name, sample.label])),
  );
}

function renderSent(connection: Connection, { sample, response, durationMs }: TestedConnection): string {
  const delivered = DeliveryAnswer.safeParse(response.body).data;
  const problem = ProblemAnswer.safeParse(response.body).data;
  const head = details([
    ['sample', sample],
    ['connection', connection.name],
    ['answer', `${response.status} in ${durationMs} ms`],
    ['outcome', delivered?.status ?? problem?.detail ?? problem?.title],
  ]);
  if (!delivered) return head;
  const rows = delivered.records.map((record, index) => [index + 1, record.status, record.eventId ?? record.dlqId, record.code]);
  return `${head}\n\n${table(['record', 'status', 'event or dead letter', 'code'], rows)}`;
}
