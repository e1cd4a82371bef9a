import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createLevelWatch, defaultThresholds, levels, type Pressure } from './levels.ts';

const { enterAfterMs, leaveAfterMs } = defaultThresholds;
const none: Pressure = { records: 0, bytes: 0, ageMs: 0 };
const stepMs = 250;

/** `hold` observes the pressure four times a second for `forMs` and returns the changes. */
function watchOf() {
  const watch = createLevelWatch(defaultThresholds);
  let nowMs = 0;
  return {
    watch,
    hold(pressure: Pressure, forMs: number) {
      const changes: string[] = [];
      for (const endMs = nowMs + forMs; nowMs < endMs; nowMs += stepMs) {
        const change = watch.observe(pressure, nowMs);
        if (change) changes.push(`${change.from} → ${change.to}`);
      }
      return changes;
    },
  };
}

describe('the automatic level', () => {
  test.each<[string, Pressure, string]>([
    ['records', { ...none, records: 0.6 }, '60 % of its records'],
    ['bytes', { ...none, bytes: 0.5 }, '50 % of its bytes'],
    ['age', { ...none, ageMs: 2_500 }, 'has waited for 2.5 s'],
  ])(
    'is throttled when %s stay high, names the cause, and returns to normal when the pressure has been low for long enough',
    (_, pressure, cause) => {
      const { watch, hold } = watchOf();
      expect(hold(pressure, enterAfterMs)).toEqual([]);
      expect(hold(pressure, stepMs)).toEqual(['normal → throttled']);
      expect(watch.cause()).toContain(cause);
      expect(hold(none, leaveAfterMs)).toEqual([]);
      expect(hold(none, stepMs)).toEqual(['throttled → normal']);
    },
  );

  test('jumps to brownout under the highest pressure, and comes down one level at a time', () => {
    const { hold } = watchOf();
    expect(hold({ ...none, records: 1 }, 2_000)).toEqual(['normal → brownout']);
    expect(hold(none, 60_000)).toEqual(['brownout → throttled', 'throttled → normal']);
  });

  test('does not change for a burst that is shorter than the dwell time', () => {
    const { hold } = watchOf();
    for (let n = 0; n < 50; n++) {
      expect(hold({ ...none, records: 1, ageMs: 900 }, enterAfterMs - stepMs)).toEqual([]);
      expect(hold(none, stepMs)).toEqual([]);
    }
  });

  test('does not flap while the pressure swings around a threshold', () => {
    const { watch, hold } = watchOf();
    hold({ ...none, records: 0.55 }, 2_000);
    expect(watch.level()).toBe('throttled');
    for (let n = 0; n < 200; n++) {
      expect(hold({ ...none, records: 0.49 }, 1_000)).toEqual([]);
      expect(hold({ ...none, records: 0.51 }, 1_000)).toEqual([]);
      expect(hold({ ...none, records: 0.1 }, leaveAfterMs - stepMs)).toEqual([]);
      expect(hold({ ...none, records: 0.3 }, stepMs)).toEqual([]);
    }
  });

  test('never changes twice within the dwell time, never falls by more than one step and never rises without a cause, for random pressures', () => {
    const figure = fc.oneof(fc.constantFrom(0, 0.2, 0.3, 0.5, 0.6, 0.8, 1), fc.double({ min: 0, max: 1, noNaN: true }));
    const pressures = fc.array(
      fc.record({ records: figure, bytes: figure, ageMs: fc.integer({ min: 0, max: 8_000 }), forMs: fc.integer({ min: 100, max: 9_000 }) }),
      { minLength: 1, maxLength: 60 },
    );
    fc.assert(
      fc.property(pressures, (course) => {
        const watch = createLevelWatch(defaultThresholds);
        let nowMs = 0;
        let last = { atMs: Number.NEGATIVE_INFINITY, up: true };
        for (const { forMs, ...pressure } of course) {
          for (const endMs = nowMs + forMs; nowMs < endMs; nowMs += stepMs) {
            const change = watch.observe(pressure, nowMs);
            if (!change) continue;
            expect(change.cause).not.toBe('');
            expect(change.to).toBe(watch.level());
            const step = levels.indexOf(change.to) - levels.indexOf(change.from);
            if (step < 0) {
              expect(step).toBe(-1);
              expect(nowMs - last.atMs).toBeGreaterThanOrEqual(leaveAfterMs);
            } else if (!last.up) {
              // The level rises after it fell: the pressure came back and lasted.
              expect(nowMs - last.atMs).toBeGreaterThanOrEqual(enterAfterMs);
            }
            last = { atMs: nowMs, up: step > 0 };
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
