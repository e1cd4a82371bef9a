import type { FlowState, Mode } from '@tributary/shared/flow.ts';
import { type Level, levels } from './levels.ts';
import { type getOverview, type Orders, toInstance } from './store.ts';

/** The share of low-priority deliveries that an automatic brownout keeps. */
const automaticKeptShare = 0.5;

/**
 * What an instance obeys. `keptShare` is the share of low-priority deliveries that a brownout keeps; `instances` is how many share the limits
 * that people set.
 */
export interface Obeyed {
  mode: Mode;
  keptShare: number;
  /** Whether the operator set the mode. */
  isByOperator: boolean;
  instances: number;
}

/** The operator's mode wins; without one, the higher of this instance's own level and the fleet's level, where that is known. */
export function decideMode(ownLevel: Level, fleetLevel: Level | undefined, orders: Orders | undefined): Obeyed {
  const automatic = levels[Math.max(levels.indexOf(ownLevel), levels.indexOf(fleetLevel ?? 'normal'))] ?? 'normal';
  return {
    mode: orders?.operator_mode ?? automatic,
    isByOperator: orders?.operator_mode != null,
    keptShare: orders?.brownout_rate ?? automaticKeptShare,
    instances: orders?.instances ?? 1,
  };
}

/** The state of the whole fleet. It is drained when every live instance obeys the mode and holds neither a record nor a request. */
export function toFlowState({ state, instances }: Awaited<ReturnType<typeof getOverview>>): FlowState {
  const mode = state.operator_mode ?? state.automatic_mode;
  return {
    mode,
    operatorMode: state.operator_mode,
    automaticMode: state.automatic_mode,
    brownoutRate: mode === 'brownout' ? (state.brownout_rate ?? automaticKeptShare) : null,
    reason: state.reason,
    changedBy: state.changed_by,
    changedAt: new Date(state.changed_at).toISOString(),
    instances: instances.map(toInstance),
    drained:
      (mode === 'drain' || mode === 'paused') &&
      instances.every((one) => one.obeyed_mode === mode && one.buffer_records === 0 && one.in_flight === 0),
  };
}
