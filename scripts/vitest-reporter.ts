import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { Reporter, TestCase, TestModule, TestSuite } from 'vitest/node';
import type { TestReport } from './test-report.ts';

declare module 'vitest' {
  interface TaskMeta {
    /** Why `skipIf` skips this test or suite; printed in the summary of `npm test`. */
    skipReason?: string;
  }
}

/** Writes a TestReport to the file that TEST_REPORT names. Vitest's own JSON report has neither reasons of skipped tests nor flaky ones. */
// biome-ignore lint/style/noDefaultExport: Vitest loads a reporter by its default export
export default class TestReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const report: TestReport = { passed: 0, failed: 0, failures: [], skipped: [], flaky: [], times: [] };
    for (const module of modules) {
      const file = relative(process.cwd(), module.moduleId);
      for (const test of module.children.allTests()) add(report, `${file} > ${test.fullName}`, test);
    }
    if (process.env.TEST_REPORT) writeFileSync(process.env.TEST_REPORT, JSON.stringify(report));
  }
}

function add(report: TestReport, name: string, test: TestCase): void {
  const result = test.result();
  const diagnostic = test.diagnostic();
  if (result.state === 'skipped') report.skipped.push({ name, reason: result.note ?? skipReasonOf(test) });
  else if (result.state === 'passed') report.passed++;
  else {
    report.failed++;
    report.failures.push(`${name}: ${result.errors?.[0]?.message.split('\n')[0] ?? 'no error is given'}`);
  }
  if (diagnostic?.flaky) report.flaky.push(name);
  if (diagnostic && result.state !== 'skipped') report.times.push({ name, seconds: diagnostic.duration / 1000 });
}

function skipReasonOf(test: TestCase): string | undefined {
  let task: TestCase | TestSuite | TestModule = test;
  while (task.type !== 'module') {
    const { skipReason } = task.meta();
    if (skipReason) return skipReason;
    task = task.parent;
  }
  return undefined;
}
