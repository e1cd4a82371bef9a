import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const exclude = ['**/node_modules/**', '**/dist/**', '**/.local/**'];
// Tests of the database wait more than they compute: two at once also where there are two processors.
const maxWorkers = Math.max(2, availableParallelism() - 1);
// A real database and real processes: slow machines get the time they need.
const patient = { testTimeout: 30_000, hookTimeout: 60_000, expect: { poll: { timeout: 10_000 } } };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          maxWorkers,
          include: ['packages/**/*.test.ts', 'apps/web/**/*.test.ts', 'scripts/{bundle,check-layers}.test.ts'],
          exclude,
          // Properties are tried on thousands of cases, beside tests that use all processors.
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'db',
          maxWorkers,
          include: ['apps/**/*.test.ts', 'supabase/**/*.test.ts', 'scripts/**/*.test.ts'],
          exclude: [...exclude, 'apps/web/**', 'scripts/{bundle,check-layers}.test.ts'],
          globalSetup: ['./supabase/local/vitest-setup.ts'],
          ...patient,
        },
      },
      {
        // Afterwards and one by one: what they measure is the system under a load of their own making.
        test: { name: 'chaos', maxWorkers: 1, sequence: { groupOrder: 1 }, include: ['chaos/**/*.test.ts'], exclude, ...patient },
      },
    ],
  },
});
