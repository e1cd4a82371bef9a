import type { GenerateSpecOptions } from 'hono-openapi';
import { refuses } from '../platform/openapi-parts.ts';

const text = (description: string) => ({ description, content: { 'text/plain': { schema: { type: 'string' as const } } } });

/** Descriptions of the routes outside the control plane, whose handlers are on the hot path or trivial and carry none. */
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
        'What a platform calls. The request proves itself as the source demands (signature, token, key). It is answered after its records are ' +
        'committed, also when some of them wait in the dead-letter queue; 2xx: never send it again, 503: send it again.',
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
      description: 'Echoes the challenge of platforms that check the URL first (Meta\u2019s `hub.challenge`); 200 for other probes.',
      security: [],
      responses: { 200: text('The challenge, or that the URL is ready.'), ...refuses(403, 404, 503) },
    },
  },
  '/health': {
    get: {
      operationId: 'health',
      tags: ['Operation'],
      summary: 'Whether the process lives',
      security: [],
      responses: { 200: { description: 'It does.' } },
    },
  },
  '/ready': {
    get: {
      operationId: 'ready',
      tags: ['Operation'],
      summary: 'Whether deliveries are taken and can be committed now',
      security: [],
      responses: { 200: { description: 'They can.' }, ...refuses(503) },
    },
  },
  '/health/detailed': {
    get: {
      operationId: 'healthDetailed',
      tags: ['Operation'],
      summary: 'Everything known of the fleet: mode and its history, circuits, buffer, jobs, lag per source and connection, instances',
      security: [{ operator: [] }],
      responses: { 200: { description: 'As it is now.' }, ...refuses(401) },
    },
  },
  '/metrics': {
    get: {
      operationId: 'metrics',
      tags: ['Operation'],
      summary: 'For Prometheus',
      security: [],
      responses: { 200: { description: 'Text exposition format.', content: { 'text/plain': { schema: { type: 'string' } } } } },
    },
  },
};
