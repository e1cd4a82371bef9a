import { sources } from '@tributary/pipeline/sources.ts';
import type { Connection, SecretState } from '@tributary/shared/api.ts';
import { missingSecrets } from './secrets.ts';
import type { ConnectionRow, SecretRow } from './store.ts';

export function toSecretState(row: SecretRow): SecretState {
  return { name: row.name, createdAt: row.created_at, expiresAt: row.expires_at };
}

export function toConnection(row: ConnectionRow, webhookUrl: string): Connection {
  const source = sources.get(row.type);
  const names = row.secrets.map((secret) => secret.name);
  return {
    id: row.id,
    orgId: row.org_id,
    projectId: row.project_id,
    type: row.type,
    name: row.name,
    isActive: row.is_active,
    verdict: row.verdict,
    suspendedReason: row.suspended_reason,
    allowedIps: row.allowed_ips,
    rateLimitPerSecond: row.rate_limit_per_second,
    priority: row.priority,
    config: row.config_json,
    webhookUrl,
    secrets: row.secrets.map(toSecretState),
    missingSecrets: source ? missingSecrets(source, names).map((field) => field.name) : [],
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    lastEventAt: row.last_event_at,
  };
}
