import { ApprovalRequested } from '@tributary/shared/approvals.ts';
import {
  DlqAnalysis,
  DlqDryRun,
  DlqEntryDetail,
  DlqList,
  DlqOperation,
  DlqOperations,
  DlqRetried,
  DlqSamples,
  DlqStarted,
  DlqSummary,
} from '@tributary/shared/dlq.ts';
import { describeRoute } from 'hono-openapi';
import { z } from 'zod';
import { answers, command, type ProblemStatus, refuses, user } from '../platform/openapi-parts.ts';

/** Describes a command that changes every dead letter that matches a filter. */
const onDeadLetters = (operationId: string, summary: string, description: string, ...more: ProblemStatus[]) =>
  describeRoute({
    operationId,
    tags: ['Dead letters'],
    summary,
    description: `${description} With \`dryRun\` the entries are only counted; for a redrive and a re-verification, up to 20 of them are also run without writing, to say how many would succeed. The operation runs in the background. Repeating the same request while it runs returns the same operation.`,
    security: user,
    responses: {
      ...answers(200, 'With `dryRun`: how many entries would be changed.', DlqDryRun),
      ...answers(
        202,
        'The operation, started now or already running. A large purge may wait for a second person.',
        z.union([DlqStarted, ApprovalRequested]),
      ),
      ...refuses(...command, ...more),
    },
  });

/** The OpenAPI description of each route. */
export const describe = {
  listDeadLetters: describeRoute({
    operationId: 'listDeadLetters',
    tags: ['Dead letters'],
    summary: 'List dead letters',
    description: 'Newest first. A list is one parameter separated by commas, for example `statuses=pending,exhausted`.',
    security: user,
    responses: { ...answers(200, 'A page of dead letters.', DlqList), ...refuses(400, 401, 404, 503) },
  }),
  summariseDeadLetters: describeRoute({
    operationId: 'summariseDeadLetters',
    tags: ['Dead letters'],
    summary: 'Count dead letters by class and connection',
    description: 'Counts the open entries (pending, being retried or exhausted), unless `statuses` names others.',
    security: user,
    responses: { ...answers(200, 'The groups, largest first.', DlqSummary), ...refuses(400, 401, 404, 503) },
  }),
  sampleDeadLetters: describeRoute({
    operationId: 'sampleDeadLetters',
    tags: ['Dead letters'],
    summary: 'Look at some dead letters',
    description:
      'The samples are redacted. With `full`, owners and admins also get the deliveries as they were received; that is written to the audit log.',
    security: user,
    responses: { ...answers(200, 'The newest entries that match.', DlqSamples), ...refuses(400, 401, 403, 404, 503) },
  }),
  analyzeDeadLetters: describeRoute({
    operationId: 'analyzeDeadLetters',
    tags: ['Dead letters'],
    summary: 'Cluster dead letters and explain how to fix them',
    description: 'Groups entries that fail in the same way (same class, field, event and connection), with the likely cause and the fix.',
    security: user,
    responses: { ...answers(200, 'The clusters, largest first.', DlqAnalysis), ...refuses(400, 401, 404, 503) },
  }),
  getDeadLetter: describeRoute({
    operationId: 'getDeadLetter',
    tags: ['Dead letters'],
    summary: 'Read a dead letter',
    security: user,
    responses: { ...answers(200, 'The entry, with its last attempts.', DlqEntryDetail), ...refuses(401, 404, 503) },
  }),
  retryDeadLetter: describeRoute({
    operationId: 'retryDeadLetter',
    tags: ['Dead letters'],
    summary: 'Retry a dead letter now',
    description:
      'The entry goes through the current pipeline within two seconds. An entry for which no retry is planned is tried once; a rejected delivery is verified again.',
    security: user,
    responses: { ...answers(202, 'The retry is due.', DlqRetried), ...refuses(401, 403, 404, 409, 413, 415, 503) },
  }),
  discardDeadLetter: describeRoute({
    operationId: 'discardDeadLetter',
    tags: ['Dead letters'],
    summary: 'Give up a dead letter',
    description: 'The entry stays readable under the status `discarded`, and can be retried from there.',
    security: user,
    responses: { ...answers(200, 'The entry is given up.', DlqRetried), ...refuses(401, 403, 404, 409, 413, 415, 503) },
  }),
  redrive: onDeadLetters(
    'redriveDeadLetters',
    'Redrive dead letters',
    'Sends the pending and exhausted entries through the pipeline again.',
  ),
  discard: onDeadLetters('discardDeadLetters', 'Discard dead letters', 'Gives up the pending and exhausted entries. They stay readable.'),
  purge: onDeadLetters('purgeDeadLetters', 'Purge dead letters', 'Deletes the entries for good. A legal hold forbids it.', 409),
  reverify: onDeadLetters(
    'reverifyQuarantine',
    'Verify rejected deliveries again',
    'Verifies rejected deliveries with the secrets that are valid now, as of their time of arrival. Genuine deliveries become events.',
  ),
  listDlqOperations: describeRoute({
    operationId: 'listDlqOperations',
    tags: ['Dead letters'],
    summary: 'List operations on dead letters',
    security: user,
    responses: { ...answers(200, 'The newest fifty.', DlqOperations), ...refuses(400, 401, 404, 503) },
  }),
  getDlqOperation: describeRoute({
    operationId: 'getDlqOperation',
    tags: ['Dead letters'],
    summary: 'Read an operation and its progress',
    security: user,
    responses: { ...answers(200, 'The operation as it is now.', DlqOperation), ...refuses(401, 404, 503) },
  }),
  cancelDlqOperation: describeRoute({
    operationId: 'cancelDlqOperation',
    tags: ['Dead letters'],
    summary: 'Cancel an operation',
    description:
      'Takes effect before the next chunk. Entries that were processed stay processed. An operation that has ended does not change.',
    security: user,
    responses: { ...answers(200, 'The operation as it is now.', DlqOperation), ...refuses(401, 403, 404, 413, 415, 503) },
  }),
};
