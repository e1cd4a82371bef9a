/** Every action that the audit log contains: `private.audit` names them `table.command`, and a few functions name what a person read. */
export const auditActions = {
  orgs: ['update'],
  org_members: ['insert', 'update', 'delete'],
  org_invites: ['insert', 'update', 'delete'],
  projects: ['insert', 'update'],
  source_connections: ['insert', 'update'],
  connection_secrets: ['insert', 'update', 'delete'],
  dlq_events: ['update'],
  dlq_operations: ['insert', 'update'],
  dlq: ['full_sample'],
  replay_plans: ['insert', 'update'],
  event_journal: ['replay'],
  canonical_events: ['export', 'import'],
  people: ['look_up', 'count', 'events'],
  audit_log: ['export'],
  org_security: ['insert', 'update'],
  approvals: ['insert', 'update'],
  legal_holds: ['insert', 'update'],
  erasures: ['insert', 'update'],
  retention_settings: ['insert', 'update', 'delete'],
  org_deletions: ['insert', 'update', 'delete'],
  org_keys: ['insert', 'delete'],
  alert_rules: ['update'],
  alert_channels: ['insert', 'update'],
  alert_channel_secrets: ['insert', 'update', 'delete'],
  alert_incidents: ['update'],
} as const;

export type AuditSubject = keyof typeof auditActions;
export const auditSubjects = Object.keys(auditActions) as AuditSubject[];

/** The actions that the URL's `action` selects: one action, or every action on one kind of object. */
export function actionsOf(action: string): string[] {
  const subject = auditSubjects.find((one) => one === action);
  return subject ? auditActions[subject].map((command) => `${subject}.${command}`) : [action];
}
