// The complete list of what client roles hold. A grant that is not written here fails the structure test.

export const clientRoles = [
  'anon',
  'authenticated',
  'service_role',
  'authenticator',
  'ingest',
  'maintenance',
  'tributary_api',
  'worker',
] as const;

/** `table role`: commands on the whole table, in alphabetical order. */
export const tableGrants: Record<string, string> = {
  'private.event_keys ingest': 'INSERT, SELECT',
  'private.event_keys worker': 'INSERT, SELECT',
  'private.journal_payloads ingest': 'INSERT',
  'private.journal_payloads worker': 'SELECT',
  'private.org_keys maintenance': 'SELECT',
  'private.quarantine_hours ingest': 'INSERT, SELECT',
  'public.audit_log authenticated': 'SELECT',
  'public.canonical_events authenticated': 'SELECT',
  'public.canonical_events ingest': 'INSERT',
  'public.canonical_events worker': 'INSERT',
  'public.connection_activity authenticated': 'SELECT',
  'public.connection_activity ingest': 'INSERT',
  'public.connection_activity worker': 'INSERT',
  'public.dlq_events authenticated': 'SELECT',
  'public.dlq_events ingest': 'INSERT',
  'public.event_journal authenticated': 'SELECT',
  'public.event_journal ingest': 'INSERT',
  'public.event_journal worker': 'SELECT',
  'public.legal_holds authenticated': 'SELECT',
  'public.legal_holds worker': 'SELECT',
  'public.org_invites authenticated': 'DELETE, SELECT',
  'public.org_members authenticated': 'DELETE, SELECT',
  'public.orgs authenticated': 'SELECT',
  'public.projects authenticated': 'SELECT',
  'public.source_connections authenticated': 'SELECT',
};

/** `table role command`: columns, in the table's order. */
export const columnGrants: Record<string, string> = {
  'private.org_keys maintenance INSERT': 'org_id, kind, version, wrapped, master_version',
  'private.org_keys maintenance UPDATE': 'wrapped, master_version',
  'private.quarantine_hours ingest UPDATE': 'stored',
  'public.dlq_events authenticated UPDATE': 'status, next_retry_at',
  'public.legal_holds authenticated INSERT': 'org_id, source_connection_id, reason',
  'public.org_members authenticated UPDATE': 'role',
  'public.orgs authenticated UPDATE': 'name',
  'public.projects authenticated INSERT': 'org_id, name, slug',
  'public.projects authenticated UPDATE': 'name',
  'public.source_connections authenticated INSERT': 'org_id, project_id, name, type, config_json',
  'public.source_connections authenticated UPDATE': 'name, is_active, config_json',
};

/** Functions a client role may execute. Those that run with their owner's rights are listed apart: each one is a door past row level security. */
export const functionGrants: Record<'definer' | 'invoker', Record<string, string>> = {
  definer: {
    'private.accept_invite': 'authenticated',
    'private.create_invite': 'authenticated',
    'private.create_org': 'authenticated',
    'private.create_org_keys': 'ingest',
    'private.delete_connection': 'authenticated',
    'private.drop_expired_partitions': 'maintenance',
    'private.ensure_partitions': 'maintenance',
    'private.find_connection': 'ingest',
    'private.find_org_keys': 'ingest',
    'private.list_connection_secrets': 'authenticated',
    'private.my_orgs': 'authenticated',
    'private.refresh_last_event_at': 'maintenance',
    'private.release_abandoned_jobs': 'worker',
    'private.release_legal_hold': 'authenticated',
    'private.rotate_connection_secret': 'authenticated',
    'private.tick': 'worker',
  },
  invoker: {
    'private.count_rejected': 'ingest',
    'private.held': 'authenticated, worker',
    'private.histogram_quantile': 'authenticated',
    'private.ingest_batch': 'ingest',
    'private.insert_events': 'ingest, worker',
    'private.take_quarantine': 'ingest',
    'public.connection_health': 'authenticated',
    'public.create_org': 'authenticated',
    'public.ingest_timeseries': 'authenticated',
  },
};

export const schemaGrants: Record<string, string> = {
  'private authenticated': 'USAGE',
  'private ingest': 'USAGE',
  'private maintenance': 'USAGE',
  'private worker': 'USAGE',
  'public PUBLIC': 'USAGE',
  'public anon': 'USAGE',
  'public authenticated': 'USAGE',
  'public ingest': 'USAGE',
  'public maintenance': 'USAGE',
  'public service_role': 'USAGE',
  'public worker': 'USAGE',
};
