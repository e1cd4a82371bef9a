-- Server scripts of a Supabase team use the project's secret key, which is the role service_role. Supabase lets that role read every table of a
-- project; here it reads what the dashboard's users read together, across orgs, and writes nothing: every row of ours has a command that checks it.
-- The schema private stays closed, so that no script with that key can open a body, a secret or a key.
grant select on
  public.activity_days,
  public.activity_hours,
  public.activity_minutes,
  public.alert_channels,
  public.alert_incident_connections,
  public.alert_incidents,
  public.alert_notifications,
  public.alert_rules,
  public.approvals,
  public.audit_log,
  public.canonical_events,
  public.connection_activity,
  public.dlq_events,
  public.dlq_operations,
  public.erasures,
  public.event_journal,
  public.legal_holds,
  public.org_deletions,
  public.org_invites,
  public.org_members,
  public.org_security,
  public.orgs,
  public.projects,
  public.replay_plans,
  public.retention_settings,
  public.source_connections
  to service_role;
