import { expect, test } from 'vitest';
import { sources } from './sources.ts';

test('every source is found under its own type', () => {
  expect([...sources.keys()].sort()).toEqual(['hotmart', 'meta', 'stripe', 'webhook']);
  for (const [type, source] of sources) expect(source.type).toBe(type);
});
