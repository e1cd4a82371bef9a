import { Connection, ConnectionList, CreatedConnection, RotatedSecret, TestedConnection } from '@tributary/shared/api.ts';
import { ConnectionFields } from '@tributary/shared/kept.ts';
import { describeRoute } from 'hono-openapi';
import { answers, command, refuses, user } from '../platform/openapi-parts.ts';

/** The OpenAPI description of each route. */
export const describe = {
  createConnection: describeRoute({
    operationId: 'createConnection',
    tags: ['Connections'],
    summary: 'Create a connection',
    description:
      'Tributary generates the secrets that the platform does not issue and that you leave out; they are shown only in this answer.',
    security: user,
    responses: { ...answers(201, 'Created.', CreatedConnection), ...refuses(...command) },
  }),
  listConnections: describeRoute({
    operationId: 'listConnections',
    tags: ['Connections'],
    summary: 'List connections',
    description:
      'A page of the connections of one project or org, or of every org you are a member of, newest first. The header `link` (RFC 8288) has the URL of the next page as `rel="next"`; the last page has no such header.',
    security: user,
    responses: { ...answers(200, 'The connections, without their secrets.', ConnectionList), ...refuses(400, 401, 404, 503) },
  }),
  getConnection: describeRoute({
    operationId: 'getConnection',
    tags: ['Connections'],
    summary: 'Read a connection',
    security: user,
    responses: { ...answers(200, 'The connection, without its secrets.', Connection), ...refuses(401, 404, 503) },
  }),
  explainFields: describeRoute({
    operationId: 'explainConnectionFields',
    tags: ['Connections'],
    summary: 'What is stored of a delivery, field by field',
    description:
      'Says for each field of a received delivery whether its value is kept, masked, hashed, digested or dropped, and why, by the settings as they are now. ' +
      'No value is in the answer. The delivery is the newest that was proved genuine, is not erased and has at most 32 KiB, or the one in `journalId`; of it the first 20 records are read. ' +
      'Without such a delivery `journalId` of the answer is null.',
    security: user,
    responses: { ...answers(200, 'The fields of the delivery.', ConnectionFields), ...refuses(400, 401, 404, 409, 503) },
  }),
  updateConnection: describeRoute({
    operationId: 'updateConnection',
    tags: ['Connections'],
    summary: 'Rename, configure, limit, activate or deactivate a connection',
    description:
      '`config` replaces the whole config. A deactivated connection answers every delivery with 403, within a second of the change.',
    security: user,
    responses: { ...answers(200, 'The connection as it is now.', Connection), ...refuses(...command, 409) },
  }),
  deleteConnection: describeRoute({
    operationId: 'deleteConnection',
    tags: ['Connections'],
    summary: 'Delete a connection',
    description:
      'The webhook URL of the connection answers 404 from then on, and its secrets are erased. The org keeps its events, journal entries and dead letters. ' +
      'A legal hold refuses this with 409 `legal_hold`.',
    security: user,
    responses: { 204: { description: 'Deleted.' }, ...refuses(401, 403, 404, 409, 503) },
  }),
  rotateSecret: describeRoute({
    operationId: 'rotateConnectionSecret',
    tags: ['Connections'],
    summary: 'Set or rotate a secret',
    description:
      'With `graceSeconds` the old secret stays valid beside the new one for that long. At most five secrets of one name are valid at once: a further rotation ends the oldest.',
    security: user,
    responses: { ...answers(200, 'Rotated.', RotatedSecret), ...refuses(...command, 409) },
  }),
  testConnection: describeRoute({
    operationId: 'testConnection',
    tags: ['Connections'],
    summary: 'Send a test event',
    description:
      'Sends a correctly signed sample to the real endpoint and answers with both the request and the response. The event is marked `is_test`.',
    security: user,
    responses: { ...answers(200, 'The request that was sent and the answer to it.', TestedConnection), ...refuses(...command, 409) },
  }),
};
