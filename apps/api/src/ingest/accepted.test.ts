import { expect, it } from 'vitest';
import { acceptedAnswer } from './accepted.ts';

const outcomesOf = (records: number) => Array.from({ length: records }, (_, n) => ({ status: 'accepted', eventId: `event ${n}` }) as const);

it('writes the outcomes of at most 1,000 records in one turn of the event loop', async () => {
  const perTurn = [0];
  let isOver = false;
  const nextTurn = () => {
    perTurn.push(0);
    if (!isOver) setImmediate(nextTurn);
  };
  setImmediate(nextTurn);
  const outcomes = outcomesOf(9_999).map((outcome) => ({
    ...outcome,
    toJSON() {
      perTurn.push((perTurn.pop() ?? 0) + 1);
      return outcome;
    },
  }));
  await acceptedAnswer({ status: 'accepted', outcomes });
  isOver = true;
  expect(perTurn.reduce((sum, one) => sum + one)).toBe(outcomes.length);
  expect(Math.max(...perTurn)).toBeLessThanOrEqual(1_000);
});

it.each([0, 1, 1_000, 1_001, 2_500])('writes the same bytes for %i records as in one piece', async (records) => {
  const outcomes = outcomesOf(records);
  const { body } = await acceptedAnswer({ status: 'accepted', outcomes });
  expect(body).toBe(JSON.stringify({ status: 'accepted', records: outcomes }));
});
