import { alertUnits } from '@tributary/shared/alert-kinds.ts';
import type { AlertChannel, AlertIncident, AlertNotification, AlertRule, IncidentConnection } from '@tributary/shared/alerts.ts';
import type { ChannelRow, IncidentConnectionRow, IncidentRow, NotificationRow, RuleRow } from './store.ts';

export function toRule(row: RuleRow): AlertRule {
  return {
    id: row.id,
    orgId: row.org_id,
    kind: row.kind,
    enabled: row.enabled,
    unit: alertUnits[row.kind],
    thresholds: row.thresholds,
    renotifyMinutes: row.renotify_minutes,
    resolveAfterMinutes: row.resolve_after_minutes,
    updatedAt: row.updated_at,
  };
}

export function toChannel(row: ChannelRow, circuit: AlertChannel['circuit']): AlertChannel {
  return {
    id: row.id,
    orgId: row.org_id,
    type: row.type,
    name: row.name,
    target: row.target,
    recipients: row.recipients.map(({ address, status, asked_at }) => ({
      address,
      status,
      askedAt: asked_at === null ? null : new Date(asked_at).toISOString(),
    })),
    minLevel: row.min_level,
    enabled: row.is_enabled,
    circuit,
    lastSentAt: row.last_sent_at,
    lastFailedAt: row.last_failed_at,
    lastError: row.last_error,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export function toIncident(row: IncidentRow): AlertIncident {
  return {
    id: row.id,
    orgId: row.org_id,
    kind: row.kind,
    connectionId: row.source_connection_id,
    connectionName: row.connection_name,
    sourceType: row.source_type,
    connections: row.connections,
    status: row.status,
    level: row.level,
    peakLevel: row.peak_level,
    unit: alertUnits[row.kind],
    value: row.value,
    threshold: row.threshold,
    message: row.message,
    openedAt: row.opened_at,
    lastSeenAt: row.last_seen_at,
    acknowledgedAt: row.acknowledged_at,
    acknowledgedBy: row.acknowledged_by,
    resolvedAt: row.resolved_at,
    resolvedBy: row.resolved_by,
    resolution: row.resolution,
  };
}

export function toIncidentConnection(row: IncidentConnectionRow): IncidentConnection {
  return {
    connectionId: row.source_connection_id,
    connectionName: row.connection_name,
    kind: row.kind,
    level: row.level,
    value: row.value,
    threshold: row.threshold,
    joinedAt: row.joined_at,
    leftAt: row.left_at,
  };
}

export function toNotification(row: NotificationRow): AlertNotification {
  return {
    id: row.id,
    channelId: row.channel_id,
    channelName: row.channel_name,
    channelType: row.channel_type,
    kind: row.kind,
    level: row.level,
    message: row.message,
    status: row.status,
    attempts: row.attempts,
    nextAttemptAt: row.status === 'pending' ? row.next_attempt_at : null,
    lastError: row.last_error,
    createdAt: row.created_at,
    sentAt: row.status === 'sent' ? row.settled_at : null,
  };
}
