import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const exclude = ['**/node_modules/**', '**/dist/**', '**/.local/**'];
// These tests use a real database and real processes, which take longer on a slow machine.
const patient = { testTimeout: 30_000, hookTimeout: 60_000, expect: { poll: { timeout: 10_000 } } };
// Most tests of the database wait more than they compute: three at once on two processors.
const maxWorkers = Math.max(3, availableParallelism());

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          // these tests share no state: each worker imports a module once
          isolate: false,
          maxWorkers,
          include: ['packages/**/*.test.ts', 'apps/web/**/*.test.ts', 'scripts/**/*.test.ts'],
          exclude: [...exclude, 'scripts/demo.test.ts'],
          // Properties are tried on thousands of cases, beside tests that use all processors.
          testTimeout: 30_000,
        },
      },
      {
        // The dashboard in jsdom, before a mock of both servers.
        test: {
          name: 'web',
          maxWorkers,
          environment: 'jsdom',
          include: ['apps/web/src/test/**/*.test.tsx'],
          exclude,
          setupFiles: ['./apps/web/src/test/browser.ts'],
          // Minutes of the page's clock pass in each test, beside tests that use all processors.
          testTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'db',
          maxWorkers,
          include: ['apps/{api,cli}/**/*.test.ts', 'supabase/**/*.test.ts', 'scripts/demo.test.ts'],
          exclude,
          // the command-line programs run inside the tests, which compare their output without colors
          env: { NO_COLOR: '1' },
          globalSetup: ['./supabase/local/vitest-setup.ts'],
          ...patient,
        },
      },
      {
        // Each case has its own stack, so that files may run side by side.
        test: {
          name: 'faults',
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          include: ['chaos/**/*.test.ts'],
          exclude: [...exclude, 'chaos/alone.test.ts'],
          ...patient,
        },
      },
      {
        // They measure times under load, or require that nothing is refused: nothing else may run beside them.
        test: { name: 'faults-alone', maxWorkers: 1, sequence: { groupOrder: 2 }, include: ['chaos/alone.test.ts'], exclude, ...patient },
      },
    ],
  },
});
