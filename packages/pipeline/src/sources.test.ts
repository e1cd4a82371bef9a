import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { sources } from './sources.ts';

test('registers every folder of sources/ under a type with the folder’s name', () => {
  const folders = readdirSync(resolve(import.meta.dirname, 'sources'));
  expect([...sources.keys()].sort()).toEqual(folders.sort());
  for (const [type, source] of sources) expect(source.type).toBe(type);
});
