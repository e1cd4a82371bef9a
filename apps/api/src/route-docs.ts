import {
  AlertChannel,
  AlertChannels,
  AlertIncident,
  AlertIncidentDetail,
  AlertIncidents,
  AlertRule,
  AlertRules,
  CreatedAlertChannel,
  TestedAlertChannel,
} from '@tributary/shared/alerts.ts';
import {
  AcceptedInvite,
  Connection,
  CreatedConnection,
  CreatedInvite,
  Invite,
  Org,
  OrgKeys,
  PublicConfig,
  RotatedSecret,
  SourceEntry,
  TestedConnection,
} from '@tributary/shared/api.ts';
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
import { Erasure, ErasureDryRun, ErasureList } from '@tributary/shared/erasures.ts';
import { EventDelivery, EventExport, HashedSubject } from '@tributary/shared/events.ts';
import { FlowState, FlowTransitions, FlushedState, ServiceStatus } from '@tributary/shared/flow.ts';
import { LegalHold, LegalHoldList } from '@tributary/shared/holds.ts';
import { LatestEntries, ReplayedEntry } from '@tributary/shared/journal.ts';
import { ReplayList, ReplayPlan, ReplayPreview } from '@tributary/shared/replays.ts';
import { describeRoute, type GenerateSpecOptions, resolver } from 'hono-openapi';
import { z } from 'zod';

/** As callers see a schema: defaults are optional, and answers may grow. */
export const schemaOptions = { options: { io: 'input', unrepresentable: 'any' } } as const;

export const problems = {
  400: { name: 'InvalidRequest', description: 'A field is missing or not valid: `errors` lists them.' },
  401: { name: 'Unauthorized', description: 'The access token is missing, expired or not valid.' },
  403: { name: 'Forbidden', description: 'Only an owner or admin of the org may do this.' },
  404: { name: 'NotFound', description: 'Unknown, or another org\u2019s.' },
  409: { name: 'Conflict', description: 'What is stored does not allow it: `detail` says why.' },
  413: { name: 'PayloadTooLarge', description: 'The body is too large.' },
  415: { name: 'UnsupportedMediaType', description: 'The content type or encoding is not supported.' },
  429: { name: 'TooManyRequests', description: 'Slow down: `Retry-After` says for how long.' },
  503: { name: 'Unavailable', description: 'Nothing was stored. Try again after `Retry-After` seconds.' },
} as const;

type ProblemStatus = keyof typeof problems;

const refuses = (...statuses: ProblemStatus[]) =>
  Object.fromEntries(statuses.map((status) => [status, { $ref: `#/components/responses/${problems[status].name}` }]));

const answers = (status: number, description: string, schema: z.ZodType) => ({
  [status]: { description, content: { 'application/json': { schema: resolver(schema, schemaOptions) } } },
});

const user = [{ user: [] }];
const operator = [{ operator: [] }];
const command: ProblemStatus[] = [400, 401, 403, 404, 413, 415, 503];

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

/** Commands of the operator are obeyed by every instance within a second. */
const demand = (operationId: string, summary: string, description: string) =>
  describeRoute({
    operationId,
    tags: ['Operation'],
    summary,
    description,
    security: operator,
    responses: { ...answers(200, 'How the fleet stands.', FlowState), ...refuses(400, 401, 413, 415, 503) },
  });

const describeReplayStep = (operationId: string, summary: string, more = '') =>
  describeRoute({
    operationId,
    tags: ['Replay plans'],
    summary,
    description: `${more} Pressed twice is once. 409: the plan is not where this step begins, or a legal hold is set.`.trim(),
    security: user,
    responses: { ...answers(200, 'The plan as it is now.', ReplayPlan), ...refuses(401, 403, 404, 409, 413, 415, 503) },
  });

/** What each route of the control plane says of itself; a route names its own. */
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
    description: 'With `graceSeconds` the old secret stays valid beside the new one for as long.',
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
  getFlow: describeRoute({
    operationId: 'getFlow',
    tags: ['Operation'],
    summary: 'The mode of the fleet, why, and what each instance holds',
    security: operator,
    responses: { ...answers(200, 'As it is now.', FlowState), ...refuses(401, 503) },
  }),
  getStatus: describeRoute({
    operationId: 'getStatus',
    tags: ['Operation'],
    summary: 'Whether everything is taken as usual, for everybody who is signed in',
    description: 'Nothing of what the operator wrote down, and nothing of the machines. At most a second old.',
    security: user,
    responses: { ...answers(200, 'As it is now.', ServiceStatus), ...refuses(400, 401, 503) },
  }),
  listTransitions: describeRoute({
    operationId: 'listFlowTransitions',
    tags: ['Operation'],
    summary: 'Every change of the mode: when, from what to what, why and by whom',
    security: operator,
    responses: { ...answers(200, 'Newest first.', FlowTransitions), ...refuses(400, 401, 503) },
  }),
  drain: demand('drain', 'Take nothing new', 'New deliveries are answered 503; what is in flight is finished, and then `drained` is true.'),
  pause: demand(
    'pause',
    'Take nothing new and run no background jobs',
    'New deliveries are answered 503; running jobs stop at their next chunk.',
  ),
  brownout: demand(
    'brownout',
    'Shed part of what comes to low-priority connections',
    'Their deliveries are answered 429 at this rate, whatever the load; other connections are left alone.',
  ),
  resume: demand(
    'resume',
    'End a drain, pause or brownout',
    'The automatic mode counts again. Every command survives restarts until then.',
  ),
  flush: describeRoute({
    operationId: 'flush',
    tags: ['Operation'],
    summary: 'Write at once what every instance holds',
    description: 'Answered when that is done, or after 10 seconds with `flushed: false`.',
    security: operator,
    responses: { ...answers(200, 'How the fleet stands.', FlushedState), ...refuses(400, 401, 413, 415, 503) },
  }),
  listSources: describeRoute({
    operationId: 'listSources',
    tags: ['Sources'],
    summary: 'The catalogue of sources',
    security: [],
    responses: answers(200, 'Every platform this version understands.', z.array(SourceEntry)),
  }),
  publicConfig: describeRoute({
    operationId: 'publicConfig',
    tags: ['Operation'],
    summary: 'Where to sign in, and the version',
    security: [],
    responses: answers(200, 'Nothing secret.', PublicConfig),
  }),
  createInvite: describeRoute({
    operationId: 'createInvite',
    tags: ['Invites'],
    summary: 'Invite somebody to an org',
    description: 'The token is shown this once. Only a user signed in with the invited address can use it.',
    security: user,
    responses: { ...answers(201, 'Invited.', CreatedInvite), ...refuses(...command) },
  }),
  listInvites: describeRoute({
    operationId: 'listInvites',
    tags: ['Invites'],
    summary: 'List an org\u2019s invites',
    security: user,
    responses: {
      ...answers(200, 'The invites, newest first, accepted and expired ones too.', z.array(Invite)),
      ...refuses(400, 401, 403, 404, 503),
    },
  }),
  deleteInvite: describeRoute({
    operationId: 'deleteInvite',
    tags: ['Invites'],
    summary: 'Withdraw an invite',
    security: user,
    responses: { 204: { description: 'Withdrawn.' }, ...refuses(401, 404, 503) },
  }),
  acceptInvite: describeRoute({
    operationId: 'acceptInvite',
    tags: ['Invites'],
    summary: 'Accept an invite',
    description: 'A wrong, used, expired or withdrawn token and one for another address are the same 404.',
    security: user,
    responses: { ...answers(200, 'Joined.', AcceptedInvite), ...refuses(400, 401, 404, 413, 415, 503) },
  }),
  latestEntries: describeRoute({
    operationId: 'latestEntries',
    tags: ['Journal'],
    summary: 'The newest deliveries of an org',
    description: 'Newest first. The id of the last one, as `after`, answers those before it.',
    security: user,
    responses: { ...answers(200, 'The deliveries, without their bodies.', LatestEntries), ...refuses(400, 401, 404, 503) },
  }),
  hashSubject: describeRoute({
    operationId: 'hashSubject',
    tags: ['Events'],
    summary: 'Hash an identifier of a person as the pipeline does',
    description:
      'For looking their events up. Every way the value can be read; it is neither kept nor logged. For any member; one a second in the long run, so that nobody tries out whole lists of people.',
    security: user,
    responses: {
      ...answers(200, 'The hashes, under each of the org\u2019s hash keys, those of the newest first.', HashedSubject),
      ...refuses(400, 401, 404, 409, 413, 429, 503),
    },
  }),
  exportEvents: describeRoute({
    operationId: 'exportEvents',
    tags: ['Events'],
    summary: 'Ask for the events of a filter as a file',
    description:
      'Answers where the file is: one `GET` of that URL within a minute, without a token, streams it. Newest first; events that are ' +
      'stored meanwhile may be missing. In CSV (RFC 4180) a text that a spreadsheet would run as a formula begins with an apostrophe. ' +
      'A download that breaks off has failed: ask again. Three of one person at a time. Written to the audit log.',
    security: user,
    responses: { ...answers(201, 'Where it is, and until when.', EventExport), ...refuses(400, 401, 404, 413, 429, 503) },
  }),
  downloadEvents: describeRoute({
    operationId: 'downloadEvents',
    tags: ['Events'],
    summary: 'Download the events that were asked for',
    security: [],
    responses: {
      200: {
        description: 'The file, as it is read from the database.',
        content: { 'text/csv': {}, 'application/json': {}, 'application/x-ndjson': {} },
      },
      ...refuses(404, 429, 503),
    },
  }),
  eventDelivery: describeRoute({
    operationId: 'eventDelivery',
    tags: ['Events'],
    summary: 'How an event came to be',
    description: 'The delivery it was made of, what else came of that, every attempt, and whether it can be replayed now.',
    security: user,
    responses: { ...answers(200, 'The delivery.', EventDelivery), ...refuses(401, 404, 503) },
  }),
  replayEntry: describeRoute({
    operationId: 'replayEntry',
    tags: ['Journal'],
    summary: 'Send a delivery through the pipeline again',
    description:
      'Its bytes run through the pipeline and the mapping of today, as a new journal entry. 409: it was rejected at the door, its body is no ' +
      'longer kept, its connection was deleted, or a legal hold is set (`legal_hold`).',
    security: user,
    responses: { ...answers(200, 'What became of each record, after its commit.', ReplayedEntry), ...refuses(...command, 409) },
  }),
  listAlertRules: describeRoute({
    operationId: 'listAlertRules',
    tags: ['Alerts'],
    summary: 'List an org\u2019s alert rules',
    description: 'Each is on from the start and watches every active connection of the org.',
    security: user,
    responses: { ...answers(200, 'The rules.', AlertRules), ...refuses(400, 401, 404, 503) },
  }),
  getAlertRule: describeRoute({
    operationId: 'getAlertRule',
    tags: ['Alerts'],
    summary: 'Read an alert rule',
    security: user,
    responses: { ...answers(200, 'The rule.', AlertRule), ...refuses(401, 404, 503) },
  }),
  updateAlertRule: describeRoute({
    operationId: 'updateAlertRule',
    tags: ['Alerts'],
    summary: 'Change thresholds, policy or state of a rule',
    description: 'Of `thresholds` only what is given changes. Holds from the next evaluation on, within 30 seconds.',
    security: user,
    responses: { ...answers(200, 'The rule as it is now.', AlertRule), ...refuses(...command) },
  }),
  listAlertChannels: describeRoute({
    operationId: 'listAlertChannels',
    tags: ['Alerts'],
    summary: 'List an org\u2019s alert channels',
    security: user,
    responses: { ...answers(200, 'The channels, without their secrets.', AlertChannels), ...refuses(400, 401, 404, 503) },
  }),
  createAlertChannel: describeRoute({
    operationId: 'createAlertChannel',
    tags: ['Alerts'],
    summary: 'Create an alert channel',
    description:
      'Slack (incoming webhook), PagerDuty (Events API v2), a webhook signed by Standard Webhooks whose body is `AlertWebhookBody`, or e-mail. ' +
      'URLs that lead to private networks are refused, and redirects are not followed. A signing secret that we make up is shown this once.',
    security: user,
    responses: { ...answers(201, 'Created.', CreatedAlertChannel), ...refuses(...command, 409) },
  }),
  getAlertChannel: describeRoute({
    operationId: 'getAlertChannel',
    tags: ['Alerts'],
    summary: 'Read an alert channel',
    security: user,
    responses: { ...answers(200, 'The channel, without its secrets.', AlertChannel), ...refuses(401, 404, 503) },
  }),
  updateAlertChannel: describeRoute({
    operationId: 'updateAlertChannel',
    tags: ['Alerts'],
    summary: 'Rename, redirect or switch a channel',
    description: 'What waits to be sent over a channel that is switched off is canceled.',
    security: user,
    responses: { ...answers(200, 'The channel as it is now.', AlertChannel), ...refuses(...command, 409) },
  }),
  deleteAlertChannel: describeRoute({
    operationId: 'deleteAlertChannel',
    tags: ['Alerts'],
    summary: 'Delete an alert channel',
    description: 'Its secrets are erased; what was sent over it stays in the incidents.',
    security: user,
    responses: { 204: { description: 'Deleted.' }, ...refuses(401, 403, 404, 503) },
  }),
  testAlertChannel: describeRoute({
    operationId: 'testAlertChannel',
    tags: ['Alerts'],
    summary: 'Send a test',
    description: 'Sends now, once, and answers what the receiver said.',
    security: user,
    responses: { ...answers(200, 'What the receiver said.', TestedAlertChannel), ...refuses(401, 403, 404, 409, 429, 503) },
  }),
  listAlertIncidents: describeRoute({
    operationId: 'listAlertIncidents',
    tags: ['Alerts'],
    summary: 'List an org\u2019s incidents',
    description: 'Newest first.',
    security: user,
    responses: { ...answers(200, 'A page of incidents.', AlertIncidents), ...refuses(400, 401, 404, 503) },
  }),
  getAlertIncident: describeRoute({
    operationId: 'getAlertIncident',
    tags: ['Alerts'],
    summary: 'Read an incident and what was said of it',
    security: user,
    responses: { ...answers(200, 'The incident and its notifications.', AlertIncidentDetail), ...refuses(401, 404, 503) },
  }),
  acknowledgeAlertIncident: describeRoute({
    operationId: 'acknowledgeAlertIncident',
    tags: ['Alerts'],
    summary: 'Take care of an incident',
    description: 'It is not notified again; an escalation and its end are. Asked twice it is done once.',
    security: user,
    responses: { ...answers(200, 'The incident as it is now.', AlertIncident), ...refuses(401, 403, 404, 503) },
  }),
  resolveAlertIncident: describeRoute({
    operationId: 'resolveAlertIncident',
    tags: ['Alerts'],
    summary: 'End an incident',
    description: 'Incidents resolve by themselves; one that a person ends is not opened again for half an hour.',
    security: user,
    responses: { ...answers(200, 'The incident as it is now.', AlertIncident), ...refuses(401, 403, 404, 503) },
  }),
  createReplay: describeRoute({
    operationId: 'createReplay',
    tags: ['Replay plans'],
    summary: 'Plan a replay, or count what it would be about',
    description:
      'The count is exact. Deliveries that were rejected at the door are never part of a plan, nor is what arrives after its approval; replays ' +
      'themselves only with `includeReplays`. 409 `legal_hold`: one of its connections, or the org, is under a hold.',
    security: user,
    responses: {
      ...answers(200, 'With `dryRun`: how many, and how long they would take.', ReplayPreview),
      ...answers(201, 'Planned; it waits for approval.', ReplayPlan),
      ...refuses(...command, 409),
    },
  }),
  listReplays: describeRoute({
    operationId: 'listReplays',
    tags: ['Replay plans'],
    summary: 'List an org\u2019s replay plans',
    security: user,
    responses: { ...answers(200, 'The plans, newest first.', ReplayList), ...refuses(400, 401, 404, 503) },
  }),
  getReplay: describeRoute({
    operationId: 'getReplay',
    tags: ['Replay plans'],
    summary: 'Read a replay plan: progress, rate, and who did what',
    security: user,
    responses: { ...answers(200, 'The plan.', ReplayPlan), ...refuses(401, 404, 503) },
  }),
  approveReplay: describeRoute({
    operationId: 'approveReplay',
    tags: ['Replay plans'],
    summary: 'Approve a replay plan',
    description: 'With `needsSecondApproval` by somebody else than who made it, and with a reference.',
    security: user,
    responses: { ...answers(200, 'The plan, counted anew.', ReplayPlan), ...refuses(...command, 409) },
  }),
  runReplay: describeReplayStep('runReplay', 'Start an approved replay plan'),
  pauseReplay: describeReplayStep('pauseReplay', 'Pause a running replay plan', 'It stops after the batch at hand.'),
  resumeReplay: describeReplayStep('resumeReplay', 'Go on with a replay plan that was paused or failed'),
  cancelReplay: describeReplayStep('cancelReplay', 'Cancel a replay plan', 'What it did stays.'),
  listLegalHolds: describeRoute({
    operationId: 'listLegalHolds',
    tags: ['Legal holds'],
    summary: 'List an org\u2019s legal holds',
    description: 'Standing ones first; released ones stay listed.',
    security: user,
    responses: { ...answers(200, 'The holds.', LegalHoldList), ...refuses(400, 401, 404, 503) },
  }),
  createLegalHold: describeRoute({
    operationId: 'createLegalHold',
    tags: ['Legal holds'],
    summary: 'Put a connection or the whole org under a legal hold',
    description: 'From now on nothing of it is replayed, purged, erased or dropped by retention: such commands answer 409 `legal_hold`.',
    security: user,
    responses: { ...answers(201, 'Set.', LegalHold), ...refuses(...command) },
  }),
  releaseLegalHold: describeRoute({
    operationId: 'releaseLegalHold',
    tags: ['Legal holds'],
    summary: 'Release a legal hold',
    description: 'One that was released before stays as it is.',
    security: user,
    responses: { ...answers(200, 'The hold as it is now.', LegalHold), ...refuses(401, 403, 404, 503) },
  }),
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

const text = (description: string) => ({ description, content: { 'text/plain': { schema: { type: 'string' as const } } } });

/** Routes outside the control plane: their handlers are hot or trivial, and carry no description of their own. */
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
