import { ApprovalRequested } from '@tributary/shared/approvals.ts';
import { Erasure, ErasureDryRun, ErasureList } from '@tributary/shared/erasures.ts';
import { describeRoute } from 'hono-openapi';
import { z } from 'zod';
import { answers, command, refuses, user } from '../platform/openapi-parts.ts';

/** The OpenAPI description of each route. */
export const describe = {
  erasePerson: describeRoute({
    operationId: 'erasePerson',
    tags: ['Erasure'],
    summary: 'Erase a person',
    description:
      'Removes the subject, properties and attribution of events about the person, deletes the bodies of deliveries that name the person anywhere, ' +
      'in any usual encoding, gives up their dead letters, and removes the person from the texts of all other rows. The erasure runs in the background: see `status`. Deliveries that arrive later are not part of it. It is ' +
      'refused while the org or any of its connections is under a legal hold. `dryRun` only counts the events, and lists completed ' +
      'erasures of the person.',
    security: user,
    responses: {
      ...answers(200, 'With `dryRun`: how many events are about the person.', ErasureDryRun),
      ...answers(202, 'Started, or waiting for a second person.', z.union([Erasure, ApprovalRequested])),
      ...refuses(...command, 409),
    },
  }),
  listErasures: describeRoute({
    operationId: 'listErasures',
    tags: ['Erasure'],
    summary: 'List an org\u2019s erasures',
    description: 'An erasure lists the kinds of identifiers that were given, never the identifiers.',
    security: user,
    responses: { ...answers(200, 'The erasures, newest first.', ErasureList), ...refuses(400, 401, 404, 503) },
  }),
  getErasure: describeRoute({
    operationId: 'getErasure',
    tags: ['Erasure'],
    summary: 'Read an erasure and its progress',
    security: user,
    responses: { ...answers(200, 'The erasure as it is now.', Erasure), ...refuses(401, 404, 503) },
  }),
};
