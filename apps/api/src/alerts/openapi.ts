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

/** The OpenAPI description of each route. */
export const describe = {
  listAlertRules: describeRoute({
    operationId: 'listAlertRules',
    tags: ['Alerts'],
    summary: 'List an org\u2019s alert rules',
    description: 'Every rule is enabled from the start and watches every active connection of the org.',
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
    summary: 'Change the thresholds or the policy of a rule, or enable or disable it',
    description: 'Thresholds that are left out stay as they are. The change takes effect at the next evaluation, within 30 seconds.',
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
      'Each e-mail address gets one mail with a link, and no alerts until its owner has confirmed it there. ' +
      'URLs that lead to private networks are refused, and redirects are not followed. A signing secret that Tributary generates is shown only in this answer.',
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
    summary: 'Rename, readdress, enable or disable a channel',
    description: 'Disabling a channel cancels the notifications that wait to be sent over it.',
    security: user,
    responses: { ...answers(200, 'The channel as it is now.', AlertChannel), ...refuses(...command, 409) },
  }),
  deleteAlertChannel: describeRoute({
    operationId: 'deleteAlertChannel',
    tags: ['Alerts'],
    summary: 'Delete an alert channel',
    description: 'Its secrets are erased. The notifications that were sent over it stay listed in their incidents.',
    security: user,
    responses: { 204: { description: 'Deleted.' }, ...refuses(401, 403, 404, 503) },
  }),
  askAlertRecipients: describeRoute({
    operationId: 'askAlertRecipients',
    tags: ['Alerts'],
    summary: 'Ask the recipients of an e-mail channel again to confirm',
    description:
      'Recipients who have confirmed or stopped the alerts are not asked. The mails wait for their pace: two for an address and ten for an org, and then ' +
      'one each eight hours and each ten minutes, over all channels, deleted ones included.',
    security: user,
    responses: { ...answers(202, 'The mails are sent soon.', AlertChannel), ...refuses(401, 403, 404, 409, 503) },
  }),
  testAlertChannel: describeRoute({
    operationId: 'testAlertChannel',
    tags: ['Alerts'],
    summary: 'Send a test',
    description: 'Sends one test message now and returns the answer of the receiver.',
    security: user,
    responses: { ...answers(200, 'The answer of the receiver.', TestedAlertChannel), ...refuses(401, 403, 404, 409, 429, 503) },
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
    summary: 'Read an incident and its notifications',
    security: user,
    responses: { ...answers(200, 'The incident and its notifications.', AlertIncidentDetail), ...refuses(401, 404, 503) },
  }),
  acknowledgeAlertIncident: describeRoute({
    operationId: 'acknowledgeAlertIncident',
    tags: ['Alerts'],
    summary: 'Acknowledge an incident',
    description:
      'No reminders are sent for an acknowledged incident; its escalation and its end are still notified. Repeating the request changes nothing.',
    security: user,
    responses: { ...answers(200, 'The incident as it is now.', AlertIncident), ...refuses(401, 403, 404, 503) },
  }),
  resolveAlertIncident: describeRoute({
    operationId: 'resolveAlertIncident',
    tags: ['Alerts'],
    summary: 'Resolve an incident',
    description:
      'Incidents resolve automatically. After a person resolved an incident, the same alert does not open a new one for half an hour.',
    security: user,
    responses: { ...answers(200, 'The incident as it is now.', AlertIncident), ...refuses(401, 403, 404, 503) },
  }),
};
