import { readFileSync } from 'node:fs';

/** The results of a step that runs many tests. */
export interface TestReport {
  passed: number;
  failed: number;
  /** The tests that count as failed, so that the end of a long output names them. */
  failures: string[];
  skipped: SkippedTest[];
  /** The tests that failed first and passed when they were repeated; they count as passed. */
  flaky: string[];
  /** Every test that ran, with its time. */
  times: { name: string; seconds: number }[];
}

export interface SkippedTest {
  name: string;
  /** Undefined when the test does not say why it is skipped. */
  reason: string | undefined;
}

/** The report that scripts/vitest-reporter.ts wrote; undefined when the runner ended before it could. */
export function readVitestReport(file: string): TestReport | undefined {
  return readJson<TestReport>(file);
}

interface PlaywrightSuite {
  title: string;
  suites?: PlaywrightSuite[];
  specs?: { title: string; tests: PlaywrightTest[] }[];
}
interface PlaywrightTest {
  status: 'expected' | 'unexpected' | 'flaky' | 'skipped';
  annotations: { type: string; description?: string }[];
  results: { duration: number }[];
}

/** The JSON report of Playwright; undefined when the runner ended before it could write it. */
export function readPlaywrightReport(file: string): TestReport | undefined {
  const content = readJson<{ suites: PlaywrightSuite[] }>(file);
  if (!content) return undefined;
  const report: TestReport = { passed: 0, failed: 0, failures: [], skipped: [], flaky: [], times: [] };
  const visit = (suite: PlaywrightSuite, parents: readonly string[]) => {
    const path = [...parents, suite.title];
    for (const { title, tests } of suite.specs ?? []) for (const test of tests) add(report, [...path, title].join(' > '), test);
    for (const child of suite.suites ?? []) visit(child, path);
  };
  for (const suite of content.suites) visit(suite, []);
  return report;
}

function add(report: TestReport, name: string, { status, annotations, results }: PlaywrightTest): void {
  if (status === 'skipped') {
    report.skipped.push({ name, reason: annotations.find(({ type }) => type === 'skip' || type === 'fixme')?.description });
    return;
  }
  if (status === 'unexpected') {
    report.failed++;
    report.failures.push(name);
  } else report.passed++;
  if (status === 'flaky') report.flaky.push(name);
  report.times.push({ name, seconds: results.reduce((sum, { duration }) => sum + duration, 0) / 1000 });
}

function readJson<T>(file: string): T | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T;
  } catch {
    return undefined;
  }
}
