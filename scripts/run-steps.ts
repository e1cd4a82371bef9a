import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Stage, Step } from './steps.ts';
import { printSummary, type Result } from './summary.ts';
import { readPlaywrightReport, readVitestReport } from './test-report.ts';

const root = join(import.meta.dirname, '..');
const stepMinutesMax = 26;
const atOnce = Math.max(2, availableParallelism());

/** Runs every stage, also after a failed one, prints a summary that ends in `N passed, N failed`, and returns the exit code. */
export async function runSteps(stages: readonly Stage[], options: { budgetMinutes?: number } = {}): Promise<number> {
  const interrupted = new AbortController();
  // Ctrl-C in a terminal also reaches the steps, so this process only waits for them to end. A SIGTERM reaches only this process and is passed on.
  process.on('SIGINT', () => interrupted.abort());
  process.on('SIGTERM', () => interrupted.abort('SIGTERM'));
  const started = performance.now();
  const results: Result[] = [];
  for (const stage of stages) results.push(...(await runStage(stage, interrupted.signal)));
  return printSummary(results, (performance.now() - started) / 1000, options);
}

/** Runs the steps of a stage side by side and returns their results in the order of the stage. */
async function runStage(stage: Stage, interrupted: AbortSignal): Promise<Result[]> {
  const results: Result[] = [];
  const waiting = [...stage.entries()];
  const printer = createPrinter();
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [index, step] = next;
      results[index] = interrupted.aborted ? failed(step, 'not run: interrupted') : await runStep(step, interrupted, printer);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, stage.length) }, work));
  return results;
}

interface Printer {
  begin(title: string): { write(chunk: Buffer): void; end(): void };
}

/** Prints the output of the earliest running step at once and holds back that of later steps, so that the outputs are not mixed. */
function createPrinter(): Printer {
  const queue: { kept: Uint8Array[]; ended: boolean }[] = [];
  const print = () => {
    for (let first = queue[0]; first; first = queue[0]) {
      for (const chunk of first.kept.splice(0)) process.stdout.write(chunk);
      if (!first.ended) return;
      queue.shift();
    }
  };
  return {
    begin(title) {
      const one: (typeof queue)[number] = {
        kept: [Buffer.from(`\n── ${title} ${'─'.repeat(Math.max(0, 76 - title.length))}\n`)],
        ended: false,
      };
      queue.push(one);
      print();
      return {
        write(chunk) {
          one.kept.push(chunk);
          print();
        },
        end() {
          one.ended = true;
          print();
        },
      };
    },
  };
}

const failed = (step: Step, note: string): Result => ({ name: step.name, passed: 0, failed: 1, seconds: 0, note });

async function runStep(step: Step, interrupted: AbortSignal, printer: Printer): Promise<Result> {
  // not `tributary-test-…`: directories of that name are clusters, which a later run removes when no process owns them
  const directory = mkdtempSync(join(tmpdir(), 'tributary-report-'));
  const file = join(directory, 'report.json');
  const args = [
    step.file,
    ...step.args,
    ...(step.report === 'vitest' ? ['--reporter=default', '--reporter=./scripts/vitest-reporter.ts'] : []),
  ];
  const started = performance.now();
  const output = printer.begin(step.name);
  const environment = { TEST_REPORT: file, ...(step.report === 'playwright' ? { PLAYWRIGHT_JSON_OUTPUT_NAME: file } : {}) };
  const { code, note } = await run(args, { interrupted, environment, minutesMax: step.minutesMax ?? stepMinutesMax, write: output.write });
  output.end();
  const seconds = (performance.now() - started) / 1000;
  const report = step.report === 'vitest' ? readVitestReport(file) : step.report === 'playwright' ? readPlaywrightReport(file) : undefined;
  rmSync(directory, { recursive: true, force: true });
  if (!report) return { name: step.name, passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, seconds, note };
  // A file that cannot be loaded, or an error outside of any test, fails the step without a failed test.
  const isBroken = code !== 0 && report.failed === 0;
  return {
    name: step.name,
    passed: report.passed,
    failed: isBroken ? 1 : report.failed,
    seconds,
    note: isBroken ? note || 'failed outside of its tests, see above' : note,
    report,
  };
}

interface RunOptions {
  interrupted: AbortSignal;
  environment: NodeJS.ProcessEnv;
  minutesMax: number;
  write(chunk: Buffer): void;
}

function run(args: readonly string[], options: RunOptions): Promise<{ code: number | null; note: string }> {
  const { interrupted, minutesMax } = options;
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...colors(), DO_NOT_TRACK: '1', SUPABASE_TELEMETRY_DISABLED: '1', ...options.environment },
  });
  for (const stream of [child.stdout, child.stderr] as Readable[]) stream.on('data', options.write);
  let note = '';
  const timer = setTimeout(() => {
    note = `stopped after ${minutesMax} minutes`;
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), 20_000).unref();
  }, minutesMax * 60_000);
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
      // The last output of the step may still be in the pipe. A process that the step left behind keeps the pipe open, so the wait is limited.
      const late = setTimeout(() => done(code), 2_000);
      child.once('close', () => {
        clearTimeout(late);
        done(code);
      });
    });
  });
}

/** Steps write into pipes and would therefore print without colors, even when a person reads the output in a terminal. */
const colors = (): NodeJS.ProcessEnv => (process.stdout.isTTY && !process.env.NO_COLOR ? { FORCE_COLOR: '1' } : {});
