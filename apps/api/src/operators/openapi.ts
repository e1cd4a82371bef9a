import { CreatedOperator, OperatorActs, Operators, OrgDetailForOperator, OrgsForOperator } from '@tributary/shared/operators.ts';
import { Quotas } from '@tributary/shared/quotas.ts';
import { describeRoute } from 'hono-openapi';
import type { z } from 'zod';
import { answers, operator, type ProblemStatus, refuses } from '../platform/openapi-parts.ts';

function describeOperation(
  operationId: string,
  summary: string,
  answer: { status?: number; says: string; schema?: z.ZodType },
  refusals: ProblemStatus[] = [],
  description?: string,
) {
  const { status = 200, says, schema } = answer;
  return describeRoute({
    operationId,
    tags: ['Operation'],
    summary,
    ...(description ? { description } : {}),
    security: operator,
    responses: {
      ...(schema ? answers(status, says, schema) : { [status]: { description: says } }),
      ...refuses(...refusals, 401, 429, 503),
    },
  });
}

const org = { says: 'The org as it is now.', schema: OrgDetailForOperator };
const quotas = { says: 'Every quota with its value, its default and its use.', schema: Quotas };
const change: ProblemStatus[] = [400, 404, 413, 415];

/** The OpenAPI description of each route. */
export const describe = {
  listOperators: describeOperation('listOperators', 'List the accounts of the operators', {
    says: 'The accounts, the active ones first, without their tokens.',
    schema: Operators,
  }),
  createOperator: describeOperation(
    'createOperator',
    'Create an account for an operator',
    { status: 201, says: 'The account with its token, which is shown this once.', schema: CreatedOperator },
    [400, 409, 413, 415],
    'Every act of an operator is recorded with the name of the account. Answers 409 when an account of this name is active.',
  ),
  revokeOperator: describeOperation(
    'revokeOperator',
    'Revoke the account of an operator, on every instance within a second',
    { status: 204, says: 'Revoked.' },
    [404],
  ),
  listActs: describeOperation(
    'listOperatorActs',
    'List what operators did, with their names and reasons',
    { says: 'The acts, newest first.', schema: OperatorActs },
    [400],
  ),
  listOrgs: describeOperation(
    'listOrgsForOperator',
    'List the orgs of the installation with what they use',
    { says: 'A page, the newest orgs first.', schema: OrgsForOperator },
    [400],
  ),
  getOrg: describeOperation('getOrgForOperator', 'Read one org with its owners, its use and its quotas', org, [404]),
  suspendOrg: describeOperation(
    'suspendOrg',
    'Suspend an org',
    org,
    change,
    'Its deliveries and the commands of its members are answered 403 `org_suspended`, its background work rests, and its members can read. ' +
      'Nothing is deleted. Every instance obeys within a second.',
  ),
  reactivateOrg: describeOperation('reactivateOrg', 'End the suspension of an org', org, change, 'Everything continues where it stood.'),
  setOrgQuotas: describeOperation(
    'setOrgQuotas',
    'Set quotas of an org',
    quotas,
    change,
    'A value of null removes the org\u2019s own value.',
  ),
  listDefaultQuotas: describeOperation('listDefaultQuotas', 'List the default of every quota', quotas),
  setDefaultQuotas: describeOperation('setDefaultQuotas', 'Set the default of quotas', quotas, [400, 413, 415]),
};
