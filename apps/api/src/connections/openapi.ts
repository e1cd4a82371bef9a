import { Connection, CreatedConnection, RotatedSecret, TestedConnection } from '@tributary/shared/api.ts';
import { describeRoute } from 'hono-openapi';
import { z } from 'zod';
import { answers, command, refuses, user } from '../platform/openapi-parts.ts';

/** What each route says of itself. */
export const describe = {
  createConnection: describeRoute({
    operationId: 'createConnection',
    tags: ['Connections'],
    summary: 'Create a connection',
    description: 'Secrets the platform does not issue and you leave out are made up by us and shown this once.',
    security: user,
    responses: { ...answers(201, 'Created.', CreatedConnection), ...refuses(...command) },
  }),
  listConnections: describeRoute({
    operationId: 'listConnections',
    tags: ['Connections'],
    summary: 'List connections',
    description: 'Newest first; of one project, or of every org you are a member of.',
    security: user,
    responses: { ...answers(200, 'The connections, without their secrets.', z.array(Connection)), ...refuses(400, 401, 404, 503) },
  }),
  getConnection: describeRoute({
    operationId: 'getConnection',
    tags: ['Connections'],
    summary: 'Read a connection',
    security: user,
    responses: { ...answers(200, 'The connection, without its secrets.', Connection), ...refuses(401, 404, 503) },
  }),
  updateConnection: describeRoute({
    operationId: 'updateConnection',
    tags: ['Connections'],
    summary: 'Rename, configure, limit, activate or deactivate a connection',
    description: '`config` replaces the whole config. An inactive connection answers every delivery with 403, within a second.',
    security: user,
    responses: { ...answers(200, 'The connection as it is now.', Connection), ...refuses(...command, 409) },
  }),
  deleteConnection: describeRoute({
    operationId: 'deleteConnection',
    tags: ['Connections'],
    summary: 'Delete a connection',
    description: 'Its URL answers 404 from now on and its secrets are erased. Its events, journal and dead letters stay with the org.',
    security: user,
    responses: { 204: { description: 'Deleted.' }, ...refuses(401, 403, 404, 503) },
  }),
  rotateSecret: describeRoute({
    operationId: 'rotateConnectionSecret',
    tags: ['Connections'],
    summary: 'Set or rotate a secret',
    description:
      'With `graceSeconds` the old secret stays valid beside the new one for as long. At most five secrets of a name are valid at once: a further rotation ends the oldest.',
    security: user,
    responses: { ...answers(200, 'Rotated.', RotatedSecret), ...refuses(...command, 409) },
  }),
  testConnection: describeRoute({
    operationId: 'testConnection',
    tags: ['Connections'],
    summary: 'Send a test event',
    description: 'Sends a correctly signed sample through the real endpoint and answers what happened. The event is marked `is_test`.',
    security: user,
    responses: { ...answers(200, 'What was sent and what came back.', TestedConnection), ...refuses(...command, 409) },
  }),
};
