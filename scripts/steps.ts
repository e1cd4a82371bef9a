import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..');

/** One check of the repository. It passes when `node <file> <args>` exits with 0. */
export interface Step {
  name: string;
  file: string;
  args: readonly string[];
  /** Counts its own tests into a JSON report, of this runner, instead of being one check. */
  report?: 'vitest' | 'playwright';
}

interface Result {
  name: string;
  passed: number;
  failed: number;
  skipped: number;
  seconds: number;
  note: string;
}

/** A step that hangs is a failed step, and the ones after it still get their turn. */
const stepMinutesMax = 26;

const tool = (name: string, file: string, ...args: string[]): Step => ({ name, file: join('node_modules', file), args });
const script = (name: string, file: string, ...args: string[]): Step => ({ name, file, args });

/** Everything that needs no database, cheapest first. */
export const staticSteps: readonly Step[] = [
  script('references', 'scripts/check-refs.ts'),
  script('generated pages', 'scripts/docs.ts', '--check'),
  script('layers and circles', 'scripts/check-layers.ts'),
  tool('lint and format', '@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.'),
  tool('types of the workspaces', 'turbo/bin/turbo', 'run', 'types'),
  tool('types of the scripts', 'typescript/bin/tsc', '-p', 'scripts'),
  tool('dead code', 'knip/bin/knip.js'),
  script('what browsers load', 'scripts/check-bundle.ts'),
];

/** The database's own checks, each on a freshly migrated Postgres. */
export const databaseSteps: readonly Step[] = [
  script('db:snapshot', 'supabase/tools/snapshot.ts', '--check'),
  script('db:types', 'supabase/tools/types.ts', '--check'),
  script('db:lint', 'supabase/tools/lint.ts'),
];

export function vitestStep(...args: string[]): Step {
  return { ...tool('vitest', 'vitest/vitest.mjs', 'run', ...args), report: 'vitest' };
}

/** The journeys in a real browser, on a stack of their own. */
export const browserStep: Step = {
  ...tool('browser journeys', '@playwright/test/cli.js', 'test', '--config', 'e2e'),
  report: 'playwright',
};

/** Runs every step in order, whatever became of the one before, prints a table and `N passed, N failed`, and returns the exit code. */
export async function runSteps(steps: readonly Step[]): Promise<number> {
  const interrupted = new AbortController();
  // the terminal's Ctrl-C reaches the step as well, so it is only waited for; a SIGTERM is handed on
  process.on('SIGINT', () => interrupted.abort());
  process.on('SIGTERM', () => interrupted.abort('SIGTERM'));
  const results: Result[] = [];
  for (const step of steps) {
    if (interrupted.signal.aborted)
      results.push({ name: step.name, passed: 0, failed: 1, skipped: 0, seconds: 0, note: 'not run: interrupted' });
    else {
      console.log(`\n── ${step.name} ${'─'.repeat(Math.max(0, 76 - step.name.length))}`);
      results.push(await runStep(step, interrupted.signal));
    }
  }
  const sum = (key: 'passed' | 'failed' | 'skipped' | 'seconds') => results.reduce((total, result) => total + result[key], 0);
  console.log(`\n${'─'.repeat(80)}`);
  for (const { name, passed, failed, skipped, seconds, note } of results) {
    const counts = `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`;
    console.log(`${failed ? '✗' : '✓'} ${name.padEnd(28)} ${`${seconds.toFixed(1)} s`.padStart(8)}   ${counts}${note && `   (${note})`}`);
  }
  console.log(`  ${'together'.padEnd(28)} ${`${sum('seconds').toFixed(1)} s`.padStart(8)}\n`);
  console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
  return sum('failed') > 0 ? 1 : 0;
}

async function runStep(step: Step, interrupted: AbortSignal): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), 'tributary-test-'));
  const report = join(directory, 'report.json');
  const args = [
    step.file,
    ...step.args,
    ...(step.report === 'vitest' ? ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`] : []),
  ];
  const started = performance.now();
  const { code, note } = await run(args, interrupted, { PLAYWRIGHT_JSON_OUTPUT_NAME: step.report === 'playwright' ? report : undefined });
  const seconds = (performance.now() - started) / 1000;
  const counts = step.report && readReport(report, step.report);
  rmSync(directory, { recursive: true, force: true });
  if (!counts) return { name: step.name, passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0, seconds, note };
  // a file that could not be loaded or an error outside of any test fails the run without a failed test
  const failed = code !== 0 && counts.failed === 0 ? 1 : counts.failed;
  return {
    name: step.name,
    ...counts,
    failed,
    seconds,
    note: failed > counts.failed ? note || 'failed outside of its tests, see above' : note,
  };
}

function run(args: readonly string[], interrupted: AbortSignal, env: NodeJS.ProcessEnv): Promise<{ code: number | null; note: string }> {
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, DO_NOT_TRACK: '1', TURBO_TELEMETRY_DISABLED: '1', SUPABASE_TELEMETRY_DISABLED: '1', ...env },
  });
  let note = '';
  const timer = setTimeout(() => {
    note = `stopped after ${stepMinutesMax} minutes`;
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), 20_000).unref();
  }, stepMinutesMax * 60_000);
  const onInterrupt = () => {
    note = 'interrupted';
    if (interrupted.reason === 'SIGTERM') child.kill('SIGTERM');
  };
  interrupted.addEventListener('abort', onInterrupt);
  return new Promise((resolve) => {
    const done = (code: number | null) => {
      clearTimeout(timer);
      interrupted.removeEventListener('abort', onInterrupt);
      resolve({ code, note });
    };
    child.once('error', (error) => {
      note = `could not be run: ${error.message}`;
      done(null);
    });
    child.once('exit', (code, signal) => {
      if (signal && !note) note = `ended by ${signal}`;
      if (code && !note) note = `exit code ${code} of ${args[0]}`;
      done(code);
    });
  });
}

function readReport(file: string, runner: 'vitest' | 'playwright'): { passed: number; failed: number; skipped: number } | undefined {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8')) as Record<string, number> & { stats?: Record<string, number> };
    const counts = runner === 'vitest' ? report : (report.stats ?? {});
    const count = (key: string) => counts[key] ?? 0;
    return runner === 'vitest'
      ? { passed: count('numPassedTests'), failed: count('numFailedTests'), skipped: count('numPendingTests') + count('numTodoTests') }
      : { passed: count('expected') + count('flaky'), failed: count('unexpected'), skipped: count('skipped') };
  } catch {
    return undefined;
  }
}
