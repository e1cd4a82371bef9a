import { alertDefaults, alertKinds, alertUnits } from '@tributary/shared/alert-kinds.ts';
import {
  AlertChannel,
  AlertChannels,
  AlertIncident,
  AlertIncidentDetail,
  AlertIncidents,
  AlertRules,
  CreatedAlertChannel,
  TestedAlertChannel,
} from '@tributary/shared/alerts.ts';
import { http } from 'msw';
import { answer, problem } from './answers.ts';
import { ago, idOf, ids, type Row, user, type World } from './world.ts';

/** Two open incidents, and one that has ended. */
const incidents = (world: World): AlertIncident[] =>
  (world.filled ? (['open', 'acknowledged', 'resolved'] as const) : []).map((status, index) => {
    const kind = alertKinds[[6, 1, 3][index] ?? 0] ?? 'IngestLagHigh';
    const level = (['critical', 'warning', 'info'] as const)[index] ?? 'info';
    return {
      id: idOf('8', index + 1),
      orgId: ids.org,
      kind,
      connectionId: ids.connection,
      connectionName: world.connectionName,
      sourceType: 'hotmart',
      connections: index === 0 ? 2 : 1,
      status,
      level,
      peakLevel: level,
      unit: alertUnits[kind],
      value: alertUnits[kind] === 'share' ? 0.42 : 1_260,
      threshold: alertUnits[kind] === 'share' ? 0.25 : 900,
      message: 'more than the rule allows',
      openedAt: ago(90 + index),
      lastSeenAt: ago(1 + index),
      acknowledgedAt: status === 'acknowledged' ? ago(30) : null,
      acknowledgedBy: status === 'acknowledged' ? user.id : null,
      resolvedAt: status === 'resolved' ? ago(10) : null,
      resolvedBy: null,
      resolution: status === 'resolved' ? 'recovered' : null,
    };
  });

export const incidentRows = (world: World): Row<'alert_incidents'>[] =>
  incidents(world).map((one) => ({
    id: one.id,
    org_id: one.orgId,
    source_connection_id: one.connectionId,
    kind: one.kind,
    status: one.status,
    level: one.level,
    peak_level: one.peakLevel,
    value: one.value,
    threshold: one.threshold,
    message: one.message,
    opened_at: one.openedAt,
    last_seen_at: one.lastSeenAt,
    last_notified_at: one.openedAt,
    connections: one.connections,
    reminders: 0,
    acknowledged_at: one.acknowledgedAt,
    acknowledged_by: one.acknowledgedBy,
    resolved_at: one.resolvedAt,
    resolved_by: one.resolvedBy,
    resolution: one.resolution,
  }));

export const incidentConnectionRows = (world: World): Row<'alert_incident_connections'>[] =>
  incidents(world).map((one) => ({
    org_id: one.orgId,
    incident_id: one.id,
    source_connection_id: one.connectionId,
    kind: one.kind,
    level: one.level,
    value: one.value,
    threshold: one.threshold,
    joined_at: one.openedAt,
    last_seen_at: one.lastSeenAt,
    clear_since: null,
    left_at: one.resolvedAt,
    resolution: one.resolution,
  }));

const rules = alertKinds.map((kind, index) => ({
  id: idOf('c', index + 1),
  orgId: ids.org,
  kind,
  enabled: kind !== 'ConnectionLag',
  unit: alertUnits[kind],
  thresholds: { ...alertDefaults.thresholds[kind], ...(kind === 'DuplicateRateHigh' ? { warning: 0.3 } : {}) },
  renotifyMinutes: alertDefaults.renotifyMinutes,
  resolveAfterMinutes: alertDefaults.resolveAfterMinutes,
  updatedAt: ago(1_000),
}));

const channels = (world: World): AlertChannel[] =>
  (world.filled ? (['slack', 'pagerduty', 'webhook', 'email'] as const) : []).map((type, index) => ({
    id: idOf('9', index + 1),
    orgId: ids.org,
    type,
    name: `Channel ${index + 1}`,
    target: type === 'email' ? 'ana@example.com, bia@example.com, caio@example.com' : 'https://receiver.example/…',
    recipients:
      type === 'email'
        ? [
            { address: 'ana@example.com', status: 'confirmed', askedAt: ago(9_000) },
            { address: 'bia@example.com', status: 'waiting', askedAt: ago(90) },
            { address: 'caio@example.com', status: 'stopped', askedAt: ago(9_000) },
          ]
        : [],
    minLevel: 'warning',
    enabled: type !== 'email',
    circuit: type === 'webhook' ? 'open' : 'closed',
    lastSentAt: ago(90),
    lastFailedAt: type === 'webhook' ? ago(80) : null,
    lastError: type === 'webhook' ? 'HTTP 500' : null,
    createdAt: ago(9_000),
    updatedAt: ago(90),
  }));

export const channelRows = (world: World): Row<'alert_channels'>[] =>
  channels(world).map((one) => ({
    id: one.id,
    org_id: one.orgId,
    type: one.type,
    name: one.name,
    target: one.target,
    min_level: one.minLevel,
    is_enabled: one.enabled,
    last_sent_at: one.lastSentAt,
    last_failed_at: one.lastFailedAt,
    last_error: one.lastError,
    created_at: one.createdAt,
    updated_at: one.updatedAt,
    deleted_at: null,
  }));

const detail = (world: World, incident: AlertIncident): AlertIncidentDetail => ({
  ...incident,
  concerned: [
    { connectionId: ids.connection, connectionName: world.connectionName, left: incident.resolvedAt },
    ...(incident.connections > 1 ? [{ connectionId: ids.webhook, connectionName: 'Backend', left: ago(5) }] : []),
  ].map(({ left, ...connection }) => ({
    ...connection,
    kind: incident.kind,
    level: incident.level,
    value: incident.value,
    threshold: incident.threshold,
    joinedAt: incident.openedAt,
    leftAt: left,
  })),
  notifications: channels(world).map((channel, index) => ({
    id: idOf('d', index + 1),
    channelId: channel.id,
    channelName: channel.name,
    channelType: channel.type,
    kind: 'opened',
    level: incident.level,
    message: incident.message,
    status: channel.type === 'webhook' ? 'failed' : 'sent',
    attempts: 1,
    nextAttemptAt: null,
    lastError: channel.lastError,
    createdAt: incident.openedAt,
    sentAt: channel.type === 'webhook' ? null : incident.openedAt,
  })),
});

export function alertHandlers(world: World, rows: Row<'alert_incidents'>[]) {
  const all = incidents(world);
  const mine = channels(world);
  const find = (id: unknown) => all.find((one) => one.id === id);
  const unknown = () => problem(404, 'not_found', { detail: 'there is no such incident' });
  return [
    http.get('*/api/alerts/rules', () => answer(AlertRules, { rules })),
    http.get('*/api/alerts/channels', () => answer(AlertChannels, { channels: mine })),
    http.get('*/api/alerts/incidents', ({ request }) => {
      const status = new URL(request.url).searchParams.get('status')?.split(',');
      return answer(AlertIncidents, {
        incidents: all.filter((one) => !status || status.includes(one.status)),
        next: null,
        nextCursor: null,
      });
    }),
    http.get('*/api/alerts/incidents/:id', ({ params }) => {
      const incident = find(params.id);
      return incident ? answer(AlertIncidentDetail, detail(world, incident)) : unknown();
    }),
    http.post('*/api/alerts/incidents/:id/acknowledge', ({ params }) => {
      const incident = find(params.id);
      if (!incident) return unknown();
      Object.assign(incident, { status: 'acknowledged', acknowledgedAt: ago(0), acknowledgedBy: user.id });
      Object.assign(rows.find((row) => row.id === incident.id) ?? {}, { status: 'acknowledged' });
      return answer(AlertIncident, incident);
    }),
    http.post('*/api/alerts/incidents/:id/resolve', ({ params }) => {
      const incident = find(params.id);
      if (!incident) return unknown();
      Object.assign(incident, { status: 'resolved', resolvedAt: ago(0), resolvedBy: user.id, resolution: 'by_person' });
      Object.assign(rows.find((row) => row.id === incident.id) ?? {}, { status: 'resolved' });
      return answer(AlertIncident, incident);
    }),
    http.post('*/api/alerts/channels', () =>
      answer(CreatedAlertChannel, { ...(mine[2] as AlertChannel), id: idOf('9', 9), secret: 'whsec_shown-this-once-0123456789' }),
    ),
    http.post('*/api/alerts/channels/:id/confirmations', () => answer(AlertChannel, mine[3] as AlertChannel)),
    http.post('*/api/alerts/channels/:id/test', () =>
      answer(TestedAlertChannel, { ok: true, status: 200, answer: '<b>thanks</b>', durationMs: 31 }),
    ),
  ];
}
