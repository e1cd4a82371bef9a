import { Org, OrgKeys } from '@tributary/shared/api.ts';
import { describeRoute } from 'hono-openapi';
import { answers, command, refuses, user } from '../platform/openapi-parts.ts';

/** What each route says of itself. */
export const describe = {
  getOrg: describeRoute({
    operationId: 'getOrg',
    tags: ['Orgs'],
    summary: 'Read an org',
    security: user,
    responses: { ...answers(200, 'The org, and the caller\u2019s role in it.', Org), ...refuses(401, 404, 503) },
  }),
  updateOrg: describeRoute({
    operationId: 'updateOrg',
    tags: ['Orgs'],
    summary: 'Rename or limit an org',
    description: 'The rate limit counts the deliveries of all its connections together. Every server obeys it within a second.',
    security: user,
    responses: { ...answers(200, 'The org as it is now.', Org), ...refuses(...command) },
  }),
  listOrgKeys: describeRoute({
    operationId: 'listOrgKeys',
    tags: ['Orgs'],
    summary: 'List the keys of an org, never the keys themselves',
    security: user,
    responses: {
      ...answers(200, 'By kind, the newest version first; none before the org has needed one.', OrgKeys),
      ...refuses(401, 404, 503),
    },
  }),
  rotateOrgKey: describeRoute({
    operationId: 'rotateOrgKey',
    tags: ['Orgs'],
    summary: 'Make a new data key or hash key',
    description:
      'A data key seals bodies and secrets from now on; what was sealed before opens with the older ones, which are kept. ' +
      'A hash key hashes the identifiers of people from now on: the same person then has other hashes than in older events, which tell the ' +
      'version in `subject.hash_version`. Lookups and erasures find the events of every version; a replay plan with `mode: "reprocess"` ' +
      'hashes the older events anew as long as their bodies are kept. Without a body, a data key.',
    security: user,
    responses: { ...answers(201, 'The keys as they are now.', OrgKeys), ...refuses(400, 401, 403, 404, 409, 413, 415, 503) },
  }),
};
