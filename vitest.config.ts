import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const exclude = ['**/node_modules/**', '**/dist/**', '**/.local/**'];
// These tests use a real database and real processes, which take longer on a slow machine.
const patient = { testTimeout: 30_000, hookTimeout: 60_000, expect: { poll: { timeout: 10_000 } } };
// Most tests of the database wait more than they compute: three at once on two processors.
const maxWorkers = Math.max(3, availableParallelism());

/** Seconds that long files take on two processors, for a clone in which they have never run. Later runs use the times of the run before. */
const longFiles: Record<string, number> = {
  'supabase/local/stack.test.ts': 43,
  'supabase/tests/tools.test.ts': 42,
  'apps/web/src/test/requests.test.tsx': 34,
  'apps/api/src/ingest/bombs.test.ts': 32,
  'supabase/tests/mutants.test.ts': 31,
  'supabase/tests/isolation.test.ts': 29,
  'apps/web/src/test/pages.test.tsx': 26,
  'apps/web/src/test/roles.test.tsx': 25,
  'apps/web/src/test/states.test.tsx': 23,
  'apps/api/src/flow/flow.test.ts': 20,
  'apps/web/src/test/silence.test.tsx': 20,
  'supabase/tests/hosted.test.ts': 19,
  'scripts/demo.test.ts': 17,
  'apps/cli/src/tributary.test.ts': 17,
  'apps/api/src/ingest/samples-hotmart.test.ts': 16,
  'apps/cli/src/replayctl.test.ts': 15,
  'apps/api/src/replays/replays.test.ts': 15,
  'supabase/tests/partitions.test.ts': 14,
  'apps/cli/src/dlqtriage.test.ts': 14,
  'apps/api/src/platform/jobs.test.ts': 13,
};

/**
 * Starts the longest files of all projects first: one that starts at the end runs alone, while the other workers have nothing left to do. Vitest itself
 * orders files by their times only within a project, and in a new clone by their size. Files of a project that shares its workers come last and
 * together, because a worker that changes its project starts anew.
 */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const root = `${this.ctx.config.root}/`;
    const time = (file: TestSpecification): number => {
      const known = this.ctx.cache.getTestSpecificationResult(file);
      return known && known.duration > 0 ? known.duration : 1_000 * (longFiles[file.moduleId.replace(root, '')] ?? 0);
    };
    const rank = ({ project: { config } }: TestSpecification): number => 2 * config.sequence.groupOrder + (config.isolate ? 0 : 1);
    // where nothing else decides, the order of Vitest stays
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b) || time(b) - time(a));
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          // these tests share no state: each worker imports a module once
          isolate: false,
          maxWorkers,
          include: ['packages/**/*.test.ts', 'apps/web/**/*.test.ts', 'scripts/**/*.test.ts', 'bench/**/*.test.ts'],
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
