// The kinds of alerts without the zod schemas, so that pages of the dashboard can import them without loading zod.

/** The conditions that alerts watch on every connection of an org. Each org has one rule per kind. */
export const alertKinds = [
  'IngestLagHigh',
  'ConnectionSilent',
  'ConnectionLag',
  'IngestDLQRateHigh',
  'IngestDLQSpike',
  'DuplicateRateHigh',
  'RejectedRateHigh',
] as const;
export type AlertKind = (typeof alertKinds)[number];

export type AlertUnit = 'seconds' | 'share' | 'records';

/** The unit of a rule's levels and of its incidents' value: seconds, a share (0.05 is 5 %) or records. */
export const alertUnits: Record<AlertKind, AlertUnit> = {
  IngestLagHigh: 'seconds',
  ConnectionSilent: 'seconds',
  ConnectionLag: 'seconds',
  IngestDLQRateHigh: 'share',
  IngestDLQSpike: 'records',
  DuplicateRateHigh: 'share',
  RejectedRateHigh: 'share',
};

/** The smallest and the largest value that a level may have. */
export const levelRange = (unit: AlertUnit): readonly [number, number] => (unit === 'share' ? [0.0001, 0.9999] : [1, 31_536_000]);

/** Kinds that count over a time window. Silence and freshness have no window, because they are measured from the last event. */
export const kindsWithWindow: readonly AlertKind[] = alertKinds.filter((kind) => kind !== 'ConnectionSilent' && kind !== 'ConnectionLag');

interface Thresholds {
  info: number | null;
  warning: number | null;
  critical: number | null;
  windowMinutes?: number;
  minRecords: number;
}

/** The rules of a new org, equal to those that `private.create_alert_rules` writes. */
export const alertDefaults: {
  thresholds: Readonly<Record<AlertKind, Readonly<Thresholds>>>;
  renotifyMinutes: number;
  resolveAfterMinutes: number;
} = {
  thresholds: {
    IngestLagHigh: { info: null, warning: 60, critical: 300, windowMinutes: 5, minRecords: 20 },
    ConnectionSilent: { info: null, warning: null, critical: 900, minRecords: 5 },
    ConnectionLag: { info: null, warning: 600, critical: 1_800, minRecords: 5 },
    IngestDLQRateHigh: { info: 0.005, warning: 0.05, critical: 0.1, windowMinutes: 15, minRecords: 30 },
    IngestDLQSpike: { info: null, warning: 100, critical: null, windowMinutes: 10, minRecords: 1 },
    DuplicateRateHigh: { info: null, warning: 0.01, critical: 0.25, windowMinutes: 15, minRecords: 100 },
    RejectedRateHigh: { info: null, warning: 0.25, critical: 0.9, windowMinutes: 15, minRecords: 10 },
  },
  renotifyMinutes: 240,
  resolveAfterMinutes: 5,
};
