import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compilePaths, type PathState, step } from './paths.ts';

/** The rule, checked path by path: whether a path equals the keys or their beginning. */
function isNamed(paths: readonly string[], keys: readonly string[]): boolean {
  return paths.some((path) => {
    const parts = path.split('.');
    return parts.length <= keys.length && parts.every((part, index) => part === '*' || part === keys[index]);
  });
}

function walk(root: PathState | undefined, keys: readonly string[]): boolean {
  let state = root;
  for (const key of keys) {
    if (state?.end) return true;
    state = step(state, key);
  }
  return state?.end ?? false;
}

/** `a.*.*…`, `*.a.*…`, …: after n keys any of the 2ⁿ subsets of these paths may still be open. */
const crossed = (depth: number) =>
  Array.from({ length: depth }, (_, at) => Array.from({ length: depth }, (_, index) => (index === at ? 'a' : '*')).join('.'));

test('a star matches any key or index, beside named keys', () => {
  const root = compilePaths(['a.*.c', 'a.b.d', 'x']);
  const found = (path: string) => walk(root, path.split('.'));
  expect(['a.b.c', 'a.b.d', 'a.0.c', 'x', 'x.y'].map(found)).toEqual([true, true, true, true, true]);
  expect(['a', 'a.b', 'a.z.d', 'b'].map(found)).toEqual([false, false, false, false]);
  expect(compilePaths([])).toBeUndefined();
});

test('agrees with the rule for any paths and keys', () => {
  const key = fc.constantFrom('a', 'b', '0', '*', '__proto__', 'constructor');
  const path = fc.array(key, { minLength: 1, maxLength: 5 }).map((keys) => keys.join('.'));
  fc.assert(
    fc.property(fc.array(path, { maxLength: 12 }), fc.array(key, { minLength: 1, maxLength: 6 }), (paths, keys) => {
      expect(walk(compilePaths(paths), keys)).toBe(isNamed(paths, keys));
    }),
    { numRuns: 5000 },
  );
});

test('paths that cross at every depth are never in more places at once than there are paths', () => {
  const paths = crossed(100);
  const root = compilePaths(paths);
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', 'b', 'b'), { minLength: 99, maxLength: 99 }), (keys) => {
      let state = root;
      for (const key of keys) {
        state = step(state, key);
        expect(state?.places.length ?? 0).toBeLessThanOrEqual(paths.length);
      }
    }),
  );
  expect(walk(root, [...Array(99).fill('b'), 'a'])).toBe(true);
  expect(walk(root, Array(100).fill('b'))).toBe(false);
});
