import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { sources } from './sources.ts';

test('every folder of sources/ is registered, under the type that is its name', () => {
  const folders = readdirSync(resolve(import.meta.dirname, 'sources'));
  expect([...sources.keys()].sort()).toEqual(folders.sort());
  for (const [type, source] of sources) expect(source.type).toBe(type);
});
