import { z } from 'zod';
import { alertKinds, alertUnits, kindsWithWindow, levelRange } from './alert-kinds.ts';
import { nextPage, pageQuery, pageRowsMax } from './pages.ts';
import { oneLine } from './texts.ts';

// Wire contracts of alerts. Times are ISO 8601 in UTC.

const Id = z.guid();
const Timestamp = z.iso.datetime();

export const AlertLevel = z.enum(['info', 'warning', 'critical']);
export type AlertLevel = z.infer<typeof AlertLevel>;

export const AlertKind = z.enum(alertKinds);
export type AlertKind = z.infer<typeof AlertKind>;

const Level = z
  .number()
  .positive()
  .max(31_536_000)
  .nullable()
  .describe('The incident has this level while the measured value is greater. null: this level is not used.');

export const AlertThresholds = z
  .strictObject({
    info: Level,
    warning: Level,
    critical: Level,
    windowMinutes: z
      .int()
      .min(1)
      .max(60)
      .optional()
      .describe('Length of the window that is counted, in minutes. ConnectionSilent and ConnectionLag have no window.'),
    minRecords: z
      .int()
      .min(1)
      .max(1_000_000)
      .describe(
        'With fewer records in the window the rule is not evaluated, because 1 of 2 is not a meaningful rate. For ConnectionSilent and ConnectionLag: ' +
          'with fewer minutes with events in four weeks.',
      ),
  })
  .meta({ id: 'AlertThresholds' });
export type AlertThresholds = z.infer<typeof AlertThresholds>;

export const AlertRule = z
  .object({
    id: Id,
    orgId: Id,
    kind: AlertKind,
    enabled: z.boolean(),
    unit: z.enum(['seconds', 'share', 'records']).describe('Unit of the levels: seconds, a share (0.05 is 5 %), or records.'),
    thresholds: AlertThresholds,
    renotifyMinutes: z
      .int()
      .nullable()
      .describe('Interval of reminders while the incident is open and not acknowledged. null: no reminders.'),
    resolveAfterMinutes: z.int().describe('The incident resolves after the condition has been absent for this long.'),
    updatedAt: Timestamp,
  })
  .meta({ id: 'AlertRule' });
export type AlertRule = z.infer<typeof AlertRule>;

export const OrgQuery = z.strictObject({ orgId: Id.optional() });

export const AlertRules = z.object({ rules: z.array(AlertRule).max(pageRowsMax) });
export type AlertRules = z.infer<typeof AlertRules>;

export const UpdateAlertRule = z
  .strictObject({
    enabled: z.boolean().optional(),
    thresholds: AlertThresholds.partial().optional().describe('Fields that are left out keep their value.'),
    renotifyMinutes: z.int().min(5).max(10_080).nullable().optional(),
    resolveAfterMinutes: z.int().min(0).max(1_440).optional(),
  })
  .refine((body) => Object.values(body).some((value) => value !== undefined), 'give at least one change')
  .meta({ id: 'UpdateAlertRule' });
export type UpdateAlertRule = z.input<typeof UpdateAlertRule>;

const name = oneLine(z.string().trim().min(1, 'give the channel a name').max(120, 'at most 120 characters'));
const Url = z.url({ protocol: /^https?$/ }).max(2048);
/** The integration key of a PagerDuty service, in the form that people copy from PagerDuty. */
const RoutingKey = z.string().regex(/^[A-Za-z0-9]{32}$/, 'an integration key of Events API v2 has 32 letters and digits');
const SigningSecret = z
  .string()
  .regex(/^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/, 'must be whsec_ followed by the base64 of 24 to 64 bytes')
  .describe('Generated when left out.');
const Recipients = z
  .array(z.string().trim().max(254).pipe(z.email()))
  .min(1)
  .max(10)
  .refine((all) => new Set(all.map((one) => one.toLowerCase())).size === all.length, 'contains the same address twice');

export const AlertChannelType = z.enum(['slack', 'pagerduty', 'webhook', 'email']);
export type AlertChannelType = z.infer<typeof AlertChannelType>;

export const RecipientStatus = z.enum(['waiting', 'confirmed', 'stopped']);
export type RecipientStatus = z.infer<typeof RecipientStatus>;

export const AlertRecipient = z
  .object({
    address: z.string(),
    status: RecipientStatus.describe(
      'waiting: the owner of the address has not confirmed it yet, and gets no alerts. stopped: the owner has stopped the alerts of this org, and only the owner can restart them.',
    ),
    askedAt: Timestamp.nullable().describe('When the last mail that asks for the confirmation was sent.'),
  })
  .meta({ id: 'AlertRecipient' });
export type AlertRecipient = z.infer<typeof AlertRecipient>;

export const AlertChannel = z
  .object({
    id: Id,
    orgId: Id,
    type: AlertChannelType,
    name: z.string(),
    target: z.string().describe('Where notifications are sent, without any secret.'),
    recipients: z.array(AlertRecipient).max(10).describe('The recipients of an e-mail channel; empty for every other type.'),
    minLevel: AlertLevel.describe('Incidents below this level are not sent to this channel.'),
    enabled: z.boolean(),
    circuit: z
      .enum(['closed', 'half_open', 'open'])
      .describe('open: the receiver failed several times in a row, so nothing is sent to it for 30 s.'),
    lastSentAt: Timestamp.nullable(),
    lastFailedAt: Timestamp.nullable(),
    lastError: z.string().nullable().describe('Why the last notification failed. null: the last notification arrived.'),
    createdAt: Timestamp,
    updatedAt: Timestamp,
  })
  .meta({ id: 'AlertChannel' });
export type AlertChannel = z.infer<typeof AlertChannel>;

export const AlertChannels = z.object({ channels: z.array(AlertChannel).max(pageRowsMax) });
export type AlertChannels = z.infer<typeof AlertChannels>;

const common = { orgId: Id.optional(), name, minLevel: AlertLevel.default('warning') };

export const CreateAlertChannel = z
  .discriminatedUnion('type', [
    z.strictObject({
      ...common,
      type: z.literal('slack'),
      url: Url.describe('An incoming webhook of Slack, or of a service that accepts the same format.'),
    }),
    z.strictObject({ ...common, type: z.literal('pagerduty'), routingKey: RoutingKey }),
    z.strictObject({ ...common, type: z.literal('webhook'), url: Url, secret: SigningSecret.optional() }),
    z.strictObject({ ...common, type: z.literal('email'), recipients: Recipients }),
  ])
  .meta({ id: 'CreateAlertChannel' });
export type CreateAlertChannel = z.input<typeof CreateAlertChannel>;

export const CreatedAlertChannel = AlertChannel.extend({
  secret: z.string().optional().describe('The signing secret when it was generated. It is only shown in this answer.'),
}).meta({ id: 'CreatedAlertChannel' });
export type CreatedAlertChannel = z.infer<typeof CreatedAlertChannel>;

export const UpdateAlertChannel = z
  .strictObject({
    name: name.optional(),
    minLevel: AlertLevel.optional(),
    enabled: z.boolean().optional(),
    url: Url.optional(),
    routingKey: RoutingKey.optional(),
    secret: SigningSecret.optional(),
    recipients: Recipients.optional(),
  })
  .refine((body) => Object.values(body).some((value) => value !== undefined), 'give at least one change')
  .meta({ id: 'UpdateAlertChannel' });
export type UpdateAlertChannel = z.input<typeof UpdateAlertChannel>;

export const TestedAlertChannel = z
  .object({
    ok: z.boolean(),
    status: z.int().nullable().describe('HTTP status of the receiver; null when there was no answer or the channel does not use HTTP.'),
    answer: z.string().describe('The beginning of the answer, or the reason why no answer came.'),
    durationMs: z.number(),
  })
  .meta({ id: 'TestedAlertChannel' });
export type TestedAlertChannel = z.infer<typeof TestedAlertChannel>;

export const IncidentStatus = z.enum(['open', 'acknowledged', 'resolved']);
export type IncidentStatus = z.infer<typeof IncidentStatus>;

export const AlertNotification = z
  .object({
    id: Id,
    channelId: Id,
    channelName: z.string(),
    channelType: AlertChannelType,
    kind: z.enum(['opened', 'escalated', 'reminder', 'acknowledged', 'resolved']),
    level: AlertLevel,
    message: z.string(),
    status: z.enum(['pending', 'sent', 'failed', 'canceled']),
    attempts: z.int(),
    nextAttemptAt: Timestamp.nullable(),
    lastError: z.string().nullable(),
    createdAt: Timestamp,
    sentAt: Timestamp.nullable(),
  })
  .meta({ id: 'AlertNotification' });
export type AlertNotification = z.infer<typeof AlertNotification>;

export const AlertIncident = z
  .object({
    id: Id,
    orgId: Id,
    kind: AlertKind,
    connectionId: Id.describe('The connection that is worst off; `value`, `threshold` and `message` are about this one.'),
    connectionName: z.string(),
    sourceType: z.string(),
    connections: z.int().describe('How many connections the incident has or had, because they have the same cause.'),
    status: IncidentStatus,
    level: AlertLevel,
    peakLevel: AlertLevel,
    unit: z.enum(['seconds', 'share', 'records']),
    value: z.number().describe('The most recently measured value.'),
    threshold: z
      .number()
      .describe('The level that the value exceeded. For silence it includes the allowance for the connection\u2019s usual rhythm.'),
    message: z.string(),
    openedAt: Timestamp,
    lastSeenAt: Timestamp.describe('When the condition was last met.'),
    acknowledgedAt: Timestamp.nullable(),
    acknowledgedBy: Id.nullable(),
    resolvedAt: Timestamp.nullable(),
    resolvedBy: Id.nullable().describe('null: resolved automatically.'),
    resolution: z
      .enum(['recovered', 'no_traffic', 'not_watched', 'by_person'])
      .nullable()
      .describe('no_traffic: too few records to evaluate the rule. not_watched: the rule or the connection was switched off.'),
  })
  .meta({ id: 'AlertIncident' });
export type AlertIncident = z.infer<typeof AlertIncident>;

export const IncidentConnection = z
  .object({
    connectionId: Id,
    connectionName: z.string(),
    kind: AlertKind,
    level: AlertLevel,
    value: z.number(),
    threshold: z.number(),
    joinedAt: Timestamp,
    leftAt: Timestamp.nullable().describe('null: the condition still holds.'),
  })
  .meta({ id: 'IncidentConnection' });
export type IncidentConnection = z.infer<typeof IncidentConnection>;

export const IncidentQuery = z.strictObject({
  orgId: Id.optional(),
  status: z
    .string()
    .max(100)
    .optional()
    .describe('open, acknowledged or resolved; several are separated by commas. Incidents of every status when left out.'),
  connectionId: Id.optional(),
  kind: AlertKind.optional(),
  ...pageQuery(),
});
export type IncidentQuery = z.input<typeof IncidentQuery>;

export const AlertIncidents = z.object({
  incidents: z.array(AlertIncident).max(pageRowsMax),
  ...nextPage,
  nextCursor: z.string().nullable().describe('The same as `next`, which every paged list has.'),
});
export type AlertIncidents = z.infer<typeof AlertIncidents>;

export const AlertIncidentDetail = AlertIncident.extend({
  concerned: z
    .array(IncidentConnection)
    .max(pageRowsMax)
    .describe('The connections of the incident, those that still have the condition first; at most 200.'),
  notifications: z.array(AlertNotification).max(pageRowsMax).describe('The newest 200 notifications of the incident, oldest first.'),
}).meta({ id: 'AlertIncidentDetail' });
export type AlertIncidentDetail = z.infer<typeof AlertIncidentDetail>;

/** The body that a webhook channel receives, signed by Standard Webhooks. The header `webhook-id` is the same on every attempt. */
export const AlertWebhookBody = z
  .object({
    type: z.enum(['alert.opened', 'alert.escalated', 'alert.reminder', 'alert.acknowledged', 'alert.resolved', 'alert.test']),
    timestamp: Timestamp,
    data: z.object({
      incidentId: Id.nullable(),
      orgId: Id,
      orgName: z.string(),
      rule: z.string(),
      level: AlertLevel,
      connectionId: Id.nullable(),
      connectionName: z.string().nullable(),
      sourceType: z.string().nullable(),
      connections: z.int().nullable().describe('How many connections the incident concerns; the one named is worst off.'),
      value: z.number().nullable(),
      threshold: z.number().nullable(),
      message: z.string(),
      openedAt: Timestamp.nullable(),
    }),
  })
  .meta({ id: 'AlertWebhookBody' });
export type AlertWebhookBody = z.infer<typeof AlertWebhookBody>;

/** Every problem of a rule's thresholds, by field. The database refuses the same thresholds. */
export function thresholdIssues(kind: AlertKind, thresholds: AlertThresholds): { path: string[]; message: string }[] {
  const { info, warning, critical, windowMinutes } = thresholds;
  const levels = Object.entries({ info, warning, critical }).filter((entry): entry is [string, number] => entry[1] !== null);
  const [least, most] = levelRange(alertUnits[kind]);
  const issues = levels
    .filter(([, value]) => value < least || value > most)
    .map(([name]) => ({ path: ['thresholds', name], message: `must be between ${least} and ${most}` }));
  if (levels.length === 0) issues.push({ path: ['thresholds'], message: 'needs at least one level' });
  if (levels.some(([, value], index) => value <= (levels[index - 1]?.[1] ?? 0)))
    issues.push({ path: ['thresholds'], message: 'must rise from info over warning to critical' });
  if (kindsWithWindow.includes(kind) !== (windowMinutes !== undefined))
    issues.push({ path: ['thresholds', 'windowMinutes'], message: windowMinutes === undefined ? 'is required' : `is not used by ${kind}` });
  return issues;
}
