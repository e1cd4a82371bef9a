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
import { describeRoute } from 'hono-openapi';
import { answers, command, refuses, user } from '../platform/openapi-parts.ts';

/** What each route says of itself. */
export const describe = {
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
};
