import { expect, it } from 'vitest';
import { createAllowances } from '../platform/allowances.ts';
import { createSharedAllowances } from './shared-allowances.ts';

const person = { name: 'a person', rate: { perSecond: 1, burst: 10 } };

it('two processes have the tokens of one bucket together, wherever they are asked for', async () => {
  const primary = createAllowances();
  const [one, other] = [createSharedAllowances(primary), createSharedAllowances(primary)];
  const taken = await Promise.all(Array.from({ length: 40 }, (_, n) => (n % 4 === 0 ? one : other).take([person])));
  expect(taken.filter((dueInMs) => dueInMs === 0)).toHaveLength(10);
});

it('a process that gets all requests of a person has all the tokens', async () => {
  const primary = createAllowances();
  const [one] = [createSharedAllowances(primary), createSharedAllowances(primary)];
  const taken = await Promise.all(Array.from({ length: 40 }, () => one.take([person])));
  expect(taken.filter((dueInMs) => dueInMs === 0)).toHaveLength(10);
});

it('a refusal is repeated without asking the primary, and a request that costs less is asked for', async () => {
  const primary = createAllowances();
  let asked = 0;
  const process = createSharedAllowances({
    ...primary,
    take: (...args) => {
      asked++;
      return primary.take(...args);
    },
  });
  expect(await process.take([person], 8)).toBe(0);
  for (let n = 0; n < 1_000; n++) expect(await process.take([person], 5)).toBeGreaterThan(0);
  expect(asked).toBe(2);
  expect(await process.take([person], 2)).toBe(0);
});

it('while the primary does not answer, the process limits by itself', async () => {
  const silent = () => Promise.reject(new Error('the primary did not answer'));
  const process = createSharedAllowances({ take: silent, giveBack: silent, trust: silent, isTrusted: silent });
  const taken = await Promise.all(Array.from({ length: 40 }, () => process.take([person])));
  expect(taken.filter((dueInMs) => dueInMs === 0)).toHaveLength(10);
  await process.trust('an address');
  expect(await process.isTrusted('an address')).toBe(true);
});
