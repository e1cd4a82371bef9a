import { expect, test } from 'vitest';
import { barsOf, toWire } from './filter.ts';

const now = Date.parse('2026-11-25T18:40:10Z');
const hash = 'ab'.repeat(32);

test('turns the filters of a URL into the filter of the API', () => {
  expect(toWire({}, now)).toEqual({ from: '2026-11-24T18:40:10.000Z' });
  expect(
    toWire(
      { range: '1h', types: ['order.paid'], subject: `${hash},not-a-hash`, order: 'HP1', amount: 'BRL 100..149.9', test: 'hide', q: 'x' },
      now,
    ),
  ).toEqual({
    from: '2026-11-25T17:40:10.000Z',
    types: ['order.paid'],
    subjects: [hash],
    orderRef: 'HP1',
    currency: 'BRL',
    amountMin: '10000',
    amountMax: '14990',
    test: 'hide',
    q: 'x',
  });
  expect(toWire({ range: '7d', to: '2026-01-01T00:00:00Z', amount: 'nonsense', event: 'x', tab: 'delivery' }, now)).toEqual({
    to: '2026-01-01T00:00:00Z',
  });
});

test.each([
  [{ range: '1h' as const }, 60],
  [{}, 900],
  [{ range: '90d' as const }, 86_400],
  [{ from: '2026-11-25T18:00:00Z', to: '2026-11-25T18:01:00Z' }, 1],
  [{ to: '2026-11-25T18:00:00Z' }, 86_400],
])('draws %o in bars of %i seconds that cover the whole range', (search, stepSeconds) => {
  const bars = barsOf(search, now);
  expect(bars.stepSeconds).toBe(stepSeconds);
  const count = (Date.parse(bars.to) - Date.parse(bars.from)) / 1000 / stepSeconds;
  expect(count).toBeGreaterThan(40);
  expect(count).toBeLessThanOrEqual(97);
  const { from, to } = toWire(search, now);
  if (from) expect(Date.parse(bars.from)).toBeLessThanOrEqual(Date.parse(from));
  expect(Date.parse(bars.to)).toBeGreaterThanOrEqual(Date.parse(to ?? new Date(now).toISOString()));
});
