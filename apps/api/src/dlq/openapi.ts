import {
  DlqAnalysis,
  DlqDryRun,
  DlqEntry,
  DlqList,
  DlqOperation,
  DlqOperations,
  DlqRetried,
  DlqSamples,
  DlqStarted,
  DlqSummary,
} from '@tributary/shared/dlq.ts';
import { describeRoute } from 'hono-openapi';
import { answers, command, type ProblemStatus, refuses, user } from '../platform/openapi-parts.ts';

/** A command on every dead letter that matches a filter. */
const onDeadLetters = (operationId: string, summary: string, description: string, ...more: ProblemStatus[]) =>
  describeRoute({
    operationId,
    tags: ['Dead letters'],
    summary,
    description: `${description} With \`dryRun\` only counted. Runs in the background; asked again while it runs, it is the same operation.`,
    security: user,
    responses: {
      ...answers(200, 'How many it would touch (`dryRun`).', DlqDryRun),
      ...answers(202, 'Started, or running already.', DlqStarted),
      ...refuses(...command, ...more),
    },
  });

/** What each route says of itself. */
export const describe = {
  listDeadLetters: describeRoute({
    operationId: 'listDeadLetters',
    tags: ['Dead letters'],
    summary: 'List dead letters',
    description: 'Newest first. Lists are one parameter with commas, as `statuses=pending,exhausted`.',
    security: user,
    responses: { ...answers(200, 'A page of them.', DlqList), ...refuses(400, 401, 404, 503) },
  }),
  summariseDeadLetters: describeRoute({
    operationId: 'summariseDeadLetters',
    tags: ['Dead letters'],
    summary: 'Count dead letters by class and connection',
    description: 'Those that are still open, unless `statuses` says otherwise.',
    security: user,
    responses: { ...answers(200, 'The groups, largest first.', DlqSummary), ...refuses(400, 401, 404, 503) },
  }),
  sampleDeadLetters: describeRoute({
    operationId: 'sampleDeadLetters',
    tags: ['Dead letters'],
    summary: 'Look at some dead letters',
    description: 'Redacted. With `full`, for owners and admins, also the deliveries as they came; that is written to the audit log.',
    security: user,
    responses: { ...answers(200, 'The newest that match.', DlqSamples), ...refuses(400, 401, 403, 404, 503) },
  }),
  analyzeDeadLetters: describeRoute({
    operationId: 'analyzeDeadLetters',
    tags: ['Dead letters'],
    summary: 'Cluster dead letters and say what to do',
    description: 'Entries that fail alike (class, field, event, connection), with the likely cause and the fix.',
    security: user,
    responses: { ...answers(200, 'The clusters, largest first.', DlqAnalysis), ...refuses(400, 401, 404, 503) },
  }),
  getDeadLetter: describeRoute({
    operationId: 'getDeadLetter',
    tags: ['Dead letters'],
    summary: 'Read a dead letter',
    security: user,
    responses: { ...answers(200, 'The entry.', DlqEntry), ...refuses(401, 404, 503) },
  }),
  retryDeadLetter: describeRoute({
    operationId: 'retryDeadLetter',
    tags: ['Dead letters'],
    summary: 'Retry a dead letter now',
    description:
      'It goes through the pipeline as it is now, within two seconds. Also what no retry is planned for is tried once; a rejected delivery is verified again.',
    security: user,
    responses: { ...answers(202, 'It is due.', DlqRetried), ...refuses(401, 403, 404, 409, 413, 415, 503) },
  }),
  redrive: onDeadLetters('redriveDeadLetters', 'Redrive dead letters', 'Sends what is pending or exhausted through the pipeline again.'),
  discard: onDeadLetters(
    'discardDeadLetters',
    'Discard dead letters',
    'Gives up on what is pending or exhausted. The entries stay readable.',
  ),
  purge: onDeadLetters('purgeDeadLetters', 'Purge dead letters', 'Deletes the entries for good. A legal hold forbids it.', 409),
  reverify: onDeadLetters(
    'reverifyQuarantine',
    'Verify rejected deliveries again',
    'With the secrets that are valid now and the time of arrival as the clock: what is genuine becomes events.',
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
    summary: 'How far an operation is',
    security: user,
    responses: { ...answers(200, 'As it is now.', DlqOperation), ...refuses(401, 404, 503) },
  }),
  cancelDlqOperation: describeRoute({
    operationId: 'cancelDlqOperation',
    tags: ['Dead letters'],
    summary: 'Cancel an operation',
    description: 'Before its next chunk. What is done stays done; one that has ended stays as it is.',
    security: user,
    responses: { ...answers(200, 'As it is now.', DlqOperation), ...refuses(401, 403, 404, 413, 415, 503) },
  }),
};
