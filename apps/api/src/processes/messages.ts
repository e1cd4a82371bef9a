import type { Allowances } from '../platform/allowances.ts';
import type { MetricValues } from '../platform/metrics.ts';

/** Why a process ends: all processes stop, another one takes over its place, or the primary has ended. */
export type LeaveReason = 'stop' | 'replaced' | 'primary_ended';

/** What the first process tells the primary about the configuration, which the primary does not read. */
export interface Settings {
  processes: number;
  logLevel: string;
}

/** What the primary does for the processes, which call it by messages. */
export interface Shared extends Allowances {
  /** The metrics of all processes, as text. */
  metrics(): Promise<string>;
}

/** A call of a function of {@link Shared}. */
type Call = { [name in keyof Shared]: { name: name; args: Parameters<Shared[name]> } }[keyof Shared];

/** What a process sends to the primary. */
export type ToPrimary =
  /** Once a second. A process that is silent for long hangs, and is replaced. */
  | { kind: 'alive' }
  /** It listens, and can commit. */
  | ({ kind: 'ready' } & Settings)
  /** The answer to `read`, and unasked, with `id` 0, the last values before the process ends. */
  | { kind: 'values'; id: number; values: MetricValues }
  | { kind: 'call'; id: number; call: Call };

/** What the primary sends to a process. */
export type ToMember =
  | { kind: 'leave'; reason: 'stop' | 'replaced' }
  | { kind: 'read'; id: number }
  /** What a call has returned. */
  | { kind: 'returned'; id: number; value: unknown };

/** The variables by which the primary tells a process its place. */
export const placeVariables = { slot: 'TRIBUTARY_PROCESS_SLOT', takesOver: 'TRIBUTARY_PROCESS_TAKES_OVER' } as const;
