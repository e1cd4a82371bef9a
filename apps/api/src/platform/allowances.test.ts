import { describe, expect, it } from 'vitest';
import { createAllowances } from './allowances.ts';

const own = (name: string) => ({ name, rate: { perSecond: 1, burst: 3 } });
const all = { name: 'all', rate: { perSecond: 1, burst: 5 } };

function make() {
  let now = 0;
  return { ...createAllowances(() => now), pass: (ms: number) => (now += ms) };
}

describe('allowances', () => {
  it('are taken from every bucket or from none, and say when they will be there', async () => {
    const { take, pass } = make();
    expect(await take([own('a'), all], 3)).toBe(0);
    expect(await take([own('a'), all])).toBe(1_000);
    // The refusal above has taken nothing from the bucket of all.
    expect(await take([own('b'), all], 2)).toBe(0);
    expect(await take([own('c'), all])).toBe(1_000);
    pass(1_000);
    expect(await take([own('c'), all])).toBe(0);
    expect(await take([own('c')], 2)).toBe(0);
  });

  it('are there again when they are given back', async () => {
    const { take, giveBack } = make();
    await take([own('a'), all], 3);
    await giveBack([own('a'), all], 2);
    expect(await take([own('a'), all], 2)).toBe(0);
    expect(await take([own('a'), all])).toBeGreaterThan(0);
  });

  it('keep the bucket of all while names that are refused come and go', async () => {
    const { take } = make();
    await take([all], 5);
    for (let n = 0; n < 60_000; n++) await take([own(`stranger ${n}`), all]);
    expect(await take([all])).toBeGreaterThan(0);
  });

  it('remember the names that are trusted', async () => {
    const { trust, isTrusted } = make();
    await trust('a');
    expect([await isTrusted('a'), await isTrusted('b')]).toEqual([true, false]);
  });
});
