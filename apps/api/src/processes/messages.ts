import type { MetricValues } from '../platform/metrics.ts';

/** Why a process ends: all processes stop, another one takes over its place, or the primary has ended. */
export type LeaveReason = 'stop' | 'replaced' | 'primary_ended';

/** What a process sends to the primary. */
export type ToPrimary =
  /** Once a second. A process that is silent for long hangs, and is replaced. */
  | { kind: 'alive' }
  /** It listens, and can commit. `processes` is how many the configuration asks for. */
  | { kind: 'ready'; processes: number; logLevel: string }
  /** The answer to `read`, and unasked, with `id` 0, the last values before the process ends. */
  | { kind: 'values'; id: number; values: MetricValues }
  /** Asks for the metrics of all processes, as text. */
  | { kind: 'scrape'; id: number };

/** What the primary sends to a process. */
export type ToMember =
  | { kind: 'leave'; reason: 'stop' | 'replaced' }
  | { kind: 'read'; id: number }
  | { kind: 'scraped'; id: number; text: string };

/** The variables by which the primary tells a process its place. */
export const placeVariables = { slot: 'TRIBUTARY_PROCESS_SLOT', takesOver: 'TRIBUTARY_PROCESS_TAKES_OVER' } as const;
