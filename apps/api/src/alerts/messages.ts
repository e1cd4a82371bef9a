import type { AlertLevel, AlertWebhookBody } from '@tributary/shared/alerts.ts';

export interface AlertMessage {
  /** The same on every attempt: receivers know a repetition by it. */
  id: string;
  kind: 'opened' | 'escalated' | 'reminder' | 'acknowledged' | 'resolved' | 'test';
  level: AlertLevel;
  message: string;
  /** ISO 8601. */
  createdAt: string;
  orgId: string;
  orgName: string;
  /** Who acknowledged or resolved it; undefined: it resolved by itself. */
  actor: string | undefined;
  /** Undefined: a test, which is about nothing. */
  incident: Incident | undefined;
}

interface Incident {
  id: string;
  rule: string;
  value: number;
  threshold: number;
  openedAt: string;
  connectionId: string;
  connectionName: string;
  sourceType: string;
}

/** The alert's name as contracts and runbook call it: lag has one of its own for each level. */
function alertName({ incident, level }: AlertMessage): string {
  if (!incident) return 'Test';
  return incident.rule === 'IngestLagHigh' && level === 'critical' ? 'IngestLagCritical' : incident.rule;
}

/** One line. */
function titleOf(message: AlertMessage): string {
  const about = message.incident ? `${alertName(message)}: ${message.incident.connectionName}` : 'Test of an alert channel';
  const by = message.actor === undefined ? '' : ` by ${message.actor}`;
  const text = {
    opened: `[${message.level}] ${about}`,
    escalated: `[now ${message.level}] ${about}`,
    reminder: `[still ${message.level}] ${about}`,
    acknowledged: `Acknowledged${by}: ${about}`,
    resolved: `Resolved${by}: ${about}`,
    test: about,
  }[message.kind];
  return text.replace(/\s+/g, ' ');
}

function contextOf({ orgName, incident }: AlertMessage): string {
  return incident ? `${orgName} · ${incident.sourceType} · since ${incident.openedAt}` : orgName;
}

/** Everything that people typed stands in plain_text, where it can neither mention nor link; `text`, which is read as markup, is escaped. */
export function slackBody(message: AlertMessage): object {
  const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const plain = (text: string, max: number) => ({
    type: 'plain_text',
    text: text.length > max ? `${text.slice(0, max - 1)}…` : text,
    emoji: false,
  });
  return {
    text: escaped(`${titleOf(message)}\n${message.message}`),
    blocks: [
      { type: 'header', text: plain(titleOf(message), 150) },
      { type: 'section', text: plain(message.message, 3000) },
      { type: 'context', elements: [plain(contextOf(message), 3000)] },
    ],
  };
}

/** An event of PagerDuty's Events API v2. One incident of ours is one of theirs: the dedup_key says which. */
export function pagerDutyEvent(message: AlertMessage, routingKey: string): object {
  const event = { routing_key: routingKey, dedup_key: `tributary-${message.incident?.id ?? message.id}` };
  if (message.kind === 'acknowledged') return { ...event, event_action: 'acknowledge' };
  if (message.kind === 'resolved') return { ...event, event_action: 'resolve' };
  const { incident } = message;
  return {
    ...event,
    event_action: 'trigger',
    client: 'Tributary',
    payload: {
      summary: `${titleOf(message)} – ${message.message}`.slice(0, 1024),
      source: incident?.connectionName ?? message.orgName,
      severity: message.level,
      timestamp: message.createdAt,
      component: incident?.sourceType,
      group: message.orgName,
      class: alertName(message),
      custom_details: incident && {
        value: incident.value,
        threshold: incident.threshold,
        connection_id: incident.connectionId,
        incident_id: incident.id,
        opened_at: incident.openedAt,
      },
    },
  };
}

export function webhookBody(message: AlertMessage): AlertWebhookBody {
  const { incident } = message;
  return {
    type: `alert.${message.kind}`,
    timestamp: message.createdAt,
    data: {
      incidentId: incident?.id ?? null,
      orgId: message.orgId,
      orgName: message.orgName,
      rule: alertName(message),
      level: message.level,
      connectionId: incident?.connectionId ?? null,
      connectionName: incident?.connectionName ?? null,
      sourceType: incident?.sourceType ?? null,
      value: incident?.value ?? null,
      threshold: incident?.threshold ?? null,
      message: message.message,
      openedAt: incident?.openedAt ?? null,
    },
  };
}

/** The mails of one incident are one thread. */
export function mailOf(message: AlertMessage) {
  const thread = message.incident && `<incident-${message.incident.id}@tributary>`;
  return {
    subject: titleOf(message),
    text: `${message.message}\n\n${contextOf(message)}\n`,
    messageId: message.kind === 'opened' && thread ? thread : `<alert-${message.id}@tributary>`,
    ...(thread && message.kind !== 'opened' ? { inReplyTo: thread, references: [thread] } : {}),
    headers: { 'auto-submitted': 'auto-generated' },
  };
}
