import { Approval, ApprovalList } from '@tributary/shared/approvals.ts';
import { Argument, type Command } from 'commander';
import { UsageError } from '../errors.ts';
import { findOrg, withOrg } from '../orgs.ts';
import { details, table, time } from '../output.ts';
import { type EmailOf, readPeople } from '../people.ts';
import { examples, open } from '../program.ts';

const actions = ['list', 'approve', 'reject', 'withdraw'] as const;
type Action = (typeof actions)[number];

export function addApprovals(program: Command): void {
  const command = withOrg(program.command('approvals'))
    .description('List the acts that wait for a second person, and approve, reject or withdraw one')
    .addArgument(new Argument('[action]', 'what to do').choices(actions).default('list'))
    .argument('[id]', 'id of the request')
    .option('--all', 'list the decided ones too')
    .action(async (action: Action, id: string | undefined, { all }: { all?: true }, command: Command) => {
      const context = open(command);
      const { client, output } = context;
      if (action === 'list') {
        const orgId = (await findOrg(context)).id;
        const query = { orgId, status: all ? 'all' : 'pending', limit: 200 };
        const { approvals } = await client.api('/api/approvals', ApprovalList, { query });
        const emailOf = await readPeople(context, orgId);
        const named = approvals.map((one) => withPeople(one, emailOf));
        return output.print(named, () => renderApprovals(named));
      }
      if (id === undefined) throw new UsageError(`Give the id of the request: tributary approvals ${action} <id>`);
      const before = await client.api(`/api/approvals/${encodeURIComponent(id)}`, Approval);
      if (action === 'approve' && !output.json) output.note(`This cannot be undone: ${before.summary}`);
      const decided = await client.api(`/api/approvals/${encodeURIComponent(id)}/${action}`, Approval, { method: 'POST', body: {} });
      const named = withPeople(decided, await readPeople(context, decided.orgId));
      output.print(named, () => renderApproval(named));
    });
  examples(command, 'tributary approvals', 'tributary approvals approve 01998f6e-…', 'tributary approvals --all --json');
}

interface NamedApproval extends Approval {
  requestedByEmail: string | null;
  decidedByEmail: string | null;
}

function withPeople(approval: Approval, emailOf: EmailOf): NamedApproval {
  return { ...approval, requestedByEmail: emailOf(approval.requestedBy), decidedByEmail: emailOf(approval.decidedBy) };
}

function renderApprovals(approvals: readonly NamedApproval[]): string {
  return table(
    ['request', 'act', 'status', 'by', 'requested (UTC)', 'expires (UTC)'],
    approvals.map((one) => [
      one.id,
      one.summary,
      one.status,
      one.requestedByEmail ?? one.requestedBy,
      time(one.requestedAt),
      time(one.expiresAt),
    ]),
  );
}

function renderApproval({ id, summary, status, requestedBy, requestedByEmail, decidedBy, decidedByEmail }: NamedApproval): string {
  return details([
    ['request', id],
    ['act', summary],
    ['status', status],
    ['requested by', requestedByEmail ?? requestedBy],
    ['decided by', decidedByEmail ?? decidedBy],
  ]);
}
