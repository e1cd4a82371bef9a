/**
 * The tables with texts that a delivery or a person wrote, in the order in which an erasure and a conversion of ids search them. Their columns are in
 * private.erasure_columns.
 */
export const textTables = [
  'event_journal',
  'canonical_events',
  'dlq_events',
  'dlq_operations',
  'replay_plans',
  'approvals',
  'legal_holds',
  'alert_incidents',
  'alert_notifications',
  'erasures',
] as const;
export type TextTable = (typeof textTables)[number];
