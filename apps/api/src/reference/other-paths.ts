import type { GenerateSpecOptions } from 'hono-openapi';
import { refuses } from '../platform/openapi-parts.ts';

const text = (description: string) => ({ description, content: { 'text/plain': { schema: { type: 'string' as const } } } });

/**
 * Descriptions of the routes outside the control plane. Their handlers are on the hot path or trivial, and have no description of their
 * own.
 */
export const otherPaths: NonNullable<GenerateSpecOptions['documentation']['paths']> = {
  '/api/webhooks/{type}/{connectionId}': {
    parameters: [
      {
        in: 'path',
        name: 'type',
        required: true,
        description: 'The connection\u2019s source.',
        schema: { type: 'string', example: 'hotmart' },
      },
      { in: 'path', name: 'connectionId', required: true, schema: { type: 'string', format: 'uuid' } },
    ],
    post: {
      operationId: 'receiveDelivery',
      tags: ['Webhooks'],
      summary: 'Deliver events',
      description:
        'The platform sends its events here, authenticated as the source requires (signature, token or key). The request is answered after its ' +
        'records are committed, also when some of them are in the dead-letter queue. After 2xx do not send the delivery again; after 503 send it again. ' +
        'The body may be compressed with gzip, deflate, br or zstd. Its largest size is that of the installation (1 MiB), or what the platform documents or ' +
        'the settings of the connection ask for.',
      security: [],
      requestBody: {
        required: true,
        content: {
          'application/json': { schema: {} },
          'application/x-www-form-urlencoded': { schema: { type: 'object' } },
          'application/x-ndjson': { schema: { type: 'string' } },
        },
      },
      responses: {
        200: { $ref: '#/components/responses/Delivered' },
        ...refuses(400, 401, 403, 404, 413, 415, 429, 503),
      },
    },
    get: {
      operationId: 'answerHandshake',
      tags: ['Webhooks'],
      summary: 'Answer a handshake',
      description:
        'Returns the challenge of platforms that check the URL first (Meta\u2019s `hub.challenge`). Other probes are answered 200.',
      security: [],
      responses: { 200: text('The challenge, or that the URL is ready.'), ...refuses(403, 404, 503) },
    },
  },
  '/health': {
    get: {
      operationId: 'health',
      tags: ['Operation'],
      summary: 'Check that the process is running',
      security: [],
      responses: { 200: { description: 'The process is running.' } },
    },
  },
  '/ready': {
    get: {
      operationId: 'ready',
      tags: ['Operation'],
      summary: 'Check that the process accepts deliveries and can commit them',
      security: [],
      responses: { 200: { description: 'The process accepts and commits deliveries.' }, ...refuses(503) },
    },
  },
  '/health/detailed': {
    get: {
      operationId: 'healthDetailed',
      tags: ['Operation'],
      summary: 'Read the detailed state: mode and its history, circuits, buffer, jobs, lag per source and connection, instances',
      security: [{ operator: [] }],
      responses: { 200: { description: 'The detailed state as it is now.' }, ...refuses(401) },
    },
  },
  '/metrics': {
    get: {
      operationId: 'metrics',
      tags: ['Operation'],
      summary: 'Read the metrics for Prometheus',
      security: [],
      responses: { 200: { description: 'Text exposition format.', content: { 'text/plain': { schema: { type: 'string' } } } } },
    },
  },
};
