import { join } from 'node:path';

/** The minutes that `npm test` may take on a machine with two processors. A longer run is reported and does not fail, because times depend on the machine. */
export const budgetMinutes = 20;

/** One check of the repository. It passes when `node <file> <args>` exits with 0. */
export interface Step {
  name: string;
  file: string;
  args: readonly string[];
  /** The step runs many tests and reports each of them, instead of being one check. */
  report?: 'vitest' | 'playwright';
  /** A step that takes longer is stopped and counts as failed. */
  minutesMax?: number;
}

/** Steps that may run at the same time. A stage begins when the one before it has ended. */
export type Stage = readonly Step[];

const tool = (name: string, file: string, ...args: string[]): Step => ({ name, file: join('node_modules', file), args });
const script = (name: string, file: string, ...args: string[]): Step => ({ name, file, args });

/** The checks that need no database. The slowest come first, so that the short ones run beside them. */
export const staticStage: Stage = [
  tool('lint and format', '@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.'),
  tool('types, Node', 'typescript/bin/tsc', '-p', '.'),
  tool('types, browser', 'typescript/bin/tsc', '-p', 'apps/web'),
  tool('dead code', 'knip/bin/knip.js'),
  script('bundle of the dashboard', 'scripts/check-bundle.ts'),
  script('layers and import cycles', 'scripts/check-layers.ts'),
  script('references', 'scripts/check-refs.ts'),
  script('generated pages', 'scripts/docs.ts', '--check'),
];

/** The checks of the database itself, each on a freshly migrated Postgres. */
export const databaseStage: Stage = [
  script('db:snapshot', 'supabase/tools/snapshot.ts', '--check'),
  script('db:types', 'supabase/tools/types.ts', '--check'),
  script('db:lint', 'supabase/tools/lint.ts'),
];

/** Runs the tests of some projects of vitest.config.ts. */
export function vitestStep(name: string, ...projects: string[]): Step {
  return { ...tool(name, 'vitest/vitest.mjs', 'run', ...projects.flatMap((project) => ['--project', project])), report: 'vitest' };
}

/** User journeys in a real browser, on a stack that they share. */
export const browserStep: Step = {
  ...tool('browser journeys', '@playwright/test/cli.js', 'test', '--config', 'e2e'),
  report: 'playwright',
};

/** The fault cases of `chaos/` in their long form. */
export const longFaultsStep: Step = { ...script('faults, long form', 'chaos/src/main.ts'), minutesMax: 75 };

/** Everything that a change must pass. Fast checks come first. Fault cases whose results are only valid on an idle machine run alone, at the end. */
export const everything: readonly Stage[] = [
  [...staticStage, ...databaseStage],
  [vitestStep('unit, component and database tests', 'unit', 'web', 'db')],
  [browserStep, vitestStep('faults', 'faults')],
  [vitestStep('faults, one at a time', 'faults-alone')],
];
