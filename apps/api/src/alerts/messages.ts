import type { AlertLevel, AlertWebhookBody } from '@tributary/shared/alerts.ts';
import { cleanLine } from './clean-text.ts';

export interface AlertMessage {
  /** The same on every attempt, so that receivers recognise a repetition. */
  id: string;
  kind: 'opened' | 'escalated' | 'reminder' | 'acknowledged' | 'resolved' | 'test';
  level: AlertLevel;
  message: string;
  /** ISO 8601. */
  createdAt: string;
  orgId: string;
  orgName: string;
  /** The person who acknowledged or resolved the incident. Undefined when the incident resolved automatically. */
  actor: string | undefined;
  /** Undefined for a test, which is about no incident. */
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
  /** How many connections the incident concerns; the one named is worst off. */
  connections: number;
}

/** The alert's name in the metrics and the runbook, where the lag alert has a different name for each level. */
function alertName({ incident, level }: AlertMessage): string {
  if (!incident) return 'Test';
  return incident.rule === 'IngestLagHigh' && level === 'critical' ? 'IngestLagCritical' : incident.rule;
}

/** A title of one line. */
export function titleOf(message: AlertMessage): string {
  const about = message.incident ? `${alertName(message)}: ${concerned(message.incident)}` : 'Test of an alert channel';
  const by = message.actor === undefined ? '' : ` by ${message.actor}`;
  const text = {
    opened: `[${message.level}] ${about}`,
    escalated: `[now ${message.level}] ${about}`,
    reminder: `[still ${message.level}] ${about}`,
    acknowledged: `Acknowledged${by}: ${about}`,
    resolved: `Resolved${by}: ${about}`,
    test: about,
  }[message.kind];
  return cleanLine(text, 300);
}

function concerned({ connectionName, connections }: Incident): string {
  return connections > 1 ? `${connectionName} and ${connections - 1} more` : connectionName;
}

export function contextOf({ orgName, incident }: AlertMessage): string {
  return incident ? `${orgName} · ${incident.sourceType} · since ${incident.openedAt}` : orgName;
}

/**
 * The body for Slack. Texts that people typed are sent as plain_text, where they can neither mention people nor link; `text`, which Slack
 * reads as markup, is escaped.
 */
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

/** An event of PagerDuty's Events API v2. The dedup_key makes PagerDuty keep one incident for each incident here. */
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
        connections: incident.connections,
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
      connections: incident?.connections ?? null,
      value: incident?.value ?? null,
      threshold: incident?.threshold ?? null,
      message: message.message,
      openedAt: incident?.openedAt ?? null,
    },
  };
}
