import { Erasure, ErasureDryRun, ErasureList } from '@tributary/shared/erasures.ts';
import { describeRoute } from 'hono-openapi';
import { answers, command, refuses, user } from '../platform/openapi-parts.ts';

/** What each route says of itself. */
export const describe = {
  erasePerson: describeRoute({
    operationId: 'erasePerson',
    tags: ['Erasure'],
    summary: 'Erase a person',
    description:
      'Events about the person lose their subject, properties and attribution; deliveries that name the person lose their bodies, and ' +
      'dead letters of them are given up. Works on in the background: see `status`. What arrives later is not part of it. Refused while a ' +
      'legal hold stands on the org or any of its connections. `dryRun` only counts the events.',
    security: user,
    responses: {
      ...answers(200, 'With `dryRun`.', ErasureDryRun),
      ...answers(202, 'Begun.', Erasure),
      ...refuses(...command, 409),
    },
  }),
  listErasures: describeRoute({
    operationId: 'listErasures',
    tags: ['Erasure'],
    summary: 'List what was erased of an org',
    description: 'How each person was named, never by what.',
    security: user,
    responses: { ...answers(200, 'Newest first.', ErasureList), ...refuses(400, 401, 404, 503) },
  }),
  getErasure: describeRoute({
    operationId: 'getErasure',
    tags: ['Erasure'],
    summary: 'How far an erasure came',
    security: user,
    responses: { ...answers(200, 'As it is now.', Erasure), ...refuses(401, 404, 503) },
  }),
};
