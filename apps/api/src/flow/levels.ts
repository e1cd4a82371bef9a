/** The levels that an instance chooses by its own load, in rising order. A mode that the operator sets overrides them. */
export const levels = ['normal', 'throttled', 'brownout'] as const;
export type Level = (typeof levels)[number];

/** How much data is waiting for its commit. */
export interface Pressure {
  /** Records and bytes in the buffer as shares of its bounds, 0 to 1. */
  records: number;
  bytes: number;
  /** The age of the oldest delivery that is waiting or being written. */
  ageMs: number;
}

interface Bound {
  /** Records or bytes as a share of the buffer's bounds. */
  fill: number;
  ageMs: number;
}

/**
 * A level is entered when any figure reaches `enter`, and left when all figures are below `leave`. In between, the level does not change.
 */
export interface Thresholds {
  throttled: { enter: Bound; leave: Bound };
  brownout: { enter: Bound; leave: Bound };
  /** How long the pressure must last before a level is entered, and the relief before it is left. */
  enterAfterMs: number;
  leaveAfterMs: number;
}

// Measured: at 70 % of the server's capacity the buffer is never more than 5 % full. 128 senders of 100 records each fill it, while no
// delivery waits for a second. This counts as pressure by records: the instance throttles, which has no effect on an org that sends alone.
export const defaultThresholds: Thresholds = {
  throttled: { enter: { fill: 0.5, ageMs: 2_000 }, leave: { fill: 0.25, ageMs: 500 } },
  brownout: { enter: { fill: 0.8, ageMs: 5_000 }, leave: { fill: 0.5, ageMs: 2_000 } },
  enterAfterMs: 1_000,
  leaveAfterMs: 5_000,
};

interface LevelChange {
  from: Level;
  to: Level;
  cause: string;
}

export interface LevelWatch {
  level(): Level;
  /** Why the instance is at this level. */
  cause(): string;
  /** Call it a few times a second. The level rises to the highest one whose pressure has lasted, and falls one level at a time. */
  observe(pressure: Pressure, nowMs: number): LevelChange | undefined;
}

export function createLevelWatch(thresholds: Thresholds): LevelWatch {
  let level: Level = 'normal';
  let cause = 'started';
  // The time since which the pressure has been at or above a level's `enter` without a break.
  const above: Record<Exclude<Level, 'normal'>, number | undefined> = { throttled: undefined, brownout: undefined };
  let relievedSince: number | undefined;

  function change(to: Level, why: string): LevelChange {
    const from = level;
    level = to;
    cause = why;
    relievedSince = undefined;
    return { from, to, cause: why };
  }

  return {
    level: () => level,
    cause: () => cause,
    observe(pressure, nowMs) {
      for (const name of ['throttled', 'brownout'] as const) {
        if (reaches(pressure, thresholds[name].enter)) above[name] ??= nowMs;
        else above[name] = undefined;
      }
      for (const name of ['brownout', 'throttled'] as const) {
        if (levels.indexOf(name) <= levels.indexOf(level)) break;
        const since = above[name];
        if (since !== undefined && nowMs - since >= thresholds.enterAfterMs)
          return change(name, describe(pressure, thresholds[name].enter));
      }
      if (level === 'normal') return undefined;
      if (reaches(pressure, thresholds[level].leave)) relievedSince = undefined;
      else relievedSince ??= nowMs;
      if (relievedSince === undefined || nowMs - relievedSince < thresholds.leaveAfterMs) return undefined;
      return change(level === 'brownout' ? 'throttled' : 'normal', `the pressure has been low for ${thresholds.leaveAfterMs / 1000} s`);
    },
  };
}

function reaches({ records, bytes, ageMs }: Pressure, bound: Bound): boolean {
  return records >= bound.fill || bytes >= bound.fill || ageMs >= bound.ageMs;
}

function describe({ records, bytes, ageMs }: Pressure, bound: Bound): string {
  const percent = (share: number) => `${Math.round(share * 100)} %`;
  return [
    ...(records >= bound.fill ? [`the buffer is full to ${percent(records)} of its records`] : []),
    ...(bytes >= bound.fill ? [`the buffer is full to ${percent(bytes)} of its bytes`] : []),
    ...(ageMs >= bound.ageMs ? [`the oldest delivery has waited for ${Math.round(ageMs / 100) / 10} s`] : []),
  ].join(', ');
}
