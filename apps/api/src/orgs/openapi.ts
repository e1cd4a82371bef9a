import { Org, OrgKeys } from '@tributary/shared/api.ts';
import { ApprovalRequested, OrgSecurity } from '@tributary/shared/approvals.ts';
import { OrgDeletion } from '@tributary/shared/org-deletion.ts';
import { Retention } from '@tributary/shared/retention.ts';
import { describeRoute } from 'hono-openapi';
import { z } from 'zod';
import { answers, command, refuses, user, waits } from '../platform/openapi-parts.ts';

/** The OpenAPI description of each route. */
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
    description:
      'The rate limit counts the deliveries of all connections of the org together. Every instance enforces a new limit within a second.',
    security: user,
    responses: { ...answers(200, 'The org as it is now.', Org), ...refuses(...command) },
  }),
  listOrgKeys: describeRoute({
    operationId: 'listOrgKeys',
    tags: ['Orgs'],
    summary: 'List the versions of an org\u2019s keys, without the keys themselves',
    security: user,
    responses: {
      ...answers(200, 'The versions by kind, newest first. The list is empty until the org has needed a key.', OrgKeys),
      ...refuses(401, 404, 503),
    },
  }),
  getOrgSecurity: describeRoute({
    operationId: 'getOrgSecurity',
    tags: ['Orgs'],
    summary: 'Read what an org requires of its own people',
    security: user,
    responses: { ...answers(200, 'The settings.', OrgSecurity), ...refuses(401, 404, 503) },
  }),
  updateOrgSecurity: describeRoute({
    operationId: 'updateOrgSecurity',
    tags: ['Orgs'],
    summary: 'Change what an org requires of its own people',
    description:
      'For owners. A second factor can be required only by an owner who is signed in with one. In an org that requires a second person for ' +
      'anything, a change that weakens these settings waits for a second owner.',
    security: user,
    responses: {
      ...answers(200, 'The settings as they are now.', OrgSecurity),
      ...waits,
      ...refuses(400, 401, 403, 404, 409, 413, 415, 503),
    },
  }),
  rotateOrgKey: describeRoute({
    operationId: 'rotateOrgKey',
    tags: ['Orgs'],
    summary: 'Make a new data key or hash key',
    description:
      'A new data key seals bodies and secrets from now on. Data that was sealed before still opens with the older keys, which are kept. ' +
      'A new hash key hashes the identifiers of people from now on: a person then has other hashes than in older events, whose key version is ' +
      'in `subject.hash_version`. Lookups and erasures find the events of every version. A replay plan with `mode: "reprocess"` hashes older ' +
      'events again as long as their bodies are kept. Without a request body, a data key is made.',
    security: user,
    responses: {
      ...answers(201, 'The keys as they are now.', OrgKeys),
      ...waits,
      ...refuses(400, 401, 403, 404, 409, 413, 415, 503),
    },
  }),
  getRetention: describeRoute({
    operationId: 'getRetention',
    tags: ['Orgs'],
    summary: 'Read how long an org keeps its data',
    security: user,
    responses: {
      ...answers(200, 'The days for each kind of data, and the maximum of the platform.', Retention),
      ...refuses(401, 404, 503),
    },
  }),
  setRetention: describeRoute({
    operationId: 'setRetention',
    tags: ['Orgs'],
    summary: 'Choose how long an org keeps its data',
    description:
      'Older data is deleted in the background, except data under a legal hold. A shorter time applies a day after it was chosen, a longer one at ' +
      'once. Kinds that are not named do not change; `null` keeps the data for as long as the platform does. The keys by which a repeated record ' +
      'is recognised are kept permanently.',
    security: user,
    responses: { ...answers(200, 'The days as they are now.', Retention), ...refuses(...command) },
  }),
  getOrgDeletion: describeRoute({
    operationId: 'getOrgDeletion',
    tags: ['Orgs'],
    summary: 'Read whether an org is going to be deleted, and how far its deletion has come',
    security: user,
    responses: { ...answers(200, 'The deletion; `status` is `none` when it was not requested.', OrgDeletion), ...refuses(401, 404, 503) },
  }),
  requestOrgDeletion: describeRoute({
    operationId: 'requestOrgDeletion',
    tags: ['Orgs'],
    summary: 'Delete an org',
    description:
      'Only an owner may do this, by the name of the org. From this moment the connections answer 403 `connection_inactive`. For seven days every ' +
      'owner can cancel. Then the keys of the org are destroyed, and after them everything else is deleted in the background. A legal hold refuses ' +
      'the request, and stops a deletion that was requested before it.',
    security: user,
    responses: {
      ...answers(
        202,
        'The deletion that was scheduled, now or before, or the request that waits for a second owner.',
        z.union([OrgDeletion, ApprovalRequested]),
      ),
      ...refuses(400, 401, 403, 404, 409, 413, 415, 503),
    },
  }),
  cancelOrgDeletion: describeRoute({
    operationId: 'cancelOrgDeletion',
    tags: ['Orgs'],
    summary: 'Cancel the deletion of an org',
    description:
      'Only an owner may do this, until the grace period is over. The connections that were active when the deletion was requested are active again.',
    security: user,
    responses: { ...answers(200, 'The deletion as it is now.', OrgDeletion), ...refuses(401, 403, 404, 409, 503) },
  }),
};
